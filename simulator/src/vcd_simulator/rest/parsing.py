"""What reading request documents has in common: references, roots, what may be left out."""

import re

from vcd_simulator import errors
from vcd_simulator.rest import jsonbody
from vcd_simulator.rest.xml import VCLOUD_NS, Element, child, flag_of, int_of, local_name

_PREFIX = re.compile(r"^(vappTemplate|vapp|vm)-(?=[0-9a-fA-F]{8}-)")


def id_in(reference: str | None) -> str:
    """The id that an href, a URN or a bare id stands for."""
    text = (reference or "").strip().partition("?")[0].rstrip("/")
    return _PREFIX.sub("", text.rpartition("/")[2].rpartition(":")[2])


def referenced_id(element: Element | None, what: str) -> str:
    """The id in an element's href.

    Raises:
        VcdError: 400, there is no such element or it has no href.
    """
    href = element.get("href") if element is not None else None
    if not href:
        raise errors.bad_request(f"Bad request: validation error, {what} needs an href.")
    return id_in(href)


def require_root(root: Element, *names: str) -> Element:
    """The root itself, if it is one of these documents.

    A document in JSON need not say what it is; then it is the first of these.

    Raises:
        VcdError: 400, it is another document.
    """
    if root.tag == jsonbody.ROOT:
        root.tag = f"{{{VCLOUD_NS}}}{_stated_name(root, names)}"
    if local_name(root) not in names:
        raise errors.bad_request(
            f"Bad request: validation error, the document is a {local_name(root)}, expected {' or '.join(names)}."
        )
    return root


def _stated_name(root: Element, names: tuple[str, ...]) -> str:
    """What a document in JSON says it is, among what it may be."""
    stated = root.get(jsonbody.TYPE)
    if stated is None:
        return names[0]
    for name in names:
        if stated.removeprefix("Admin") == f"{name.removeprefix('Admin')}Type":
            return name
    raise errors.bad_request(
        f"Bad request: validation error, the document is a {stated[:80]}, expected {' or '.join(names)}."
    )


def optional_text(parent: Element | None, path: str) -> str | None:
    found = child(parent, path)
    return None if found is None else (found.text or "").strip()


def optional_flag(parent: Element | None, path: str) -> bool | None:
    return None if child(parent, path) is None else flag_of(parent, path)


def optional_int(parent: Element | None, path: str) -> int | None:
    return None if child(parent, path) is None else int_of(parent, path)
