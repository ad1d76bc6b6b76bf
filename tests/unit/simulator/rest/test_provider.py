"""What the provider has, and who may change it."""

import pytest

from cse_testing.vcd_cloud import Answer, LabCloud, RestCaller
from vcd_simulator.model.infrastructure import ProviderVdc, ResourcePool, VimServer

VMEXT = 'xmlns="http://www.vmware.com/vcloud/extension/v1.5" xmlns:v="http://www.vmware.com/vcloud/v1.5"'
ROOT = "/api/admin/extension"


@pytest.fixture
def server(lab: LabCloud) -> VimServer:
    return next(iter(lab.cloud.vim_servers))


@pytest.fixture
def spare(lab: LabCloud) -> ResourcePool:
    return next(pool for pool in lab.cloud.resource_pools if pool.provider_vdc_id is None)


@pytest.fixture
def pvdc(lab: LabCloud) -> ProviderVdc:
    return next(iter(lab.cloud.provider_vdcs))


def params(server: VimServer, moref: str, *, name: str = "second", profile: str = "silver") -> str:
    return (
        f'<VMWProviderVdcParams {VMEXT} name="{name}"><ResourcePoolRefs><VimObjectRef><MoRef>{moref}</MoRef>'
        f'</VimObjectRef></ResourcePoolRefs><VimServer href="{ROOT}/vimServer/{server.id}"/>'
        f"<StorageProfile>{profile}</StorageProfile></VMWProviderVdcParams>"
    )


def refused(answer: Answer) -> str:
    assert answer.status in (400, 403), answer.body
    return answer.xml.get("message", "")


def test_a_provider_vdc_comes_changes_and_goes(
    lab: LabCloud, administrator: RestCaller, server: VimServer, spare: ResourcePool
) -> None:
    links = administrator.get(ROOT).links()
    create = links["add", "application/vnd.vmware.admin.createProviderVdcParams+xml"]
    made = administrator.post(create, params(server, spare.moref))
    assert (made.status, made.xml.get("status")) == (201, "0")
    href = made.headers["location"]
    lab.pass_time()
    assert administrator.get(href).xml.get("status") == "1"
    assert spare.primary
    renamed = administrator.put(href, f'<VMWProviderVdc {VMEXT} name="third"/>')
    assert renamed.xml.get("name") == "third"
    assert "enabled" in refused(administrator.delete(href))
    assert administrator.post(administrator.get(href).links()["disable", None]).status == 204
    assert administrator.delete(administrator.get(href).links()["remove", None]).status == 202
    lab.pass_time()
    assert administrator.get(href).status == 403
    assert (spare.provider_vdc_id, spare.primary) == (None, False)


def test_a_provider_vdc_that_cannot_be_is_refused(
    lab: LabCloud, administrator: RestCaller, server: VimServer, spare: ResourcePool, pvdc: ProviderVdc
) -> None:
    path = f"{ROOT}/providervdcsparams"
    used = lab.cloud.resource_pools.find("pvdc", pvdc.id)[0]
    assert "in use" in refused(administrator.post(path, params(server, used.moref)))
    assert administrator.post(path, params(server, "resgroup-0")).status == 403
    assert "no storage profile" in refused(administrator.post(path, params(server, spare.moref, profile="bronze")))
    duplicate = administrator.post(path, params(server, spare.moref, name=pvdc.name))
    assert duplicate.xml.get("minorErrorCode") == "DUPLICATE_NAME"
    server.enabled = False
    assert "disabled" in refused(administrator.post(path, params(server, spare.moref)))
    assert len(lab.cloud.provider_vdcs) == 1


def test_what_is_in_use_stays(lab: LabCloud, administrator: RestCaller, server: VimServer, pvdc: ProviderVdc) -> None:
    href = f"{ROOT}/providervdc/{pvdc.id}"
    pvdc.enabled = False
    assert "org VDCs" in refused(administrator.delete(href))
    profile = lab.cloud.provider_profiles.find("pvdc", pvdc.id)[0]
    body = (
        f"<UpdateProviderVdcStorageProfiles {VMEXT}>"
        f'<RemoveStorageProfile href="{ROOT}/pvdcStorageProfile/{profile.id}"/></UpdateProviderVdcStorageProfiles>'
    )
    profile.enabled = False
    assert "in use" in refused(administrator.post(f"{href}/storageProfiles", body))
    unregister = f"{ROOT}/vimServer/{server.id}/action/unregister"
    assert "enabled" in refused(administrator.post(unregister))
    server.enabled = False
    assert "in use" in refused(administrator.post(unregister))
    primary = lab.cloud.resource_pools.find("pvdc", pvdc.id)[0]
    assert refused(administrator.post(f"{ROOT}/resourcePool/{primary.id}/action/disable"))


@pytest.mark.parametrize(
    ("name", "url"),
    [("vc1", "https://other.example.com"), ("", "https://other.example.com"), ("new", "nonsense"), ("new", "ftp://x")],
)
def test_a_vcenter_that_cannot_be_is_not_registered(
    lab: LabCloud, administrator: RestCaller, name: str, url: str
) -> None:
    body = (
        f'<RegisterVimServerParams {VMEXT}><VimServer name="{name}"><Username>u</Username><Password>p-secret</Password>'
        f"<Url>{url}</Url></VimServer></RegisterVimServerParams>"
    )
    answer = administrator.post(f"{ROOT}/action/registervimserver", body)
    assert answer.status == 400
    assert b"p-secret" not in answer.body
    assert len(lab.cloud.vim_servers) == 1


def test_tenants_and_limited_administrators_change_nothing(
    lab: LabCloud, alice: RestCaller, server: VimServer, spare: ResourcePool, pvdc: ProviderVdc
) -> None:
    for method, path in (
        ("POST", f"{ROOT}/providervdcsparams"),
        ("POST", f"{ROOT}/action/registervimserver"),
        ("GET", f"{ROOT}/providervdc/{pvdc.id}"),
        ("POST", f"{ROOT}/providervdc/{pvdc.id}/action/disable"),
        ("DELETE", f"{ROOT}/providervdc/{pvdc.id}"),
        ("POST", f"{ROOT}/resourcePool/{spare.id}/action/disable"),
        ("GET", f"{ROOT}/vimServer/{server.id}/storageProfiles"),
    ):
        assert alice.call(method, path, params(server, spare.moref) if method == "POST" else "").status == 403, path
    assert pvdc.enabled
