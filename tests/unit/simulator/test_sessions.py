import base64

import pytest

from cse_testing.vcd_cloud import LabCloud
from vcd_simulator.errors import VcdError
from vcd_simulator.sessions import IDLE_TIMEOUT_S, LIFETIME_S, Sessions


@pytest.fixture
def sessions(lab: LabCloud) -> Sessions:
    return Sessions(lab.cloud)


def basic(login: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{login}:{password}".encode()).decode()


def test_both_tokens_open_the_session_by_either_header(sessions: Sessions) -> None:
    session = sessions.login(basic("alice@acme", "alice-secret"))
    for headers in (
        {"x-vcloud-authorization": session.token},
        {"authorization": f"Bearer {session.jwt}"},
        {"authorization": f"bearer {session.jwt}"},
        {"x-vcloud-authorization": session.jwt},
    ):
        assert sessions.find(headers) is session


def test_organisations_and_users_are_found_in_any_case(sessions: Sessions) -> None:
    assert sessions.login(basic("ALICE@Acme", "alice-secret")).user.name == "alice"
    assert sessions.login(basic("administrator@SYSTEM", "vcd-secret")).org.is_system


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Basic",
        "Basic !!!",
        "Basic " + base64.b64encode(b"\xff\xfe").decode(),
        "Basic " + base64.b64encode(b"no colon").decode(),
        basic("alice", "alice-secret"),
        basic("alice@globex", "alice-secret"),
        basic("alice@nowhere", "alice-secret"),
        basic("alice@acme", "wrong"),
        basic("alice@acme", ""),
        basic("nobody@acme", ""),
        "Bearer " + base64.b64encode(b"alice@acme:alice-secret").decode(),
    ],
)
def test_everything_else_is_refused_alike(sessions: Sessions, header: str | None) -> None:
    with pytest.raises(VcdError) as caught:
        sessions.login(header)
    assert caught.value.status == 401
    assert len(sessions) == 0


def test_a_password_may_contain_colons(lab: LabCloud, sessions: Sessions) -> None:
    lab.user("alice").password = "a:b:c"
    assert sessions.login(basic("alice@acme", "a:b:c")).user.name == "alice"


def test_disabled_users_and_organisations_are_out_at_once(lab: LabCloud, sessions: Sessions) -> None:
    session = sessions.login(basic("alice@acme", "alice-secret"))
    lab.user("alice").enabled = False
    assert sessions.find({"x-vcloud-authorization": session.token}) is None
    with pytest.raises(VcdError):
        sessions.login(basic("alice@acme", "alice-secret"))
    lab.user("alice").enabled = True
    lab.org("acme").enabled = False
    with pytest.raises(VcdError):
        sessions.login(basic("alice@acme", "alice-secret"))


def test_a_session_expires_when_idle_and_use_keeps_it(lab: LabCloud, sessions: Sessions) -> None:
    session = sessions.login(basic("alice@acme", "alice-secret"))
    headers = {"authorization": f"Bearer {session.jwt}"}
    for _ in range(3):
        lab.clock.advance(IDLE_TIMEOUT_S - 1)
        assert sessions.find(headers) is session
    lab.clock.advance(IDLE_TIMEOUT_S + 1)
    assert sessions.find(headers) is None


def test_no_session_outlives_a_day(lab: LabCloud, sessions: Sessions) -> None:
    session = sessions.login(basic("alice@acme", "alice-secret"))
    headers = {"x-vcloud-authorization": session.token}
    while lab.clock.now() - session.created < LIFETIME_S:
        assert sessions.find(headers) is session
        lab.clock.advance(IDLE_TIMEOUT_S - 1)
    assert sessions.find(headers) is None


def test_forgotten_sessions_do_not_pile_up(lab: LabCloud, sessions: Sessions) -> None:
    for _ in range(50):
        sessions.login(basic("alice@acme", "alice-secret"))
    lab.clock.advance(IDLE_TIMEOUT_S + 61)
    sessions.login(basic("alice@acme", "alice-secret"))
    assert len(sessions) == 1


@pytest.mark.parametrize("change", ["signature", "payload", "other_key", "garbage"])
def test_a_forged_jwt_opens_nothing(lab: LabCloud, sessions: Sessions, change: str) -> None:
    session = sessions.login(basic("alice@acme", "alice-secret"))
    other = Sessions(lab.cloud).login(basic("administrator@System", "vcd-secret"))
    head, payload, signature = session.jwt.split(".")
    forged = {
        "signature": f"{head}.{payload}.{signature[::-1]}",
        "payload": f"{head}.{other.jwt.split('.')[1]}.{signature}",
        "other_key": other.jwt,
        "garbage": "é.\n.x",
    }[change]
    assert sessions.find({"authorization": f"Bearer {forged}"}) is None


def test_ended_sessions_stay_ended_and_other_sessions_of_the_user_live_on(sessions: Sessions) -> None:
    first, second = (sessions.login(basic("alice@acme", "alice-secret")) for _ in range(2))
    sessions.end(first)
    assert sessions.find({"authorization": f"Bearer {first.jwt}"}) is None
    assert sessions.find({"authorization": f"Bearer {second.jwt}"}) is second


def test_no_secret_is_in_the_text_of_a_session(sessions: Sessions) -> None:
    session = sessions.login(basic("alice@acme", "alice-secret"))
    assert session.token not in repr(session)
    assert session.jwt not in repr(session)
    assert "alice-secret" not in repr(session.user)
