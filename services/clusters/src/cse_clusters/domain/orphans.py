"""What operations have left behind in vCD, and what may become of it."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What an orphan is in vCD; the value begins its id."""

    VAPP = "vapp"
    VM = "vm"


class Cause(StrEnum):
    """Why an orphan is there."""

    ROLLBACK_FAILED = "rollback failed"
    LEFT_FOR_INSPECTION = "left for inspection"
    OPERATION_UNKNOWN = "operation unknown"
    HALF_DELETED = "half deleted"


@dataclass(frozen=True, kw_only=True)
class Orphan:
    """A vApp, or a VM in a cluster's vApp, that became no cluster or node, or is none any more."""

    kind: Kind
    vcd_id: str
    name: str
    href: str
    vapp_href: str
    org: str
    vdc: str
    cluster: str
    """Also the name of the vApp."""
    cluster_uid: str
    cause: Cause
    operation_id: str = ""
    """The operation that left it, if it is known."""
    operation_time: str = ""
    """When that was accepted, in ISO 8601, if it is known."""
    explanation: str = ""
    vm_count: int = 0

    @property
    def id(self) -> str:
        return f"{self.kind.value}-{self.vcd_id}"

    @property
    def title(self) -> str:
        """For people, for example `vApp demo (acme/acme-vdc)`."""
        place = f"{self.org}/{self.vdc}"
        if self.kind is Kind.VAPP:
            return f"vApp {self.name} ({place})"
        return f"VM {self.name} of cluster {self.cluster} ({place})"

    @property
    def must_be_named(self) -> bool:
        """Whether somebody may still want it: to look at it, or because he has put it to use since."""
        return self.cause in (Cause.LEFT_FOR_INSPECTION, Cause.OPERATION_UNKNOWN)


def sort_key(orphan: Orphan) -> str:
    """Its place in lists. vCD's names hold no NUL."""
    return f"{orphan.org}\0{orphan.vdc}\0{orphan.cluster}\0{orphan.name}\0{orphan.id}"


class Outcome(StrEnum):
    """What became of an orphan."""

    RECLAIMED = "reclaimed"
    WOULD_BE_RECLAIMED = "would be reclaimed"
    SKIPPED = "skipped"
    FAILED = "failed"
