"""Compute policies: sizes and places that a provider offers for VMs."""

from dataclasses import dataclass

from vcd_simulator.model import kinds
from vcd_simulator.model.kinds import Kind

SYSTEM_DEFAULT = "System Default"
"""The policy that every VDC has."""


@dataclass(slots=True, kw_only=True)
class ComputePolicy:
    """A policy for org VDCs, or with `of_provider` one that places VMs in provider VDCs.

    Sizes are None where the policy leaves them to others; shares of what is reserved are between 0 and 1.
    """

    id: str
    name: str
    description: str = ""
    of_provider: bool = False
    provider_policy_id: str | None = None
    """What places the VMs; a policy without it says how large they are."""
    cpu_speed_mhz: int | None = None
    cpu_count: int | None = None
    cores_per_socket: int | None = None
    cpu_reservation: float | None = None
    cpu_limit: int | None = None
    cpu_shares: int | None = None
    memory_mb: int | None = None
    memory_reservation: float | None = None
    memory_limit: int | None = None
    memory_shares: int | None = None

    @property
    def kind(self) -> Kind:
        return kinds.PROVIDER_COMPUTE_POLICY if self.of_provider else kinds.COMPUTE_POLICY


@dataclass(frozen=True, slots=True, kw_only=True)
class AppliedPolicies:
    """Which compute policies a VM follows; what is None is left to the VDC.

    What is final cannot be replaced in VMs that are made from a template's VM.
    """

    sizing_id: str | None = None
    placement_id: str | None = None
    sizing_final: bool = False
    placement_final: bool = False


NO_POLICIES = AppliedPolicies()
