"""Hostile values in fields of REST requests, sent through vCD and the message broker to the gateway."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final
from urllib.parse import quote

from cse_testing.hostile.corpus import Hostile, every
from cse_testing.hostile.fields import Part, RestField, rest_fields
from cse_testing.hostile.front import AT_ONCE, NOBODY, NOWHERE, TWIN, Front
from cse_testing.vcd_rest import Reply

VALID: Final[dict[str, Any]] = {
    "cluster": NOBODY,
    "enabled": True,
    "name": "fine",
    "network": "net",
    "node": "node-zzzz",
    "node_count": 1,
    "nodes": ["node-zzzz"],
    "operation": str(uuid.UUID(int=7)),
    "ovdc": str(uuid.UUID(int=7)),
    "vdc": "vdc",
}
"""With these every route reads all that it ever reads."""
"""With these every route reads all that it ever reads."""


def attack_rest(front: Front, *, nth: int) -> None:
    """Sends to each field one of `nth` values, to each another share; each value goes somewhere."""
    fields = rest_fields(VALID)
    assert len(fields) > 80
    values = front.corpus.values
    work = [(each, value) for number, each in enumerate(fields) for value in every(values, nth=nth, offset=number)]
    assert {value for _, value in work} == set(values)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda pair: _send(front, *pair), work))


def _send(front: Front, target: RestField, value: Hostile) -> None:
    request = _request(front, target, value)
    if request is None:
        return
    path, body, headers = request
    session = front.sysadmin if (target.part, target.name) == (Part.BODY, "vdc") else front.tenant
    reply = session.send(target.method, path, body, headers=headers)
    front.note(f"{value} in {target}", _wrong_with(reply))
    if reply.status == 202 and "task_href" in reply.json():
        front.tasks.append(reply.json()["task_href"])


def _request(front: Front, target: RestField, value: Hostile) -> tuple[str, Any, dict[str, str]] | None:
    """Path, body and headers of a request that is fine but for the value; None if no client could send it."""
    path, query, headers = target.pattern, "", {}
    harmless = target.part in (Part.QUERY, Part.HEADER)
    body: Any = front.creation() | {"nodes": ["node-zzzz"], "node_type": "nfsd"}
    body |= {"network": NOWHERE} if harmless else {}
    names = VALID | {"cluster": NOBODY if harmless or target.method == "GET" else TWIN}
    if target.part is Part.PATH:
        names[target.name] = None
    for name in [each.strip("{}") for each in target.pattern.split("/") if each.startswith("{")]:
        text = value.text if names[name] is None else names[name]
        path = path.replace(f"{{{name}}}", quote(text.encode(errors="surrogatepass"), safe=""))
    if "%5C" in path:
        return None  # vCD answers those itself, with 500
    if target.part is Part.QUERY:
        query = f"?{target.name}=" + quote(value.text.encode(errors="surrogatepass"), safe="")
    elif target.part is Part.HEADER:
        headers = {target.name: value.text}
        if not (value.text.isascii() and value.text.isprintable()):
            return None  # vCD's own HTTP server takes no such header
    elif target.part is Part.BODY:
        body[target.name] = [value.text] if target.name == "nodes" else value.text
    if len(path) + len(query) > 16_000:
        return None  # longer than vCD's own HTTP server takes
    return path + query, body if target.method != "GET" else None, headers


def _wrong_with(reply: Reply) -> str | None:
    """What no request may be answered with."""
    if reply.status >= 500 and reply.status != 501:
        return f"status {reply.status}: {reply.body[:300]!r}"
    if "x-forged" in reply.headers:
        return "a header was forged"
    if reply.headers.get("content-type", "").startswith("application/json"):
        shown = reply.json()
        if reply.status >= 400 and not reply.message.isprintable():
            return f"a message that is not printable: {reply.message[:300]!r}"
        if reply.status < 400 and not isinstance(shown, dict | list | str):
            return f"a strange answer: {reply.body[:300]!r}"
    elif 200 <= reply.status < 300:
        return f"a strange answer: {reply.headers} {reply.body[:300]!r}"
    return None
