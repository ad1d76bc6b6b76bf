"""Connections that break, and answers that take their time, as a client sees them."""

import http.client
import time
from typing import Any

import pytest
from tests.integration.simulator.control.conftest import Control

from cse_testing.vcd_rest import VcdRest
from vcd_simulator.faults import ConnectionRefused, ConnectionReset, HttpError, TruncatedBody
from vcd_simulator.inventory import Inventory
from vcd_simulator.simulator import Simulator


def test_a_reset_comes_before_anything_is_done(vcd: Simulator, alice: VcdRest) -> None:
    fault = vcd.faults.add(method="DELETE", route="/api/session", error=ConnectionReset())
    with pytest.raises(ConnectionResetError):
        alice.send("DELETE", "/api/session")
    assert alice.send("GET", "/api/session").status == 200
    assert fault.injected == 1


def test_a_reset_instead_of_the_answer_leaves_what_was_done(vcd: Simulator, alice: VcdRest) -> None:
    vcd.faults.add(method="DELETE", route="/api/session", error=ConnectionReset(after=True))
    with pytest.raises(ConnectionResetError):
        alice.send("DELETE", "/api/session")
    assert alice.send("GET", "/api/session").status == 401


def test_a_truncated_body_ends_early(vcd: Simulator, alice: VcdRest) -> None:
    whole = alice.send("GET", "/api/session").body
    vcd.faults.add(route="/api/session", error=TruncatedBody(share=0.25))
    with pytest.raises(http.client.IncompleteRead) as caught:
        alice.send("GET", "/api/session")
    assert len(caught.value.partial) == len(whole) // 4
    assert alice.send("GET", "/api/session").body == whole


def test_a_delay_holds_up_one_request_and_no_other(vcd: Simulator, alice: VcdRest) -> None:
    vcd.faults.add(route="/api/session", delay_s=0.4)
    began = time.monotonic()
    assert alice.send("GET", "/api/session").status == 200
    assert time.monotonic() - began > 0.39
    (counter,) = vcd.stats.find("rest", "GET /api/session", "alice@acme")
    assert counter.seconds > 0.39


def test_a_vcenter_is_away_until_the_fault_is_removed(vcd: Simulator) -> None:
    address = vcd.vcenters["vc1"].address
    vcenter = VcdRest(address)
    fault = vcd.faults.add(vcenter="vc1", error=ConnectionReset(), times=None)
    for _ in range(3):
        with pytest.raises(ConnectionResetError):
            vcenter.send("GET", "/sdk/vimServiceVersions.xml")
    vcd.faults.remove(fault)
    assert vcenter.send("GET", "/sdk/vimServiceVersions.xml").status == 200
    vcd.faults.add(at="vcenter", error=HttpError(status=503))
    assert vcenter.send("GET", "/sdk/vimServiceVersions.xml").status == 503


def test_a_vcenter_refuses_connections_until_the_fault_is_removed() -> None:
    inventory = Inventory.lab()
    second = inventory.vcenters[0].model_copy(update={"name": "vc2"})
    with Simulator(inventory.model_copy(update={"vcenters": [*inventory.vcenters, second]})) as vcd:
        clients = {name: VcdRest(vcenter.address) for name, vcenter in vcd.vcenters.items()}
        path = "/sdk/vimServiceVersions.xml"
        assert [client.send("GET", path).status for client in clients.values()] == [200, 200]
        fault = vcd.faults.add(vcenter="vc2", error=ConnectionRefused())
        assert (fault.matched, fault.injected) == (1, 1)
        for _ in range(3):
            with pytest.raises(ConnectionRefusedError):
                VcdRest(vcd.vcenters["vc2"].address).send("GET", path)
        assert clients["vc1"].send("GET", path).status == 200, "the others are there"
        vcd.faults.remove(fault)
        assert VcdRest(vcd.vcenters["vc2"].address).send("GET", path).status == 200
        both = vcd.faults.add(error=ConnectionRefused(), times=None)
        assert both.injected == 2
        vcd.faults.add(vcenter="vc1", error=ConnectionRefused())
        vcd.faults.remove(both)
        assert VcdRest(vcd.vcenters["vc2"].address).send("GET", path).status == 200
        with pytest.raises(ConnectionRefusedError):
            VcdRest(vcd.vcenters["vc1"].address).send("GET", path)


def test_a_vcenter_is_taken_away_over_http(vcd: Simulator, control: Control) -> None:
    body = {"when": {"vcenter": "vc1"}, "error": {"kind": "refused"}}
    fault = control.call("POST", "/faults", 201, json=body)
    assert (fault["at"], fault["injected"]) == ("listener", 1)
    with pytest.raises(ConnectionRefusedError):
        VcdRest(vcd.vcenters["vc1"].address).send("GET", "/sdk/vimServiceVersions.xml")
    control.call("DELETE", f"/faults/{fault['id']}", 204)
    assert VcdRest(vcd.vcenters["vc1"].address).send("GET", "/sdk/vimServiceVersions.xml").status == 200


def test_nothing_is_logged_as_a_defect(vcd: Simulator, alice: VcdRest, caplog: Any) -> None:
    vcd.faults.add(route="/api/session", error=TruncatedBody())
    vcd.faults.add(route="/api/org", error=ConnectionReset())
    for path in ("/api/session", "/api/org"):
        with pytest.raises((http.client.IncompleteRead, ConnectionResetError)):
            alice.send("GET", path)
    alice.send("GET", "/api/session")
    assert [record for record in caplog.records if record.levelname in ("ERROR", "CRITICAL")] == []
