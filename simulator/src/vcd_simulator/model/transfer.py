"""Uploads under way: which files are wanted, and which bytes of them have come."""

from dataclasses import dataclass, field

from vcd_simulator.model.package import OvfPackage

DESCRIPTOR = "descriptor.ovf"
MANIFEST = "descriptor.mf"


@dataclass(slots=True, kw_only=True)
class TransferFile:
    """A file that a client uploads in fragments. Its bytes are counted; whatever is in them does not matter.

    `size` is None until the descriptor or the first fragment tells.
    """

    name: str
    size: int | None = None
    ranges: list[tuple[int, int]] = field(default_factory=list)
    """What has come, as merged and sorted ranges without their ends."""

    @property
    def bytes_transferred(self) -> int:
        return sum(end - start for start, end in self.ranges)

    @property
    def complete(self) -> bool:
        return self.size is not None and self.bytes_transferred == self.size

    def take(self, start: int, length: int) -> None:
        """Note that a fragment has come; one that came before makes no difference."""
        merged: list[tuple[int, int]] = []
        for first, end in sorted([*self.ranges, (start, start + length)]):
            if merged and first <= merged[-1][1]:
                merged[-1] = (merged[-1][0], max(merged[-1][1], end))
            elif end > first:
                merged.append((first, end))
        self.ranges = merged


@dataclass(slots=True, kw_only=True)
class Transfer:
    """The upload of one vApp template. The id is in the addresses of its files and cannot be guessed."""

    id: str
    template_id: str
    task_id: str
    files: dict[str, TransferFile]
    package: OvfPackage | None = None
    """What the descriptor says, once it is there."""
    last_used: float = 0.0
    digests: tuple[tuple[str, str, str], ...] = ()
    """What the manifest says: name of the file, algorithm, digest in lower-case hex."""
    verified: bool = False
    """Whether the files are as the manifest says."""

    @property
    def complete(self) -> bool:
        return self.package is not None and all(one.complete for one in self.files.values())

    @property
    def ready(self) -> bool:
        """Whether everything is there, and checked if there is a manifest."""
        return self.complete and (self.verified or not self.digests)

    @property
    def percent(self) -> int:
        wanted = sum(one.size or 0 for one in self.files.values())
        return 100 * sum(one.bytes_transferred for one in self.files.values()) // wanted if wanted else 0
