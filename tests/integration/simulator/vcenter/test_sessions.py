"""Connecting: versions, sessions, TLS, several vCenters, and requests that nobody should send."""

import ssl
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from pyVim.connect import Disconnect, SmartConnect
from pyVmomi import vim, vmodl
from pyVmomi.SoapAdapter import SoapStubAdapter

from cse_testing.simulated import Endpoint
from cse_testing.waiting import LIMIT_S

LEAVES_CONNECTIONS_OPEN = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
"""pyvmomi does so when a login fails."""
ENVELOPE = (
    '<?xml version="1.0"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body>{}</soapenv:Body></soapenv:Envelope>'
)
CONTENT = ENVELOPE.format(
    '<RetrieveServiceContent xmlns="urn:vim25"><_this type="ServiceInstance">ServiceInstance</_this>'
    "</RetrieveServiceContent>"
)


def test_the_client_finds_the_version_and_logs_in(client: Any) -> None:
    about = client.content.about
    assert (about.apiType, about.apiVersion, about.productLineId) == ("VirtualCenter", "6.7", "vpx")
    session = client.content.sessionManager.currentSession
    assert session.userName == "cse@vsphere.local"
    assert client.content.sessionManager.SessionIsActive(session.key, session.userName) is True
    assert client.CurrentTime().tzinfo is not None


@pytest.mark.parametrize("user", ["CSE@vsphere.local", "vsphere.local\\cse"])
def test_ways_to_write_the_user(vcenter: Endpoint, connect: Callable[..., Any], user: str) -> None:
    assert connect(vcenter, user=user).content.rootFolder.name == "Datacenters"


@pytest.mark.parametrize(
    ("user", "password"), [("cse@vsphere.local", "wrong"), ("root", ""), ("", ""), ("é" * 300, "\u2603")]
)
@LEAVES_CONNECTIONS_OPEN
def test_a_wrong_login(vcenter: Endpoint, connect: Callable[..., Any], user: str, password: str) -> None:
    with pytest.raises(vim.fault.InvalidLogin):
        connect(vcenter, user=user, password=password)


def test_without_a_session_only_the_service_content_is_there(vcenter: Endpoint, boot: Callable[..., None]) -> None:
    boot("vm-1")
    context = ssl.create_default_context(cafile=vcenter.ca)
    stub = SoapStubAdapter(vcenter.host, vcenter.port, version="vim.version.version13", sslContext=context)
    instance = vim.ServiceInstance("ServiceInstance", stub)
    assert instance.content.about.vendor == "VMware, Inc."
    with pytest.raises(vim.fault.NotAuthenticated):
        _ = vim.VirtualMachine("vm-1", stub).guest
    stub.DropConnections()


def test_logout_and_expiry_end_a_session(vcenter: Endpoint, connect: Callable[..., Any]) -> None:
    client = connect(vcenter)
    client.content.sessionManager.Logout()
    with pytest.raises(vim.fault.NotAuthenticated):
        _ = client.content.rootFolder.name
    again = connect(vcenter)
    vcenter.service.sessions.expire_all()
    with pytest.raises(vim.fault.NotAuthenticated):
        _ = again.content.rootFolder.name


@LEAVES_CONNECTIONS_OPEN
def test_the_certificate_is_signed_by_the_simulator_s_authority(vcenter: Endpoint) -> None:
    context = ssl.create_default_context(cafile=vcenter.ca)
    with pytest.raises(vim.fault.InvalidLogin):
        SmartConnect(host=vcenter.host, port=vcenter.port, user="x", pwd="y", sslContext=context)


def test_each_vcenter_has_its_own_machines_and_sessions(
    serve: Callable[..., Endpoint], connect: Callable[..., Any], boot: Callable[..., None]
) -> None:
    endpoints = {name: serve(name, host) for name, host in (("vc1", "127.0.0.2"), ("vc2", "127.0.0.3"))}
    boot("vm-1", "vc1")
    boot("vm-2", "vc2")
    clients = {name: connect(endpoint) for name, endpoint in endpoints.items()}
    for own, other, name in (("vm-1", "vm-2", "vc1"), ("vm-2", "vm-1", "vc2")):
        stub = clients[name]._stub
        vm: Any = vim.VirtualMachine(own, stub)
        assert vm.guest.toolsRunningStatus == "guestToolsRunning"
        with pytest.raises(vmodl.fault.ManagedObjectNotFound):
            _ = vim.VirtualMachine(other, stub).guest
    cookie = clients["vc1"]._stub.cookie
    body = ENVELOPE.format(
        '<Fetch xmlns="urn:vim25"><_this type="VirtualMachine">vm-2</_this><prop>guest</prop></Fetch>'
    )
    answer = endpoints["vc2"].post(body, headers={"Cookie": cookie})
    assert "NotAuthenticatedFault" in answer.text


