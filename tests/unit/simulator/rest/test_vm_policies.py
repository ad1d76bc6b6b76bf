"""Compute policies of VMs and of templates: who follows which, and what that makes of the hardware."""

import pytest
from lxml import etree

from cse_testing.vcd_cloud import Answer, LabCloud, RestCaller
from vcd_simulator.model.compute import Vapp, VappTemplate, Vm
from vcd_simulator.model.policies import AppliedPolicies, ComputePolicy
from vcd_simulator.operations import policies

VCLOUD = "http://www.vmware.com/vcloud/v1.5"


class Policies:
    """A small size and a place, offered in acme's VDC; a large size that is not."""

    def __init__(self, lab: LabCloud) -> None:
        self._lab = lab
        self.small = self._add("small", cpu_count=2, cores_per_socket=2, memory_mb=1024)
        self.large = self._add("large", cpu_count=8)
        rack = self._add("rack", of_provider=True)
        self.place = self._add("rack 1", provider_policy_id=rack.id)
        default = policies.system_default(lab.cloud)
        policies.offer(lab.cloud, lab.vdc(), [default.id, self.small.id, self.place.id])

    def _add(self, name: str, **values: object) -> ComputePolicy:
        policy = ComputePolicy(id=self._lab.cloud.new_id(), name=name)
        for field, value in values.items():
            setattr(policy, field, value)
        return policies.add(self._lab.cloud, policy)

    def offer(self, *offered: ComputePolicy) -> None:
        wanted = [policies.system_default(self._lab.cloud), *offered]
        policies.offer(self._lab.cloud, self._lab.vdc(), [one.id for one in wanted])


@pytest.fixture
def known(lab: LabCloud) -> Policies:
    return Policies(lab)


@pytest.fixture
def vapp(lab: LabCloud, known: Policies) -> Vapp:
    return lab.vapp("c1", lab.machine("a"))


def vm_of(lab: LabCloud, vapp: Vapp) -> Vm:
    return lab.cloud.vms_of(vapp)[0]


def template_of(lab: LabCloud) -> VappTemplate:
    template_id = lab.template_vm().template_id
    assert template_id is not None
    return lab.cloud.templates[template_id]


def reference(tag: str, policy: ComputePolicy) -> str:
    urn = f"urn:vcloud:vdcComputePolicy:{policy.id}"
    return f'<{tag} href="https://vcd.test/cloudapi/1.0.0/vdcComputePolicies/{urn}" id="{urn}"/>'


def sizing(policy: ComputePolicy, *, final: bool = False) -> str:
    flag = f"<VmSizingPolicyFinal>{str(final).lower()}</VmSizingPolicyFinal>"
    return f"<ComputePolicy>{reference('VmSizingPolicy', policy)}{flag}</ComputePolicy>"


def reconfigure(caller: RestCaller, vm: Vm, content: str) -> Answer:
    return caller.post(f"/api/vApp/vm-{vm.id}/action/reconfigureVm", f'<Vm xmlns="{VCLOUD}">{content}</Vm>')


def put_template(caller: RestCaller, template: VappTemplate, content: str, **attributes: str) -> Answer:
    named = "".join(f' {name}="{value}"' for name, value in attributes.items())
    return caller.put(
        f"/api/vAppTemplate/vappTemplate-{template.id}",
        f'<VAppTemplate xmlns="{VCLOUD}"{named}>{content}</VAppTemplate>',
    )


def with_policy(lab: LabCloud, policy: str) -> str:
    return f'<Children><Vm href="https://vcd.test/api/vAppTemplate/vm-{lab.template_vm().id}">{policy}</Vm></Children>'


def shown(caller: RestCaller, path: str) -> dict[str, str | None]:
    """The policies in a document, by the names of their elements, and what says that they are final."""
    root = caller.get(path).xml
    tags = ("VdcComputePolicy", "VmSizingPolicy", "VmPlacementPolicy", "VmSizingPolicyFinal", "VmPlacementPolicyFinal")
    found = root.iter(*[f"{{{VCLOUD}}}{tag}" for tag in tags])
    return {etree.QName(one).localname: one.get("name") or one.text for one in found}


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("31.0", {}),
        ("32.0", {"VdcComputePolicy": "System Default"}),
        (
            "33.0",
            {"VdcComputePolicy": "System Default", "VmSizingPolicy": "System Default", "VmSizingPolicyFinal": "false"},
        ),
        ("34.0", {"VmSizingPolicy": "System Default", "VmSizingPolicyFinal": "false"}),
    ],
)
def test_each_version_has_its_elements(lab: LabCloud, vapp: Vapp, version: str, expected: dict[str, str]) -> None:
    alice = RestCaller(lab, version).login("alice", "acme")
    vm = vm_of(lab, vapp)
    assert shown(alice, f"/api/vApp/vm-{vm.id}") == shown(alice, f"/api/vApp/vapp-{vapp.id}") == expected
    assert shown(alice, f"/api/vAppTemplate/vm-{lab.template_vm().id}") == {}


