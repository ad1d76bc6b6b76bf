"""Whatever a document points at answers whoever reads the document, and queries say what the entities say."""

from collections.abc import Iterator

import pytest
from lxml import etree

from cse_testing.vcd_cloud import Answer, RestCaller
from cse_testing.vcd_stage import Stage

BASE = "https://vcd.test"
FOREIGN_ORG = "/api/org/"
"""A catalog that another organisation has published says whose it is; that does not open the organisation."""
PROVIDER_VDC = "ProviderVdcReference"
"""Administrators of organisations are told what their VDCs are cut from, and no more of it."""


@pytest.fixture(scope="module")
def stage() -> Stage:
    stage = Stage()
    stage.lab.vapp("running", stage.lab.machine("a"), stage.lab.machine("b"), power_on=True)
    stage.user("vera", "vApp User")
    stage.user("cat", "Catalog Author")
    return stage


def pointers(answer: Answer) -> Iterator[tuple[str, str]]:
    """Paths that a document names, and what for."""
    if "xml" not in answer.headers.get("content-type", ""):
        return
    for element in answer.xml.iter(etree.Element):
        hrefs = [str(value) for name, value in element.attrib.items() if etree.QName(name).localname == "href"]
        href = hrefs[0] if hrefs else ""
        if href.startswith(f"{BASE}/api"):
            yield href.removeprefix(BASE), element.get("rel") or etree.QName(element).localname


def reads(stage: Stage, path: str) -> bool:
    return stage.router.find("GET", path.partition("?")[0]) is not None


def crawl(stage: Stage, caller: RestCaller) -> Iterator[tuple[str, str, str, Answer]]:
    """Everything that can be reached by GET from a session: where it was found, what for, its path, the answer."""
    waiting = [("", "", "/api/session")]
    seen = {"/api/session"}
    while waiting:
        source, rel, path = waiting.pop()
        answer = caller.get(path)
        yield source, rel, path, answer
        for found, what in pointers(answer) if answer.status == 200 else ():
            if found not in seen and reads(stage, found):
                seen.add(found)
                waiting.append((path, what, found))


@pytest.mark.parametrize("version", ["31.0", "36.0"])
@pytest.mark.parametrize(
    ("user", "org"),
    [("alice", "acme"), ("bob", "acme"), ("vera", "acme"), ("cat", "acme"), ("carol", "globex"),
     ("administrator", "System")],
    ids=lambda value: value,
)  # fmt: skip
def test_every_reference_leads_somewhere(stage: Stage, user: str, org: str, version: str) -> None:
    caller = stage.caller(user, org, version)
    own = f"{FOREIGN_ORG}{stage.lab.org(org).id}"
    count, dead = 0, []
    for source, rel, path, answer in crawl(stage, caller):
        count += 1
        foreign = (rel == "up" and path.startswith(FOREIGN_ORG) and path != own) or rel == PROVIDER_VDC
        if answer.status != (403 if foreign and org != "System" else 200):
            dead.append(f"{answer.status} {rel} {path} (in {source})")
    assert not dead, "\n".join(dead)
    assert count > 40


SAME = {
    "name": "name",
    "status": "status",
    "isDeployed": "deployed",
    "isEnabled": "IsEnabled",
    "isPublished": "IsPublished",
}
"""Attributes of records, and what the entity's document calls the same: an attribute, or an element with a text."""
STATES = {"POWERED_ON": "4", "POWERED_OFF": "8", "SUSPENDED": "3", "MIXED": "10", "RESOLVED": "1", "READY": "1"}
TEMPLATE_STATES = STATES | {"RESOLVED": "8"}
ELSEWHERE = ("task", "adminTask", "resourcePoolVmList")
"""Types whose records have names of their own."""


@pytest.mark.parametrize(("user", "org"), [("alice", "acme"), ("administrator", "System")], ids=lambda value: value)
def test_records_say_what_the_entities_say(stage: Stage, user: str, org: str) -> None:
    caller = stage.caller(user, org)
    kinds = {link.get("name", "") for link in caller.get("/api/query").xml.iterfind("{*}Link")}
    compared, wrong = 0, []
    for kind in sorted(kinds - set(ELSEWHERE)):
        states = TEMPLATE_STATES if kind.endswith("Template") else STATES
        for record in caller.get(f"/api/query?type={kind}&format=records&pageSize=128").xml.iterfind("{*}*[@href]"):
            href = record.get("href", "")
            if etree.QName(record).localname == "Link" or not reads(stage, href.removeprefix(BASE)):
                continue
            entity = caller.get(href).xml
            for attribute, called in SAME.items():
                told, known = record.get(attribute), entity.get(called) or entity.findtext(f"{{*}}{called}")
                if told is None or known is None:
                    continue
                compared += 1
                if states.get(told, told) != known and not (attribute == "status" and told not in states):
                    wrong.append(f"{kind} {record.get('name')}: {attribute} is {told!r}, the entity says {known!r}")
    assert not wrong, "\n".join(wrong)
    assert compared > 50
