"""What the provider has, and who may change it."""

import pytest

from cse_testing.vcd_cloud import Answer, LabCloud, RestCaller
from vcd_simulator.model.infrastructure import PortGroup, ProviderVdc, ResourcePool, VimServer

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


@pytest.fixture
def group(lab: LabCloud) -> PortGroup:
    return next(one for one in lab.cloud.port_groups if one.external_network_id is None)


def external(server: VimServer, moref: str, *ranges: str, name: str = "outside", dns: str = "") -> str:
    scopes = "".join(
        "<v:IpRange><v:StartAddress>{}</v:StartAddress><v:EndAddress>{}</v:EndAddress></v:IpRange>".format(
            *one.split("-")
        )
        for one in ranges
    )
    return (
        f'<VMWExternalNetwork {VMEXT} name="{name}"><v:Configuration><v:IpScopes><v:IpScope><v:IsInherited>false'
        "</v:IsInherited><v:Gateway>10.99.0.1</v:Gateway><v:Netmask>255.255.255.0</v:Netmask>"
        f"<v:Dns1>{dns}</v:Dns1><v:IpRanges>{scopes}</v:IpRanges></v:IpScope></v:IpScopes></v:Configuration>"
        f'<VimPortGroupRef><VimServerRef href="{ROOT}/vimServer/{server.id}"/><MoRef>{moref}</MoRef>'
        "</VimPortGroupRef></VMWExternalNetwork>"
    )


def test_an_external_network_comes_changes_and_goes(
    lab: LabCloud, administrator: RestCaller, server: VimServer, group: PortGroup
) -> None:
    create = administrator.get(ROOT).links()["add", "application/vnd.vmware.admin.vmwexternalnet+xml"]
    made = administrator.post(create, external(server, group.moref, "10.99.0.10-10.99.0.20"))
    assert made.status == 201
    href = made.headers["location"]
    lab.pass_time()
    network = lab.cloud.external_networks.first("name", "outside")
    assert network is not None
    assert group.external_network_id == network.id
    changed = administrator.put(
        href, external(server, group.moref, "10.99.0.5-10.99.0.30", name="beyond", dns="8.8.8.8")
    )
    assert changed.status == 202
    first = network.pool.allocate("a VM that comes meanwhile")
    lab.pass_time()
    assert (network.name, network.pool.dns1, len(network.pool.used)) == ("beyond", "8.8.8.8", 1)
    assert first in network.pool.used
    narrower = administrator.put(href, external(server, group.moref, "10.99.0.20-10.99.0.30", name="beyond"))
    assert f"The address {first}" in refused(narrower)
    assert administrator.delete(administrator.get(href).links()["remove", None]).status == 202
    lab.pass_time()
    assert administrator.get(href).status == 403
    assert group.external_network_id is None


def test_direct_networks_follow_their_external_network(lab: LabCloud, administrator: RestCaller) -> None:
    network = next(iter(lab.cloud.external_networks))
    direct = [one for one in lab.cloud.networks if one.pool is network.pool]
    assert direct
    pool = network.pool
    body = (
        f'<VMWExternalNetwork {VMEXT} name="{network.name}"><v:Configuration><v:IpScopes><v:IpScope>'
        f"<v:Gateway>{pool.gateway}</v:Gateway><v:Netmask>{pool.netmask}</v:Netmask><v:Dns1>9.9.9.9</v:Dns1><v:IpRanges>"
        f"<v:IpRange><v:StartAddress>{pool.ranges[0][0]}</v:StartAddress><v:EndAddress>{pool.ranges[0][1]}</v:EndAddress>"
        "</v:IpRange></v:IpRanges></v:IpScope></v:IpScopes></v:Configuration></VMWExternalNetwork>"
    )
    assert administrator.put(f"{ROOT}/externalnet/{network.id}", body).status == 202
    lab.pass_time()
    assert {network.pool.dns1, *(one.pool.dns1 for one in direct)} == {"9.9.9.9"}
    assert "in use by the network" in refused(administrator.delete(f"{ROOT}/externalnet/{network.id}"))


def test_an_external_network_that_cannot_be_is_refused(
    lab: LabCloud, administrator: RestCaller, alice: RestCaller, server: VimServer, group: PortGroup
) -> None:
    path = f"{ROOT}/externalnets"
    right = "10.99.0.10-10.99.0.20"
    used = next(one for one in lab.cloud.port_groups if one.external_network_id is not None)
    assert "in use" in refused(administrator.post(path, external(server, used.moref, right)))
    assert administrator.post(path, external(server, "network-0", right)).status == 403
    taken = administrator.post(path, external(server, group.moref, right, name="ext-net"))
    assert taken.xml.get("minorErrorCode") == "DUPLICATE_NAME"
    for ranges in (["10.98.0.1-10.98.0.2"], [right, "10.99.0.20-10.99.0.30"]):
        assert "addresses are wrong" in refused(administrator.post(path, external(server, group.moref, *ranges)))
    assert alice.post(path, external(server, group.moref, right)).status == 403
    existing = next(iter(lab.cloud.external_networks))
    for method in ("PUT", "DELETE"):
        body = external(server, group.moref, right) if method == "PUT" else ""
        assert alice.call(method, f"{ROOT}/externalnet/{existing.id}", body).status == 403
    assert (len(lab.cloud.external_networks), group.external_network_id) == (1, None)


def test_a_provider_vdc_says_what_it_has_and_what_was_cut_from_it(
    lab: LabCloud, administrator: RestCaller, alice: RestCaller, pvdc: ProviderVdc
) -> None:
    lab.vapp("c1", lab.machine("a"), power_on=True)
    lab.vdc().memory.allocated = 4096
    href = f"/api/admin/providervdc/{pvdc.id}"
    shown = administrator.get(href)
    memory = shown.xml.find("{*}ComputeCapacity/{*}Memory")
    assert memory is not None
    used = sum(vm.hardware.memory_mb for vm in lab.cloud.vms if vm.is_on)
    assert [memory.findtext(f"{{*}}{one}") for one in ("Units", "Allocation", "Used")] == ["MB", "4096", str(used)]
    assert int(memory.findtext("{*}Total") or "") > 4096
    references = administrator.get(shown.links()["down", "application/vnd.vmware.admin.vdcReferences+xml"])
    assert {one.get("name") for one in references.xml.findall("{*}VdcReference")} == {
        one.name for one in lab.cloud.vdcs
    }
    assert shown.xml.find("{*}Vdcs") is None, "clients that find it look for more"
    assert alice.get(f"{href}/vdcReferences").status == 403


def test_a_provider_vdc_has_metadata(
    lab: LabCloud, administrator: RestCaller, alice: RestCaller, pvdc: ProviderVdc
) -> None:
    href = administrator.get(f"/api/admin/providervdc/{pvdc.id}").links()[
        "down", "application/vnd.vmware.vcloud.metadata+xml"
    ]
    entry = (
        '<Metadata xmlns="http://www.vmware.com/vcloud/v1.5"><MetadataEntry><Key>site</Key>'
        "<TypedValue><Value>north</Value></TypedValue></MetadataEntry></Metadata>"
    )
    assert administrator.post(href, entry).status == 202
    lab.pass_time()
    assert administrator.get(href).xml.findtext("{*}MetadataEntry/{*}TypedValue/{*}Value") == "north"
    (found,) = administrator.get("/api/query?type=providerVdc&filter=metadata:site==STRING:north").xml.findall(
        "{*}*[@name]"
    )
    assert found.get("name") == pvdc.name
    assert alice.get(href).status == 403
