"""Every route, called by everybody: who_may.txt says who gets an answer, and it leaves no route out."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from cse_testing.vcd_cloud import LabCloud, RestCaller
from cse_testing.vcd_stage import Stage, whole_router
from vcd_simulator.defined_entities.bundles import TYPE_RIGHTS, right_name
from vcd_simulator.extensions.registry import ExtensionRegistry
from vcd_simulator.model.rights import (
    ADMINISTRATOR_CONTROL,
    ADMINISTRATOR_VIEW,
    PREDEFINED_ROLES,
    RIGHTS,
    TENANT_RIGHTS,
)
from vcd_simulator.model.tenancy import AccessControl

NOTHING = "<Nothing/>"
"""A document that no route wants: who is let through so far gets 400."""
EVERY_RIGHT = frozenset(RIGHTS) | {right_name("stage:thing", right) for right in TYPE_RIGHTS}
"""Those from the start, and those of the type of entities that the stage has."""
REFUSED = (401, 403)
PREDEFINED = ("vApp User", "vApp Author", "Catalog Author", "Console Access Only")


@dataclass(frozen=True)
class Rule:
    """One line of the table."""

    method: str
    path: str
    who: str
    rights: tuple[frozenset[str], ...]
    """Of each of these sets the role has to carry one."""

    @property
    def enough(self) -> frozenset[str]:
        """As few rights as are enough."""
        return frozenset(min(one) for one in self.rights)

    def allows(self, rights: frozenset[str], *, org: str) -> bool:
        if self.who == "provider" and org != "System":
            return False
        if self.who == "members" and org == "globex":
            return False
        if org == "System":
            rights |= {"Organization: Perform Administrator Queries"}  # which is for tenants
        return all(one & rights for one in self.rights)


def read_rule(line: str) -> Rule:
    method, path, who, *rest = line.split(maxsplit=3)
    stated = rest[0].translate(str.maketrans("", "", "()")) if rest else ""
    parts = [part.split(" | ") for part in stated.split(" + ") if part]
    return Rule(method, path, who, tuple(frozenset(one.strip() for one in part) for part in parts))


TABLE = Path(__file__).with_name("who_may.txt").read_text(encoding="utf-8").splitlines()
RULES = [read_rule(line) for line in TABLE if line and not line.startswith("#")]
CLOSED = [rule for rule in RULES if rule.who != "public"]
ALL_RULES = pytest.mark.parametrize("rule", CLOSED, ids=lambda rule: f"{rule.method} {rule.path}")


@dataclass(frozen=True)
class Somebody:
    """A user, where he is from, and what his role carries."""

    name: str
    """Empty: that of somebody whose role carries exactly these rights."""
    org: str
    rights: frozenset[str]


def cast(rule: Rule) -> Iterator[Somebody]:
    """Everybody who might call a route, those first who may not."""
    yield Somebody("carol", "globex", frozenset(PREDEFINED_ROLES["Organization Administrator"]))
    for org in ("acme", "System"):
        for rights in dict.fromkeys([frozenset(), *(rule.enough - {one} for one in rule.enough), rule.enough]):
            yield Somebody("", org, rights)
    for role in PREDEFINED:
        yield Somebody(role.replace(" ", "-"), "acme", frozenset(PREDEFINED_ROLES[role]))
    yield Somebody("alice", "acme", frozenset(PREDEFINED_ROLES["Organization Administrator"]))
    yield Somebody("administrator", "System", EVERY_RIGHT)


class Theatre:
    """A stage that is set up anew when somebody has changed it."""

    def __init__(self) -> None:
        self._stage: Stage | None = None

    @property
    def stage(self) -> Stage:
        if self._stage is None:
            self._stage = Stage()
            for role in PREDEFINED:
                self._stage.user(role.replace(" ", "-"), role)
        return self._stage

    def call(self, rule: Rule, who: Somebody) -> int:
        stage = self.stage
        caller = stage.caller(who.name or stage.with_rights(who.rights, who.org), who.org)
        body = "" if rule.method in ("GET", "DELETE") else NOTHING
        answer = caller.call(rule.method, stage.fill(rule.path), body)
        if rule.method != "GET" and answer.status < 400:
            self._stage = None
        return answer.status


@pytest.fixture(scope="module")
def theatre() -> Theatre:
    return Theatre()


def test_the_table_has_every_route_once_and_no_other(lab: LabCloud) -> None:
    routes = {f"{method} {route.pattern}" for method, route in whole_router(ExtensionRegistry(lab.cloud)).routes()}
    decided = [f"{rule.method} {rule.path}" for rule in RULES]
    assert sorted(decided) == sorted(set(decided)), "decided twice"
    assert routes - set(decided) == set(), "nobody has decided who may call these"
    assert set(decided) - routes == set(), "these are no routes"
    assert {right for rule in RULES for one in rule.rights for right in one} <= EVERY_RIGHT
    assert {rule.who for rule in RULES} == {"public", "anyone", "members", "provider"}


@ALL_RULES
def test_a_route_answers_those_who_may_and_nobody_else(theatre: Theatre, rule: Rule) -> None:
    for who in cast(rule):
        status = theatre.call(rule, who)
        assert status < 500, who
        if rule.allows(who.rights, org=who.org):
            assert status not in REFUSED, who
        else:
            assert status == 403, who


COLLEAGUE = frozenset(TENANT_RIGHTS) - {ADMINISTRATOR_VIEW, ADMINISTRATOR_CONTROL}
"""What a colleague may do who is no administrator: everything with what is his or shared with him."""
OWNED = ("/api/vApp/", "/api/catalog/", "/api/admin/catalog/", "/api/catalogItem/", "/api/vAppTemplate/")


@pytest.mark.parametrize("level", [None, "ReadOnly"], ids=lambda level: level or "not shared")
@pytest.mark.parametrize(
    "rule", [one for one in CLOSED if one.path.startswith(OWNED)], ids=lambda rule: f"{rule.method} {rule.path}"
)
def test_colleagues_do_with_what_is_shared_only_what_they_were_granted(
    theatre: Theatre, rule: Rule, level: str | None
) -> None:
    stage = theatre.stage
    before = stage.vapp.access, stage.catalog.access
    stage.vapp.access = stage.catalog.access = AccessControl(everyone=level)
    try:
        status = theatre.call(rule, Somebody("", "acme", COLLEAGUE))
    finally:
        stage.vapp.access, stage.catalog.access = before
    if level is not None and rule.method == "GET" and rule.allows(COLLEAGUE, org="acme"):
        assert status == 200
    else:
        assert status == 403


@ALL_RULES
def test_nobody_is_answered_without_a_session(theatre: Theatre, rule: Rule) -> None:
    anonymous = RestCaller(theatre.stage.lab, "36.0", router=theatre.stage.router)
    path = theatre.stage.fill(rule.path)
    assert anonymous.call(rule.method, path).status == 401
    anonymous.token = "0" * 32
    assert anonymous.call(rule.method, path).status == 401
