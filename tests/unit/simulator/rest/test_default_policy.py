"""The compute policy of a VDC that new VMs follow if nobody says otherwise."""

from collections.abc import Sequence

import pytest

from cse_testing.vcd_cloud import Answer, LabCloud, RestCaller
from vcd_simulator.errors import VcdError
from vcd_simulator.model.compute import Vm
from vcd_simulator.model.policies import AppliedPolicies, ComputePolicy
from vcd_simulator.operations import policies

URN = "urn:vcloud:vdcComputePolicy:"


@pytest.fixture
def provider(administrator: RestCaller) -> RestCaller:
    """The administrator, with a version that has default policies."""
    administrator.version = "36.0"
    return administrator


def offered(lab: LabCloud, *made: ComputePolicy) -> Sequence[ComputePolicy]:
    """Policies that acme's VDC offers from now on."""
    known = [policies.add(lab.cloud, one) for one in made]
    default = policies.system_default(lab.cloud)
    policies.offer(lab.cloud, lab.vdc(), [default.id, *(one.id for one in known if not one.of_provider)])
    return known


@pytest.fixture
def small(lab: LabCloud) -> ComputePolicy:
    return offered(lab, ComputePolicy(id=lab.cloud.new_id(), name="small", cpu_count=1, memory_mb=512))[0]


def set_default(lab: LabCloud, caller: RestCaller, policy_id: str) -> Answer:
    """Send the VDC's document back as it came, but for its default policy."""
    path = f"/api/admin/vdc/{lab.vdc().id}"
    before = caller.get(path).xml.find("{*}DefaultComputePolicy")
    assert before is not None
    shown = before.get("id", "")
    return caller.put(path, caller.get(path).body.decode().replace(shown, URN + policy_id))


def default_of(lab: LabCloud, caller: RestCaller) -> str | None:
    shown = caller.get(f"/api/vdc/{lab.vdc().id}").xml.find("{*}DefaultComputePolicy")
    return None if shown is None else shown.get("name")


def new_vm(lab: LabCloud, name: str, policy: ComputePolicy | None = None, source: Vm | None = None) -> Vm:
    wanted = AppliedPolicies(sizing_id=policy.id) if policy is not None else None
    spec = lab.machine("a", policies=wanted, **({"source": source} if source is not None else {}))
    return lab.cloud.vms_of(lab.vapp(name, spec))[0]


def test_it_is_the_system_s_until_the_provider_says_otherwise(
    lab: LabCloud, provider: RestCaller, alice: RestCaller, small: ComputePolicy
) -> None:
    assert default_of(lab, alice) is None, "31.0 does not know it"
    alice.version = "33.0"
    assert default_of(lab, alice) == "System Default"
    assert set_default(lab, alice, small.id).status == 403
    answer = set_default(lab, provider, small.id)
    assert answer.status == 202, answer.body
    assert default_of(lab, alice) == "System Default", "the task takes its time"
    lab.pass_time()
    assert default_of(lab, alice) == "small"
    reference = provider.get(f"/api/admin/vdc/{lab.vdc().id}").xml.find("{*}DefaultComputePolicy")
    assert reference is not None
    assert reference.get("href") == f"https://vcd.test/cloudapi/1.0.0/vdcComputePolicies/{URN}{small.id}"


def test_new_vms_follow_it_and_others_stay_as_they_are(
    lab: LabCloud, provider: RestCaller, small: ComputePolicy
) -> None:
    before = new_vm(lab, "before")
    set_default(lab, provider, small.id)
    lab.pass_time()
    made = new_vm(lab, "after")
    assert (made.policies.sizing_id, made.hardware.cpu_count, made.hardware.memory_mb) == (small.id, 1, 512)
    assert before.policies == AppliedPolicies()
    copy = new_vm(lab, "copy", source=before)
    assert (copy.policies, copy.hardware.memory_mb) == (AppliedPolicies(), before.hardware.memory_mb)
    chosen = new_vm(lab, "chosen", policies.system_default(lab.cloud))
    assert chosen.policies == AppliedPolicies(), "who wants the system's default gets it"


def test_it_may_be_a_place(lab: LabCloud, provider: RestCaller) -> None:
    rack = ComputePolicy(id=lab.cloud.new_id(), name="rack", of_provider=True)
    place = ComputePolicy(id=lab.cloud.new_id(), name="rack 1", provider_policy_id=rack.id)
    offered(lab, rack, place)
    set_default(lab, provider, place.id)
    lab.pass_time()
    assert new_vm(lab, "c1").policies == AppliedPolicies(placement_id=place.id)


def test_a_policy_that_the_vdc_does_not_offer_is_no_default(lab: LabCloud, provider: RestCaller) -> None:
    large = policies.add(lab.cloud, ComputePolicy(id=lab.cloud.new_id(), name="large"))
    for policy_id in (large.id, "no-policy"):
        answer = set_default(lab, provider, policy_id)
        assert (answer.status, "does not offer" in answer.xml.get("message", "")) == (400, True), answer.body


def test_it_cannot_be_taken_from_the_vdc(lab: LabCloud, provider: RestCaller, small: ComputePolicy) -> None:
    task = set_default(lab, provider, small.id).xml.get("href", "")
    default = policies.system_default(lab.cloud)
    policies.offer(lab.cloud, lab.vdc(), [default.id])
    lab.pass_time()
    assert provider.get(task).xml.get("status") == "error", "it was taken away before the task ended"
    policies.offer(lab.cloud, lab.vdc(), [default.id, small.id])
    set_default(lab, provider, small.id)
    lab.pass_time()
    with pytest.raises(VcdError, match="small is the default of the VDC acme-vdc"):
        policies.offer(lab.cloud, lab.vdc(), [default.id])
    with pytest.raises(VcdError, match="small is in use"):
        policies.delete(lab.cloud, small)
    set_default(lab, provider, default.id)
    lab.pass_time()
    policies.offer(lab.cloud, lab.vdc(), [default.id])
    assert default_of(lab, provider) == "System Default"
