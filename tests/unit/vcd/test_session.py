"""Sessions: versions, tokens, links, busy entities, our own account."""

import ssl
import threading
from pathlib import Path

import pytest
import requests

from cse_core.errors import (
    AlreadyExistsError,
    CseError,
    FailedPreconditionError,
    NotFoundError,
    PermissionDeniedError,
    UnauthenticatedError,
    UnavailableError,
)
from cse_core.secret import Secret
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
    session,
    versions,
)
from cse_vcd.account import ServiceAccount
from cse_vcd.errors import BusyError, ServiceAccountError, UntrustedError, VcdRefusedError, VcdUnavailableError


@pytest.mark.parametrize(
    ("wanted", "spoken"),
    [
        ("31.0", "31.0"),
        ("32.0", "31.0"),
        ("36.0", "36.0"),
        ("39.0", "36.0"),
        ("5.5", "29.0"),
        ("", "36.0"),
        ("junk", "36.0"),
    ],
)
def test_the_version_is_the_callers_as_far_as_both_sides_know_it(server: ScriptedVcd, wanted: str, spoken: str) -> None:
    assert a_session(server, api_version=wanted).api_version == spoken
    assert server.requests[-1].headers["Accept"] == f"application/*+xml;version={spoken}"


def test_versions_are_asked_for_once_in_ten_minutes(server: ScriptedVcd, clock: ManualClock) -> None:
    vcd = a_vcd(server, clock)
    for _ in range(3):
        vcd.rehydrate(credentials())
    assert server.paths().count("/api/versions") == 1
    clock.now += 601
    vcd.versions()
    assert server.paths().count("/api/versions") == 2


def test_a_vcd_that_is_too_new_or_too_old_is_named_so(server: ScriptedVcd) -> None:
    server.answer("GET", "/api/versions", versions("5.5", "40.0"))
    with pytest.raises(FailedPreconditionError, match=r"29\.0 to 36\.0"):
        a_session(server)


def test_a_session_id_and_a_jwt_travel_in_their_own_headers(server: ScriptedVcd) -> None:
    a_session(server, token="abc")
    by_id = server.requests[-1].headers
    a_session(server, token="e.y.J", scheme="bearer")
    by_jwt = server.requests[-1].headers
    assert by_id["x-vcloud-authorization"] == "abc"
    assert "Authorization" not in by_id
    assert by_jwt["Authorization"] == "Bearer e.y.J"
    assert "x-vcloud-authorization" not in by_jwt


