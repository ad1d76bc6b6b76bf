"""Fifty real clients side by side: no error, no leak, no lost task.

One minute here; `make soak-simulator` does it for ten (SOAK_MINUTES).
"""

import os
from pathlib import Path

import pytest

from cse_testing.soak import VMS, serving, soak
from cse_testing.waiting import wait_until

CLIENTS = int(os.environ.get("SOAK_CLIENTS", "50"))
SECONDS = float(os.environ.get("SOAK_MINUTES", "1")) * 60
MOST_GROWTH_MB = 60.0
"""From a quarter of the time on, when each client had a turn. 20,000 tasks are remembered, about 2 KB each."""


@pytest.mark.long
@pytest.mark.timeout(SECONDS + 1800)
def test_many_clients_work_side_by_side(tmp_path: Path) -> None:
    memory: list[float] = []
    with serving(tmp_path) as site:
        files_before = site.open_files
        tally = soak(site, clients=CLIENTS, seconds=SECONDS, on_quarter=lambda: memory.append(site.memory_mb))
        assert tally.errors == []
        assert tally.rounds >= CLIENTS, "every client had a turn"
        assert tally.programs == tally.rounds * VMS
        memory.append(site.memory_mb)
        state = site.control("GET", "/state?sessions=true&files=false")
        statuses = [task["status"] for task in state["tasks"]]
        assert set(statuses) == {"success"}
        assert len(statuses) == min(tally.tasks, len(statuses)), "more tasks than clients started"
        assert len(statuses) == tally.tasks or len(statuses) > 18_000, "a task was lost"
        assert state["tables"]["vapps"] == []
        assert [vm["name"] for vm in state["tables"]["vms"] if vm["vapp_id"] is not None] == []
        assert state["sessions"]["sessions"] == []
        assert all(holder == [] for holder in addresses_in_use(state))
        assert state["guests"]["guests"] == []
        wait_until(
            lambda: site.guest_folders == [], "the files of deleted guests to go", seen=lambda: site.guest_folders
        )
        wait_until(lambda: site.children == [], "all programs to be gone", seen=lambda: site.children)
        wait_until(lambda: site.open_files <= files_before + 10, "all files to be closed", seen=lambda: site.open_files)
        assert memory[1] - memory[0] < MOST_GROWTH_MB
        totals = site.control("GET", "/stats")["totals"]
        print(  # noqa: T201  # what a long run has to show, with -s
            f"{tally.rounds} vApps, {tally.tasks} tasks, {tally.programs} programs; {totals}; "
            f"{memory[0]:.0f} MB after a quarter, {memory[1]:.0f} MB at the end"
        )


def addresses_in_use(state: dict[str, dict[str, list[dict[str, dict[str, dict[str, str]]]]]]) -> list[list[str]]:
    """Addresses that somebody holds, by network."""
    return [list(network["pool"]["used"]) for network in state["tables"]["networks"]]