def test_a_cookie_is_set_once_and_understood_with_its_attributes(vcenter: Endpoint) -> None:
    first = vcenter.post(CONTENT)
    line = first.headers["Set-Cookie"]
    assert line.startswith('vmware_soap_session="')
    assert "Set-Cookie" not in vcenter.post(CONTENT, headers={"Cookie": line}).headers


ENTITY_BOMB = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>'
XXE = '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize(
    "body",
    [
        "",
        "not XML",
        "<a/>",
        b"\xff\xfe\x00",
        ENVELOPE.format(""),
        ENVELOPE.format('<Fetch xmlns="urn:vim25"/>'),
        ENVELOPE.format('<Frobnicate xmlns="urn:vim25"><_this type="X">x</_this></Frobnicate>'),
        CONTENT.replace('<?xml version="1.0"?>', f'<?xml version="1.0"?>{ENTITY_BOMB}'),
        CONTENT.replace('<?xml version="1.0"?>', f'<?xml version="1.0"?>{XXE}').replace(">ServiceInstance<", ">&e;<"),
        "<a>" * 100_000,
    ],
)
def test_a_request_that_makes_no_sense_gets_a_fault(vcenter: Endpoint, body: str | bytes) -> None:
    answer = vcenter.post(body)
    assert answer.status_code == 500
    assert "<soapenv:Fault>" in answer.text
    assert "<faultstring>" in answer.text
    assert "root:" not in answer.text


def test_a_request_can_be_too_large(vcenter: Endpoint) -> None:
    assert vcenter.post(b"x" * (9 << 20)).status_code == 413


def test_other_paths_and_methods(vcenter: Endpoint) -> None:
    for path, status in (
        ("/", 404),
        ("/sdk", 405),
        ("/sdk/vimService.wsdl", 404),
        ("/sdk/vimServiceVersions.xml", 200),
    ):
        assert requests.get(f"{vcenter.url}{path}", verify=str(vcenter.ca), timeout=LIMIT_S).status_code == status


def test_fifty_clients_side_by_side(vcenter: Endpoint, boot: Callable[..., None], connect: Callable[..., Any]) -> None:
    boot("vm-1")

    def ask(_number: int) -> str:
        client = SmartConnect(
            host=vcenter.host,
            port=vcenter.port,
            user="cse@vsphere.local",
            pwd='vc <secret> & "more"',
            disableSslCertValidation=True,
        )
        vm: Any = vim.VirtualMachine("vm-1", client._stub)
        status = str(vm.guest.toolsRunningStatus)
        Disconnect(client)
        client._stub.DropConnections()
        return status

    with ThreadPoolExecutor(10) as pool:
        assert set(pool.map(ask, range(50))) == {"guestToolsRunning"}


def test_a_session_is_cloned_by_a_ticket_that_is_good_once(vcenter: Endpoint, client: Any) -> None:
    manager = client.content.sessionManager
    ticket = manager.AcquireCloneTicket()
    context = ssl.create_default_context(cafile=vcenter.ca)
    stub = SoapStubAdapter(vcenter.host, vcenter.port, version="vim.version.version13", sslContext=context)
    clone: Any = vim.ServiceInstance("ServiceInstance", stub).RetrieveContent()
    session = clone.sessionManager.CloneSession(ticket)
    assert (session.userName, clone.rootFolder.name) == ("cse@vsphere.local", "Datacenters")
    assert {one.key for one in manager.sessionList} == {session.key, manager.currentSession.key}
    manager.TerminateSession([session.key])
    with pytest.raises(vim.fault.NotAuthenticated):
        _ = clone.rootFolder.name
    for attempt in (lambda: clone.sessionManager.CloneSession(ticket), clone.sessionManager.LoginByToken):
        with pytest.raises(vim.fault.InvalidLogin):
            attempt()
    stub.DropConnections()