def test_a_netrc_file_does_not_replace_the_token(
    server: ScriptedVcd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine vcd.test login eve password x\n")
    monkeypatch.setenv("NETRC", str(netrc))
    a_session(server, scheme="bearer").get(f"{URL}/api/session")
    assert {request.headers.get("Authorization") for request in server.requests[1:]} == {"Bearer tenant-token"}


@pytest.mark.parametrize("token", ["", "a\r\nX-Evil: 1", "ü", "a b", "x" * 40_000, "\0"])
def test_what_cannot_be_a_token_is_refused_without_asking_vcd(server: ScriptedVcd, token: str) -> None:
    with pytest.raises(UnauthenticatedError):
        a_session(server, token=token)
    assert "/api/session" not in server.paths()


def test_no_log_file_appears(server: ScriptedVcd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    a_session(server).get(f"{URL}/api/session")
    assert list(tmp_path.iterdir()) == []


def test_who_the_session_belongs_to(server: ScriptedVcd) -> None:
    who = a_session(server).identity
    assert (who.user, who.user_urn, who.org, who.org_id) == ("alice", "urn:vcloud:user:u1", "acme", "o1")
    assert (who.role, who.is_sysadmin) == ("Organization Administrator", False)
    server.answer("GET", "/api/session", session(org="SYSTEM"))
    assert a_session(server).is_sysadmin


def test_links_are_followed_at_the_configured_address_only(server: ScriptedVcd) -> None:
    server.answer("GET", "/api/vApp/vapp-1", f"<VApp {NS}/>")
    a_session(server).get("https://elsewhere.example:8443/api/vApp/vapp-1?a=b")
    assert server.requests[-1].url == f"{URL}/api/vApp/vapp-1?a=b"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (error(400, "BAD_REQUEST", "no"), VcdRefusedError),
        (error(400, "DUPLICATE_NAME", "taken"), AlreadyExistsError),
        (error(401, "", ""), UnauthenticatedError),
        (Answer(status=401), UnauthenticatedError),
        (error(403, "ACCESS_TO_RESOURCE_IS_FORBIDDEN", "no"), PermissionDeniedError),
        (error(404, "RESOURCE_NOT_FOUND", "no"), NotFoundError),
        (error(500, "INTERNAL_SERVER_ERROR", "oops"), VcdUnavailableError),
        (Answer("<html>proxy</html>", 502), VcdUnavailableError),
        (Answer("not xml at all", 503), VcdUnavailableError),
        (Answer("<html>a page", 200), VcdUnavailableError),
        (Answer("", 200), VcdUnavailableError),
        (Answer(error=requests.ConnectTimeout()), VcdUnavailableError),
        (Answer(error=requests.ConnectionError("refused")), VcdUnavailableError),
        (Answer(error=requests.exceptions.SSLError(ssl.SSLCertVerificationError("self-signed"))), UntrustedError),
        (Answer(error=requests.exceptions.SSLError(ssl.SSLEOFError("cut"))), VcdUnavailableError),
    ],
)
def test_failures_become_errors_of_ours(server: ScriptedVcd, answer: Answer, expected: type[CseError]) -> None:
    tenant = a_session(server)
    server.answer("GET", "/api/x", answer)
    with pytest.raises(expected) as caught:
        tenant.get(f"{URL}/api/x")
    assert type(caught.value) is expected
    assert "tenant-token" not in str(caught.value)


def test_vcds_message_is_kept_and_its_request_id_set_apart(server: ScriptedVcd) -> None:
    tenant = a_session(server)
    server.answer(
        "GET", "/api/x", error(400, "BAD_REQUEST", "[ 0d9c6c1e-6d4f-4a3c-8a55-3d9f00000001 ] The VDC is\n full.")
    )
    with pytest.raises(VcdRefusedError) as caught:
        tenant.get(f"{URL}/api/x")
    assert str(caught.value) == "vCD says: The VDC is full."
    assert caught.value.details == {
        "minor": "BAD_REQUEST",
        "vcd_request_id": "0d9c6c1e-6d4f-4a3c-8a55-3d9f00000001",
    }


@pytest.mark.parametrize("status", [403, 404])
def test_what_is_asked_for_by_id_and_refused_is_not_there(server: ScriptedVcd, status: int) -> None:
    tenant = a_session(server)
    server.answer("GET", "/api/vApp/vapp-9", error(status, "ACCESS_TO_RESOURCE_IS_FORBIDDEN", "No access"))
    with pytest.raises(NotFoundError, match="the vApp c1 is not there"):
        tenant.get(f"{URL}/api/vApp/vapp-9", missing="the vApp c1")
    assert tenant.find(f"{URL}/api/vApp/vapp-9") is None


def test_a_busy_entity_is_tried_again_with_growing_pauses(server: ScriptedVcd, clock: ManualClock) -> None:
    tenant = a_session(server, clock)
    busy = error(400, "BUSY_ENTITY", "The entity is busy")
    server.answer("POST", "/api/x", busy, busy, busy, Answer(f"<Task {NS}/>", 202))
    assert tenant.post(f"{URL}/api/x") is not None
    assert clock.slept == sorted(clock.slept)
    assert len(clock.slept) == 3


def test_an_entity_that_stays_busy_is_reported_after_the_time_set(server: ScriptedVcd, clock: ManualClock) -> None:
    tenant = a_vcd(server, clock, busy_timeout_s=5).rehydrate(credentials())
    server.answer("POST", "/api/x", error(400, "BUSY_ENTITY", "The entity is busy"))
    with pytest.raises(BusyError) as caught:
        tenant.post(f"{URL}/api/x")
    assert caught.value.retryable
    assert 3 < sum(clock.slept) <= 5