@pytest.mark.parametrize("version", ["32.0", "33.0", "36.0"])
def test_a_size_comes_with_its_policy_and_stays(lab: LabCloud, vapp: Vapp, known: Policies, version: str) -> None:
    alice, vm = RestCaller(lab, version).login("alice", "acme"), vm_of(lab, vapp)
    element = reference("VdcComputePolicy", known.small) if version == "32.0" else sizing(known.small)
    assert reconfigure(alice, vm, element).status == 202
    lab.pass_time()
    assert (vm.hardware.cpu_count, vm.hardware.cores_per_socket, vm.hardware.memory_mb) == (2, 2, 1024)
    assert "small" in shown(alice, f"/api/vApp/vapp-{vapp.id}").values(), "what was rendered before is not shown again"
    path = f"/api/vApp/vm-{vm.id}/virtualHardwareSection/memory"
    item = alice.get(path).body.decode().replace(">1024<", ">2048<").partition("?>")[2]
    refused = alice.put(path, item)
    assert (refused.status, refused.xml.get("minorErrorCode")) == (400, "OPERATION_DENIED")
    assert "small says 1024" in refused.xml.get("message", "")
    assert reconfigure(alice, vm, element.replace(known.small.id, policies.system_default(lab.cloud).id)).status == 202
    lab.pass_time()
    assert alice.put(path, item).status == 202


def test_a_document_that_names_the_policy_of_the_vm_changes_nothing(
    lab: LabCloud, vapp: Vapp, known: Policies, alice: RestCaller
) -> None:
    vm = vm_of(lab, vapp)
    vm.policies = AppliedPolicies(sizing_id=known.small.id, placement_id=known.place.id)
    alice.version = "36.0"
    document = alice.get(f"/api/vApp/vm-{vm.id}").body.decode().partition("?>")[2]
    lab.user("alice").role_id = role_without(lab, "vApp: Edit VM Compute Policy")
    path = f"/api/vApp/vm-{vm.id}/action/reconfigureVm"
    assert alice.post(path, document).status == 202, "it needs no right to leave policies as they are"
    lab.pass_time()
    assert vm.policies == AppliedPolicies(sizing_id=known.small.id, placement_id=known.place.id)
    refused = alice.post(path, f'<Vm xmlns="{VCLOUD}">{sizing(policies.system_default(lab.cloud))}</Vm>')
    assert (refused.status, "vApp: Edit VM Compute Policy" in refused.xml.get("message", "")) == (403, True)


def role_without(lab: LabCloud, right: str) -> str:
    """A role that carries what that of organisation administrators does, but for one right."""
    cloud = lab.cloud
    role = cloud.roles[lab.user("alice").role_id]
    found = next(one for one in cloud.rights if one.name == right)
    del role.rights[found.id]
    return role.id


def test_a_place_comes_and_goes(lab: LabCloud, vapp: Vapp, known: Policies, alice: RestCaller) -> None:
    vm = vm_of(lab, vapp)
    alice.version = "36.0"
    place = f"<ComputePolicy>{reference('VmPlacementPolicy', known.place)}</ComputePolicy>"
    assert reconfigure(alice, vm, place).status == 202
    lab.pass_time()
    path = f"/api/vApp/vm-{vm.id}"
    assert shown(alice, path)["VmPlacementPolicy"] == "rack 1"
    assert reconfigure(alice, vm, sizing(known.small)).status == 202
    lab.pass_time()
    assert shown(alice, path) == {"VmSizingPolicy": "small", "VmSizingPolicyFinal": "false"}


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("large", "large is not available in the VDC acme-vdc"),
        ("place", "rack 1 is no sizing policy"),
        ("none", "no VDC compute policy"),
    ],
)
def test_a_vm_cannot_follow_every_policy(
    lab: LabCloud, vapp: Vapp, known: Policies, alice: RestCaller, wanted: str, message: str
) -> None:
    alice.version = "36.0"
    policy = getattr(known, wanted, ComputePolicy(id="nothing", name="n"))
    refused = reconfigure(alice, vm_of(lab, vapp), sizing(policy))
    assert (refused.status, message in refused.xml.get("message", "")) == (400, True), refused.body


