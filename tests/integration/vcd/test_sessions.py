"""Logins, tokens and TLS against the simulator."""

import socket
import warnings
from pathlib import Path

import pytest

from cse_core.errors import NotFoundError, PermissionDeniedError, UnauthenticatedError
from cse_core.secret import Secret
from cse_vcd.account import ServiceAccount
from cse_vcd.auth import RoleRights, TokenVerifier
from cse_vcd.credentials import Credentials
from cse_vcd.errors import ServiceAccountError, UntrustedError, VcdUnavailableError, VcenterUnavailableError
from cse_vcd.extension import list_vcenters
from cse_vcd.session import Vcd, VcdEndpoint, VcdSession
from cse_vcd.vcenter import Vcenter
from cse_vcd.vcenter_session import VcenterLogin
from vcd_simulator.simulator import Simulator


def token_of(session: VcdSession) -> Credentials:
    client = session._session_client
    version = session.api_version
    if client.get_access_token():
        return Credentials(token=Secret(client.get_access_token()), scheme="bearer", api_version=version)
    return Credentials(token=Secret(client.get_xvcloud_authorization_token()), scheme="session", api_version=version)


def test_a_callers_token_says_who_it_is(vcd: Vcd, alice: VcdSession) -> None:
    credentials = token_of(alice)
    assert credentials.scheme == ("session" if vcd.endpoint.api_version == "31.0" else "bearer")
    caller = TokenVerifier(vcd).verify(credentials)
    assert (caller.user, caller.org, caller.role) == ("alice", "acme", "Organization Administrator")
    assert caller.user_urn.startswith("urn:vcloud:user:")
    assert caller.org_href.endswith(caller.org_id)
    assert (caller.is_sysadmin, caller.api_version) == (False, vcd.endpoint.api_version)


def test_a_session_that_has_been_ended_is_refused(vcd: Vcd, alice: VcdSession) -> None:
    credentials = token_of(alice)
    verifier = TokenVerifier(vcd, ttl_s=0)
    verifier.verify(credentials)
    alice.logout()
    with pytest.raises(UnauthenticatedError):
        verifier.verify(credentials)


@pytest.mark.parametrize("scheme", ["session", "bearer"])
def test_a_token_that_is_made_up_is_refused(vcd: Vcd, scheme: str) -> None:
    made_up = Credentials(token=Secret("eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSJ9."), scheme=scheme)  # type: ignore[arg-type]
    with pytest.raises(UnauthenticatedError):
        vcd.rehydrate(made_up)


def test_our_account_logs_in_again_when_vcd_has_forgotten_it(vcd: Vcd, account: ServiceAccount) -> None:
    first = account._logged_in(None)
    vcd.rehydrate(token_of(VcdSession(vcd, first))).logout()
    assert list_vcenters(account)
    assert account._logged_in(None) is not first


def test_a_wrong_password_of_our_account_is_told_as_that(vcd: Vcd) -> None:
    wrong = ServiceAccount(vcd, user="administrator", password=Secret("wrong"))
    with pytest.raises(ServiceAccountError, match="administrator"):
        list_vcenters(wrong)


def test_a_tenant_may_not_look_below_vcd(alice: VcdSession) -> None:
    with pytest.raises(PermissionDeniedError):
        list_vcenters(alice)


def test_rights_of_roles(account: ServiceAccount, alice: VcdSession) -> None:
    rights = RoleRights(account)
    org_id = alice.identity.org_id
    assert rights.has(org_id, "Organization Administrator", "General: Administrator Control")
    assert not rights.has(org_id, "vApp Author", "General: Administrator Control")
    with pytest.raises(NotFoundError):
        rights.of(org_id, "no such role; name==*")


def test_unverified_tls_is_silent_and_leaves_no_files(
    simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    host, port = simulator.address.rsplit(":", 1)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        vcd = Vcd(VcdEndpoint(host=host, port=int(port), verify=False))
        list_vcenters(ServiceAccount(vcd, user="administrator", password=Secret("vcd-secret")))
        vcd.close()
    assert [str(found.message) for found in caught if "Unverified" in str(found.message)] == []
    assert capfd.readouterr().err == ""
    assert list(tmp_path.iterdir()) == []


def test_a_certificate_that_is_not_trusted_is_refused(simulator: Simulator) -> None:
    host, port = simulator.address.rsplit(":", 1)
    vcd = Vcd(VcdEndpoint(host=host, port=int(port), verify=True))
    with pytest.raises(UntrustedError, match="verify: false"):
        vcd.versions()
    vcd.close()
    vcenter = simulator.vcenters["vc1"]
    strict = Vcenter(
        "vc1",
        host=vcenter.host,
        port=vcenter.port,
        login=VcenterLogin(user=vcenter.user, password=Secret(vcenter.password)),
    )
    with pytest.raises(UntrustedError, match="verify: false"):
        strict.check()
    strict.close()


def test_a_vcenter_that_refuses_our_account(simulator: Simulator) -> None:
    vcenter = simulator.vcenters["vc1"]
    login = VcenterLogin(user=vcenter.user, password=Secret("wrong"), verify=simulator.ca_file)
    wrong = Vcenter("vc1", host=vcenter.host, port=vcenter.port, login=login)
    with pytest.raises(VcenterUnavailableError, match="refuses our account"):
        wrong.check()
    wrong.close()


def test_a_vcd_that_is_away_is_told_as_that() -> None:
    with socket.socket() as taken:  # nobody listens there, and no other program can meanwhile
        taken.bind(("127.0.0.1", 0))
        vcd = Vcd(VcdEndpoint(host="127.0.0.1", port=taken.getsockname()[1], verify=False))
        with pytest.raises(VcdUnavailableError, match=r"127\.0\.0\.1:\d+ cannot be reached \(Connection refused\)"):
            vcd.versions()


def test_a_vcd_that_accepts_and_says_nothing_is_not_waited_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        vcd = Vcd(VcdEndpoint(host="127.0.0.1", port=port, verify=False, connect_timeout_s=0.2, read_timeout_s=0.2))
        with pytest.raises(VcdUnavailableError):
            vcd.versions()
        silent = Vcenter(
            "vc1", host="127.0.0.1", port=port, login=VcenterLogin(user="u", password=Secret("p"), timeout_s=0.2)
        )
        with pytest.raises(VcenterUnavailableError):
            silent.check()
