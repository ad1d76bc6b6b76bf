"""Names that users choose, and the resource names made of them.

What passes here is safe to be put into FIQL, XML, shell, YAML and logs by code that escapes for each; what does not is
refused before anything is looked up. vCD's own names (orgs, VDCs, networks) are free text and are only bounded.
"""

import re
import secrets
import string
from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import quote, unquote

from cse_core.errors import InvalidArgumentError

MAX_CLUSTER_NAME: Final = 25
RESERVED: Final = frozenset({"system", "template", "ovdc"})
WILDCARD: Final = "-"

_CLUSTER = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?")
_NODE = re.compile(r"(mstr|node|nfsd)-[a-z0-9]{4,8}")
_MAX_VCD_NAME: Final = 128
_NODE_SUFFIX: Final = string.ascii_lowercase + string.digits
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def check_cluster_name(name: str, *, field: str = "name") -> str:
    """Returns `name` if a cluster may be called so.

    Raises:
        InvalidArgumentError: with what is wrong and what is allowed.
    """
    if not name:
        raise InvalidArgumentError(f"{field}: a cluster needs a name", field=field)
    if len(name) > MAX_CLUSTER_NAME:
        raise InvalidArgumentError(
            f"{field}: {name[:MAX_CLUSTER_NAME]!r}… has {len(name)} characters; at most {MAX_CLUSTER_NAME} are allowed",
            field=field,
        )
    if not _CLUSTER.fullmatch(name):
        raise InvalidArgumentError(
            f"{field}: {name!r} is no valid cluster name; use letters, digits and inner hyphens", field=field
        )
    if name.lower() in RESERVED or name.lower().startswith("swagger"):
        raise InvalidArgumentError(f"{field}: {name!r} is a reserved word; choose another name", field=field)
    return name


def check_vcd_name(name: str, *, field: str) -> str:
    """Returns `name` if vCD could have an object of this name: 1 to 128 printable characters.

    Raises:
        InvalidArgumentError: it is empty, too long, or holds control characters.
    """
    if not name.strip():
        raise InvalidArgumentError(f"{field}: a name is required", field=field)
    if len(name) > _MAX_VCD_NAME:
        raise InvalidArgumentError(f"{field}: a name has at most {_MAX_VCD_NAME} characters", field=field)
    if _UNPRINTABLE.search(name):
        raise InvalidArgumentError(f"{field}: {name!r} holds characters that are not printable", field=field)
    return name


def new_node_name(prefix: str, taken: frozenset[str] | set[str] = frozenset()) -> str:
    """Returns a VM name such as `node-7k2p` that is not in `taken`."""
    while True:
        name = f"{prefix}-" + "".join(secrets.choice(_NODE_SUFFIX) for _ in range(4))
        if name not in taken:
            return name


def is_node_name(name: str) -> bool:
    return _NODE.fullmatch(name) is not None


@dataclass(frozen=True)
class VdcName:
    """`orgs/{org}/vdcs/{vdc}`; either may be `-`, which means any that the caller sees."""

    org: str
    vdc: str

    @classmethod
    def parse(cls, text: str, *, field: str = "parent") -> Self:
        org, vdc = _parts(text, ("orgs", "vdcs"), field=field)
        return cls(org, vdc)

    def __str__(self) -> str:
        return f"orgs/{_quoted(self.org)}/vdcs/{_quoted(self.vdc)}"


@dataclass(frozen=True)
class ClusterName:
    """`orgs/{org}/vdcs/{vdc}/clusters/{cluster}`; `org` and `vdc` may be `-`."""

    org: str
    vdc: str
    cluster: str

    @classmethod
    def parse(cls, text: str, *, field: str = "name") -> Self:
        org, vdc, cluster = _parts(text, ("orgs", "vdcs", "clusters"), field=field)
        return cls(org, vdc, check_cluster_name(cluster, field=field))

    @property
    def parent(self) -> VdcName:
        return VdcName(self.org, self.vdc)

    def __str__(self) -> str:
        return f"{self.parent}/clusters/{_quoted(self.cluster)}"


@dataclass(frozen=True)
class NodeName:
    """`orgs/{org}/vdcs/{vdc}/clusters/{cluster}/nodes/{node}`."""

    cluster: ClusterName
    node: str

    @classmethod
    def parse(cls, text: str, *, field: str = "name") -> Self:
        org, vdc, cluster, node = _parts(text, ("orgs", "vdcs", "clusters", "nodes"), field=field)
        return cls(ClusterName(org, vdc, check_cluster_name(cluster, field=field)), check_vcd_name(node, field=field))

    def __str__(self) -> str:
        return f"{self.cluster}/nodes/{_quoted(self.node)}"


@dataclass(frozen=True)
class TemplateName:
    """`templates/{template}`; `-` means the default one."""

    template: str

    @classmethod
    def parse(cls, text: str, *, field: str = "name") -> Self:
        (template,) = _parts(text, ("templates",), field=field)
        return cls(template)

    def __str__(self) -> str:
        return f"templates/{_quoted(self.template)}"


def _quoted(part: str) -> str:
    return quote(part, safe="")


def _parts(text: str, collections: tuple[str, ...], *, field: str) -> list[str]:
    pieces = text.split("/")
    if len(pieces) != 2 * len(collections) or tuple(pieces[::2]) != collections:
        shape = "/".join(f"{collection}/{{{collection[:-1]}}}" for collection in collections)
        raise InvalidArgumentError(f"{field}: {text[:200]!r} is not of the form {shape}", field=field)
    try:
        return [check_vcd_name(unquote(piece, errors="strict"), field=field) for piece in pieces[1::2]]
    except UnicodeDecodeError as exc:
        raise InvalidArgumentError(
            f"{field}: {text[:200]!r} is not UTF-8 behind its percent signs", field=field
        ) from exc
