"""Tokens are checked with vCD, and answers remembered for seconds."""

import gc
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest
from requests.models import PreparedRequest

from cse_core import patience
from cse_core.errors import NotFoundError, UnauthenticatedError, UnavailableError
from cse_testing.scripted_vcd import (
    NS,
    URL,
    Answer,
    ManualClock,
    ScriptedVcd,
    a_session,
    a_vcd,
    credentials,
    error,
    records,
    session,
)
from cse_testing.waiting import LIMIT_S, Halt
from cse_vcd.auth import RoleRights, TokenVerifier


def checks(server: ScriptedVcd) -> int:
    return server.paths().count("/api/session")


def test_a_caller_is_known_by_name_org_and_role(server: ScriptedVcd, clock: ManualClock) -> None:
    caller = TokenVerifier(a_vcd(server, clock)).verify(credentials())
    assert (caller.user, caller.user_urn, caller.org, caller.org_id) == ("alice", "urn:vcloud:user:u1", "acme", "o1")
    assert (caller.role, caller.is_sysadmin, caller.api_version) == ("Organization Administrator", False, "31.0")
    assert "tenant-token" not in repr(caller)


def test_an_answer_holds_for_seconds_and_for_this_token_alone(server: ScriptedVcd, clock: ManualClock) -> None:
    verifier = TokenVerifier(a_vcd(server, clock), ttl_s=5)
    first = verifier.verify(credentials())
    assert verifier.verify(credentials()) is first
    assert checks(server) == 1
    verifier.verify(credentials("another"))
    verifier.verify(credentials(api_version="36.0"))
    assert checks(server) == 3
    clock.now += 5
    verifier.verify(credentials())
    assert checks(server) == 4


def test_many_threads_with_one_token_ask_once(server: ScriptedVcd, clock: ManualClock) -> None:
    verifier = TokenVerifier(a_vcd(server, clock))
    threads = [threading.Thread(target=verifier.verify, args=(credentials(),)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert checks(server) == 1


def test_who_waits_for_the_answer_to_others_gives_up_when_nobody_waits_for_him(
    server: ScriptedVcd, clock: ManualClock
) -> None:
    verifier, vcd = TokenVerifier(a_vcd(server, clock)), Halt("vCD")

    def hang(_request: PreparedRequest) -> Answer:
        vcd.stay()
        return session()

    server.on("GET", "/api/session", hang)
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(verifier.verify, credentials())
        vcd.wait_until_reached()
        with patience.within(0), pytest.raises(UnavailableError):
            verifier.verify(credentials())
        vcd.let_go()
        assert first.result(LIMIT_S).user == "alice"
    assert checks(server) == 1


def test_a_token_that_nobody_uses_leaves_memory(server: ScriptedVcd, clock: ManualClock) -> None:
    verifier = TokenVerifier(a_vcd(server, clock))
    unused = weakref.ref(verifier.verify(credentials("unused")))
    clock.now += 61
    verifier.verify(credentials())
    gc.collect()
    assert unused() is None


def test_a_refusal_is_never_remembered(server: ScriptedVcd, clock: ManualClock) -> None:
    verifier = TokenVerifier(a_vcd(server, clock))
    server.answer("GET", "/api/session", Answer(status=401), session())
    with pytest.raises(UnauthenticatedError):
        verifier.verify(credentials())
    assert verifier.verify(credentials()).user == "alice"


def test_an_answer_that_is_too_old_is_not_used_when_vcd_refuses(server: ScriptedVcd, clock: ManualClock) -> None:
    verifier = TokenVerifier(a_vcd(server, clock), ttl_s=5)
    verifier.verify(credentials())
    server.answer("GET", "/api/session", Answer(status=401))
    clock.now += 6
    with pytest.raises(UnauthenticatedError):
        verifier.verify(credentials())
    clock.now -= 6
    with pytest.raises(UnauthenticatedError):
        verifier.verify(credentials())


def test_forgetting_a_token_asks_again(server: ScriptedVcd, clock: ManualClock) -> None:
    verifier = TokenVerifier(a_vcd(server, clock))
    verifier.verify(credentials())
    verifier.forget(credentials())
    verifier.verify(credentials())
    assert checks(server) == 2


def test_a_vcd_that_is_away_is_told_from_a_wrong_token(server: ScriptedVcd, clock: ManualClock) -> None:
    server.answer("GET", "/api/session", Answer(status=503))
    with pytest.raises(UnavailableError):
        TokenVerifier(a_vcd(server, clock)).verify(credentials())


def test_memory_is_bounded_and_the_least_used_goes_first(server: ScriptedVcd, clock: ManualClock) -> None:
    verifier = TokenVerifier(a_vcd(server, clock), kept=2)
    for token in ("a", "b", "a", "c"):
        verifier.verify(credentials(token))
    assert checks(server) == 3
    verifier.verify(credentials("a"))
    assert checks(server) == 3
    verifier.verify(credentials("b"))
    assert checks(server) == 4


def test_wrong_tokens_do_not_push_out_good_ones(server: ScriptedVcd, clock: ManualClock) -> None:
    verifier = TokenVerifier(a_vcd(server, clock), kept=2)
    verifier.verify(credentials("good"))
    server.answer("GET", "/api/session", Answer(status=401))
    for number in range(5):
        with pytest.raises(UnauthenticatedError):
            verifier.verify(credentials(f"wrong-{number}"))
    assert verifier.verify(credentials("good")).user == "alice"


class TestRoleRights:
    """What roles may do."""

    def rights(self, server: ScriptedVcd, clock: ManualClock) -> RoleRights:
        server.answer("GET", "/api/session", session("System"))
        server.answer(
            "GET",
            "/api/query",
            records(
                f'<AdminRoleRecord name="vApp Author" href="{URL}/api/admin/role/r1"/>',
                f'<AdminRoleRecord name="vApp AuthorX" href="{URL}/api/admin/role/r2"/>',
            ),
        )
        reference = '<RightReference name="{cse}:CSE NATIVE DEPLOY RIGHT"/>'
        server.answer("GET", "/api/admin/role/r1", f"<Role {NS}><RightReferences>{reference}</RightReferences></Role>")
        return RoleRights(a_session(server, clock), ttl_s=30)

    def test_a_role_holds_its_rights_and_no_others(self, server: ScriptedVcd, clock: ManualClock) -> None:
        rights = self.rights(server, clock)
        assert rights.has("o1", "vApp Author", "{cse}:CSE NATIVE DEPLOY RIGHT")
        assert not rights.has("o1", "vApp Author", "{cse}:PKS DEPLOY RIGHT")

    def test_they_are_read_once_in_a_while(self, server: ScriptedVcd, clock: ManualClock) -> None:
        rights = self.rights(server, clock)
        for _ in range(3):
            rights.of("o1", "vApp Author")
        assert server.paths().count("/api/admin/role/r1") == 1
        clock.now += 31
        rights.of("o1", "vApp Author")
        assert server.paths().count("/api/admin/role/r1") == 2

    def test_a_role_that_is_not_there_holds_none(self, server: ScriptedVcd, clock: ManualClock) -> None:
        rights = self.rights(server, clock)
        assert not rights.has("o1", "No such role", "x")
        with pytest.raises(NotFoundError):
            rights.of("o1", "No such role")

    def test_not_knowing_is_no_permission(self, server: ScriptedVcd, clock: ManualClock) -> None:
        rights = self.rights(server, clock)
        server.answer("GET", "/api/admin/role/r1", error(500, "X", "oops"))
        with pytest.raises(UnavailableError):
            rights.has("o1", "vApp Author", "x")
