"""How what operations make in vCD is told from what others make, when nothing but vCD is left to ask."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

NODE_OPERATIONS: Final = "cse.node.operations"
"""Metadata of a cluster's vApp, ours: the operations that add machines to it, or did not come to their end. What all
others have added are nodes."""

_MOST: Final = 20
"""How many are believed: those who may change a vApp may write what they like there."""
_ID: Final = re.compile(r"[0-9a-zA-Z-]{1,64}")


def machine_mark(operation_id: str) -> str:
    """The description of a machine that the operation makes, which costs no request of its own."""
    return f"Made by CSE, operations/{operation_id}"


def unsettled(metadata: Mapping[str, str]) -> tuple[str, ...]:
    """The operations that are named there."""
    names = metadata.get(NODE_OPERATIONS, "").split(",")
    return tuple(name for name in names if _ID.fullmatch(name))[:_MOST]


def as_metadata(operation_ids: Sequence[str]) -> dict[str, str]:
    """The entry that names these operations, of which there is one at least; the latest if they are too many."""
    return {NODE_OPERATIONS: ",".join(operation_ids[-_MOST:])}