def test_only_vdcs_that_offer_its_policy_get_vms_of_a_template(
    lab: LabCloud, known: Policies, administrator: RestCaller
) -> None:
    """How a CSE of 2.5 and later restricts templates."""
    administrator.version, template = "33.0", template_of(lab)
    policy = reference("VdcComputePolicy", known.large) + sizing(known.large)
    assert put_template(administrator, template, with_policy(lab, policy)).status == 202
    lab.pass_time()
    assert shown(administrator, f"/api/vAppTemplate/vappTemplate-{template.id}")["VmSizingPolicy"] == "large"
    with pytest.raises(Exception, match="large is not available"):
        lab.vapp("c1", lab.machine("a"))
    known.offer(known.large)
    made = vm_of(lab, lab.vapp("c2", lab.machine("a")))
    assert (made.policies.sizing_id, made.hardware.cpu_count) == (known.large.id, 8)
    with pytest.raises(Exception, match=r"large cannot be taken from the VDC acme-vdc: a uses it"):
        known.offer()
    assert put_template(administrator, template, with_policy(lab, "<ComputePolicy/>")).status == 202
    lab.pass_time()
    assert vm_of(lab, lab.vapp("c3", lab.machine("a"))).policies == AppliedPolicies()
    with pytest.raises(Exception, match="large is in use"):
        policies.delete(lab.cloud, known.large)


def test_what_a_template_insists_on_stays(lab: LabCloud, known: Policies, administrator: RestCaller) -> None:
    administrator.version = "36.0"
    put_template(administrator, template_of(lab), with_policy(lab, sizing(known.small, final=True)))
    lab.pass_time()
    other = AppliedPolicies(sizing_id=policies.system_default(lab.cloud).id)
    with pytest.raises(Exception, match="is final"):
        lab.vapp("c1", lab.machine("a", policies=other))
    vm = vm_of(lab, lab.vapp("c1", lab.machine("a")))
    refused = reconfigure(administrator, vm, sizing(policies.system_default(lab.cloud)))
    assert (refused.status, "is final" in refused.xml.get("message", "")) == (400, True)


def test_a_sourced_item_chooses_a_policy(lab: LabCloud, known: Policies, administrator: RestCaller) -> None:
    administrator.version, source = "36.0", lab.template_vm()
    answer = administrator.post(
        f"/api/vdc/{lab.vdc().id}/action/composeVApp",
        f'<ComposeVAppParams xmlns="{VCLOUD}" name="c1"><SourcedItem>'
        f'<Source href="https://vcd.test/api/vAppTemplate/vm-{source.id}" name="a"/>'
        f"{sizing(known.small)}</SourcedItem></ComposeVAppParams>",
    )
    assert answer.status == 201, answer.body
    lab.pass_time()
    (vm,) = [one for one in lab.cloud.vms if one.vapp_id is not None]
    assert (vm.policies.sizing_id, vm.hardware.memory_mb) == (known.small.id, 1024)


def test_a_copy_in_a_vdc_without_its_policy_has_the_default(lab: LabCloud, vapp: Vapp, known: Policies) -> None:
    source = vm_of(lab, vapp)
    source.policies = AppliedPolicies(sizing_id=known.large.id)
    copy = vm_of(lab, lab.vapp("c2", lab.machine("b", source=source)))
    assert copy.policies == AppliedPolicies()


def test_a_template_is_renamed_and_described(lab: LabCloud, known: Policies, administrator: RestCaller) -> None:
    template, vm = template_of(lab), lab.template_vm()
    vm.policies = AppliedPolicies(sizing_id=known.small.id)
    described = "<Description>new</Description>"
    assert (
        put_template(administrator, template, described + with_policy(lab, ""), name="t2", goldMaster="true").status
        == 202
    )
    lab.pass_time()
    assert (template.name, template.description, template.gold_master) == ("t2", "new", True)
    assert vm.policies.sizing_id == known.small.id, "version 31.0 knows no policies, and takes none away"


def test_a_tenant_changes_no_template_of_the_provider(lab: LabCloud, known: Policies, alice: RestCaller) -> None:
    assert put_template(alice, template_of(lab), "", name="mine").status == 403


def test_a_template_is_told_which_vm_it_does_not_have(
    lab: LabCloud, known: Policies, administrator: RestCaller
) -> None:
    administrator.version = "36.0"
    content = '<Children><Vm href="https://vcd.test/api/vAppTemplate/vm-0"/></Children>'
    refused = put_template(administrator, template_of(lab), content)
    assert (refused.status, "has no VM 'vm-0'" in refused.xml.get("message", "")) == (400, True)
