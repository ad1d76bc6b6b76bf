"""Logins through pyvcloud."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from pyvcloud.vcd.client import BasicLoginCredentials, Client
from pyvcloud.vcd.exceptions import UnauthorizedException, VcdException

from cse_testing.pyvcloud_client import Tenant, logged_in
from vcd_simulator.simulator import Simulator


def client_of(vcd: Simulator, version: str | None) -> Client:
    return Client(vcd.url, api_version=version, verify_ssl_certs=vcd.ca_file, log_file=os.devnull)


@contextmanager
def taken_up(vcd: Simulator, version: str, token: str, *, is_jwt_token: bool = False) -> Iterator[Client]:
    """A second client in the session of a first."""
    client = client_of(vcd, version)
    client.rehydrate_from_token(token, is_jwt_token=is_jwt_token)
    try:
        yield client
    finally:
        client._session.close()


def test_a_client_without_a_version_takes_the_newest_that_both_know(shared_vcd: Simulator) -> None:
    client = client_of(shared_vcd, None)
    client.set_credentials(BasicLoginCredentials("alice", "acme", "alice-secret"))
    assert client.get_api_version() == "36.0"
    assert not client.is_sysadmin()
    client.logout()


@pytest.mark.parametrize(
    ("user", "org", "password"),
    [("alice", "acme", "wrong"), ("alice", "nowhere", "alice-secret"), ("carol", "acme", "carol-secret")],
)
def test_wrong_credentials_are_refused(shared_vcd: Simulator, version: str, user: str, org: str, password: str) -> None:
    with pytest.raises(VcdException):
        client_of(shared_vcd, version).set_credentials(BasicLoginCredentials(user, org, password))


def test_a_session_is_taken_up_elsewhere_by_either_token(shared_vcd: Simulator, version: str) -> None:
    with logged_in(shared_vcd, "alice", version) as client:
        with taken_up(shared_vcd, version, client.get_xvcloud_authorization_token()) as other:
            assert other.get_vcloud_session().get("user") == "alice"
        if client.get_access_token():
            with taken_up(shared_vcd, version, client.get_access_token(), is_jwt_token=True) as other:
                assert other.get_vcloud_session().get("user") == "alice"


def test_tokens_of_one_version_are_good_at_another(shared_vcd: Simulator) -> None:
    with (
        logged_in(shared_vcd, "administrator", "36.0") as client,
        taken_up(shared_vcd, "31.0", client.get_xvcloud_authorization_token()) as older,
    ):
        assert older.is_sysadmin()


def test_after_logout_the_token_is_worth_nothing(shared_vcd: Simulator, version: str) -> None:
    with logged_in(shared_vcd, "alice", version) as client:
        token = client.get_xvcloud_authorization_token()
    with pytest.raises(UnauthorizedException):
        client_of(shared_vcd, version).rehydrate_from_token(token)


def test_an_expired_session_is_unauthorized(shared_vcd: Simulator, version: str) -> None:
    with logged_in(shared_vcd, "alice", version) as client:
        with shared_vcd.cloud.lock:
            mine = shared_vcd.sessions.find({"x-vcloud-authorization": client.get_xvcloud_authorization_token()})
            assert mine is not None
            mine.last_used -= shared_vcd.sessions.idle_timeout_s + 1
        with pytest.raises(UnauthorizedException):
            client.get_org_list()
        client._session.close()
        client.set_credentials(BasicLoginCredentials("alice", "acme", "alice-secret"))


def test_the_provider_and_tenants_log_in_at_different_places(shared_vcd: Simulator) -> None:
    client = client_of(shared_vcd, "36.0")
    client._cloudapi_base_uri += "/1.0.0/sessions/provider#"  # as somebody would who does not know the difference
    with pytest.raises(VcdException):
        client.set_credentials(BasicLoginCredentials("alice", "acme", "alice-secret"))


def test_a_tenants_first_steps(alice: Tenant) -> None:
    assert [org.get("name") for org in alice.client.get_org_list()] == ["acme"]
    assert [vdc["name"] for vdc in alice.org.list_vdcs()] == ["acme-vdc"]
    assert alice.org.get_vdc("nowhere") is None
    seen = {(catalog["orgName"], catalog["name"]) for catalog in alice.org.list_catalogs()}
    assert {(org, name) for org, name in seen if org != "acme"} == {("cse-provider", "cse")}  # the published one
