"""Org VDCs: what they are made with."""

import pytest

from cse_testing.vcd_cloud import Answer, LabCloud, RestCaller

V = 'xmlns="http://www.vmware.com/vcloud/v1.5"'


def create(lab: LabCloud, administrator: RestCaller, profile: str) -> Answer:
    pvdc = next(iter(lab.cloud.provider_vdcs))
    provider_profile = next(iter(lab.cloud.provider_profiles))
    body = (
        f'<CreateVdcParams {V} name="new"><AllocationModel>AllocationVApp</AllocationModel>'
        f"<VdcStorageProfile><Enabled>true</Enabled>{profile}<Default>true</Default>"
        f'<ProviderVdcStorageProfile href="https://vcd.test/api/admin/pvdcStorageProfile/{provider_profile.id}"/>'
        "</VdcStorageProfile>"
        f'<ProviderVdcReference href="https://vcd.test/api/admin/providervdc/{pvdc.id}"/></CreateVdcParams>'
    )
    return administrator.post(f"/api/admin/org/{lab.org('acme').id}/vdcsparams", body)


@pytest.mark.parametrize(
    ("limit", "megabytes"),
    [
        ("<Units>MB</Units><Limit>2048</Limit>", "2048"),
        ("<Units>GB</Units><Limit>2</Limit>", "2048"),
        ("<Limit>5</Limit>", "5"),
        ("", "0"),
    ],
    ids=["MB", "GB", "no units", "no limit"],
)
def test_the_limit_of_a_storage_profile_has_units(
    lab: LabCloud, administrator: RestCaller, limit: str, megabytes: str
) -> None:
    made = create(lab, administrator, limit)
    assert made.status == 201, made.body
    reference = made.xml.find("{*}VdcStorageProfiles/{*}VdcStorageProfile")
    assert reference is not None
    path = reference.get("href", "").replace("/api/", "/api/admin/")
    shown = administrator.get(path)
    assert (shown.xml.findtext("{*}Units"), shown.xml.findtext("{*}Limit")) == ("MB", megabytes)
    larger = (
        f"<AdminVdcStorageProfile {V}><Enabled>true</Enabled><Units>GB</Units><Limit>3</Limit>"
        "<Default>true</Default></AdminVdcStorageProfile>"
    )
    assert administrator.put(path, larger).xml.findtext("{*}Limit") == "3072"


@pytest.mark.parametrize(
    ("limit", "why"),
    [("<Units>PB</Units><Limit>1</Limit>", "Units of a storage profile"), ("<Limit>-1</Limit>", "Limit is negative")],
    ids=["units", "negative"],
)
def test_a_limit_that_makes_no_sense_is_refused(lab: LabCloud, administrator: RestCaller, limit: str, why: str) -> None:
    refused = create(lab, administrator, limit)
    assert (refused.status, why in refused.xml.get("message", "")) == (400, True), refused.body


def test_it_says_which_hardware_its_vms_may_have(lab: LabCloud, alice: RestCaller) -> None:
    versions = alice.get(f"/api/vdc/{lab.vdc().id}").xml.findall(
        "{*}Capabilities/{*}SupportedHardwareVersions/{*}SupportedHardwareVersion"
    )
    assert versions[0].text == "vmx-04"
    template = lab.template_vm()
    assert f"vmx-{template.hardware_version:02d}" in {one.text for one in versions}