def test_an_external_entity_is_not_resolved(server: ScriptedVcd, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("canary")
    tenant = a_session(server)
    server.answer("GET", "/api/x", f'<!DOCTYPE r [<!ENTITY e SYSTEM "file://{secret}">]><r>&e;</r>')
    assert "canary" not in (tenant.get(f"{URL}/api/x").text or "")


class TestServiceAccount:
    """Our own session."""

    def an_account(self, server: ScriptedVcd, clock: ManualClock) -> ServiceAccount:
        server.answer("POST", "/api/sessions", session("System", "administrator", "System Administrator"))
        return ServiceAccount(a_vcd(server, clock), user="administrator", password=Secret("pässword€"))

    def test_it_logs_in_when_first_used_and_once_for_all_threads(self, server: ScriptedVcd, clock: ManualClock) -> None:
        account = self.an_account(server, clock)
        assert server.requests == []
        threads = [threading.Thread(target=lambda: account.identity) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert server.paths("POST") == ["/api/sessions"]
        assert account.is_sysadmin

    def test_it_logs_in_again_once_when_its_session_has_ended(self, server: ScriptedVcd, clock: ManualClock) -> None:
        account = self.an_account(server, clock)
        server.answer("GET", "/api/x", Answer(f"<X {NS}/>"), Answer(status=401), Answer(f"<X {NS}/>"))
        account.get(f"{URL}/api/x")
        account.get(f"{URL}/api/x")
        assert server.paths("POST") == ["/api/sessions"] * 2

    def test_a_session_that_ends_at_once_is_not_the_callers_fault(
        self, server: ScriptedVcd, clock: ManualClock
    ) -> None:
        account = self.an_account(server, clock)
        server.answer("GET", "/api/x", Answer(status=401))
        with pytest.raises(ServiceAccountError) as caught:
            account.get(f"{URL}/api/x")
        assert isinstance(caught.value, UnavailableError)

    def test_a_refused_account_is_left_alone_for_a_while(self, server: ScriptedVcd, clock: ManualClock) -> None:
        account = self.an_account(server, clock)
        server.answer("POST", "/api/sessions", Answer(status=401))
        for _ in range(5):
            with pytest.raises(ServiceAccountError, match=r"vcd\.password"):
                account.identity  # noqa: B018 - reading it logs in
        assert len(server.paths("POST")) == 1
        clock.now += 31
        with pytest.raises(ServiceAccountError):
            account.identity  # noqa: B018
        assert len(server.paths("POST")) == 2

    def test_from_33_on_it_logs_in_at_the_providers_door(self, server: ScriptedVcd, clock: ManualClock) -> None:
        jwt = {"X-VMWARE-VCLOUD-ACCESS-TOKEN": "e.y.J"}
        server.answer("POST", "/cloudapi/1.0.0/sessions/provider", Answer("{}", headers=jwt))
        vcd = a_vcd(server, clock, api_version="36.0")
        ServiceAccount(vcd, user="administrator", password=Secret("x")).get(f"{URL}/api/session")
        assert server.requests[-1].headers["Authorization"] == "Bearer e.y.J"

    def test_a_login_answered_without_a_token_is_explained(self, server: ScriptedVcd, clock: ManualClock) -> None:
        account = self.an_account(server, clock)
        server.answer("POST", "/api/sessions", Answer(f"<Session {NS}/>"))
        with pytest.raises(VcdUnavailableError, match="no token"):
            account.identity  # noqa: B018

    def test_closing_ends_the_session_in_vcd(self, server: ScriptedVcd, clock: ManualClock) -> None:
        account = self.an_account(server, clock)
        account.identity  # noqa: B018
        account.close()
        assert server.paths("DELETE") == ["/api/session"]
