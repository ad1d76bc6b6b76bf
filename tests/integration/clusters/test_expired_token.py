"""Operations outlive the sessions that began them, as far as the tenant's own rights are not needed any more."""

import re
from typing import Any

from cse_testing.clusters.site import Site, site
from vcd_simulator.faults import SessionExpired


def vapp_count(vcd: Site, session: Any) -> str | None:
    found = vcd.send("GET", f"{vcd.vcd.url}/api/query?type=vApp&format=records", session)
    total: str | None = found.get("total")
    return total


def test_a_creation_whose_session_ends_is_taken_back_by_the_service_account() -> None:
    with site() as vcd:
        alice, again = (vcd.login("alice", "acme", "alice-secret") for _ in range(2))
        ends = vcd.vcd.faults.add(action="recomposeVApp", user="alice", error=SessionExpired())
        ended = vcd.ended(vcd.create(alice, "orphan", workers=1), again)
        assert ended.HasField("error")
        assert re.search(
            r"\) failed at step add_machines: the session with vCD in which it was begun has ended; "
            r"log in and begin it again\. Everything was taken back\.$",
            ended.error.message,
        )
        assert (ends.injected, vapp_count(vcd, again)) == (1, "0")
