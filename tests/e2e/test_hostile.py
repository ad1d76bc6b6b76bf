"""Hostile values in every field, through vCD and the gateway and straight to the services: none gets out of its place.

Fields come from the route table and the descriptors, so that a new one is attacked as soon as it is there. Every
`make test` sends each value to several fields and a share of the values to each field; with the marker `long` every
value goes to every field.
"""

import uuid
from collections.abc import Iterator

import pytest

from cse_lab.state import LabState
from cse_testing.hostile.calls import attack_grpc, attack_metadata
from cse_testing.hostile.canaries import CloudCanary, LogCanary, files_in_guests, state_of
from cse_testing.hostile.corpus import Corpus
from cse_testing.hostile.front import TWIN, Front, finish, log_in, nothing_was_executed, remove_what_was_made
from cse_testing.hostile.rest import attack_rest
from cse_testing.ssh import ssh_key

pytestmark = pytest.mark.timeout(2400)

SHARE = 24
"""One value in so many goes to each field in `make test`."""


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    token = uuid.uuid4().hex[:12]
    return Corpus(canary=f"/tmp/canary-{token}", forged=f"forged-{token}")


@pytest.fixture(scope="module")
def front(lab: dict[str, str], corpus: Corpus) -> Iterator[Front]:
    """Two clusters are there to be attacked; in the end there is no other, and nothing else in vCD has changed."""
    tenant = log_in(lab, "LAB_ORG", "LAB_TENANT")
    stranger = log_in(lab, "LAB2_ORG", "LAB2_TENANT")
    front = Front(lab, corpus, tenant, log_in(lab, None, "LAB_SYSADMIN"))
    mine = {"name": TWIN, "vdc": lab["LAB_VDC"], "network": lab["LAB_NETWORK"], "node_count": 0}
    theirs = mine | {"vdc": lab["LAB2_VDC"], "network": lab["LAB2_NETWORK"]}
    for session, body in ((tenant, mine), (stranger, theirs)):
        finish(session, session.send("POST", "/api/cse", body).json()["task_href"])
    yield front
    for session in (tenant, stranger):
        finish(session, session.send("DELETE", f"/api/cse/{TWIN}").json()["task_href"])


@pytest.fixture
def watched(front: Front, lab_state: LabState) -> Iterator[None]:
    """Looks at everything before and after a test: guests, vCD, logs, this machine."""
    cloud = CloudCanary(front.sysadmin, attacked=[TWIN])
    log = LogCanary({name: lab_state.log(name) for name in ("gateway", "clusters", "templates")})
    front.problems.clear()
    yield
    remove_what_was_made(front)
    assert not front.problems, "\n".join(front.problems)
    assert cloud.changes() == []
    assert log.problems(front.corpus.forged) == []
    assert "request_answered" in log.text()
    assert front.tenant.send("GET", "/api/cse").status == 200
    nothing_was_executed(front)


def test_no_value_gets_out_of_a_rest_field(front: Front, watched: None) -> None:
    attack_rest(front, nth=SHARE)


@pytest.mark.long
def test_no_value_gets_out_of_any_rest_field(front: Front, watched: None) -> None:
    attack_rest(front, nth=1)


def test_no_value_gets_out_of_a_grpc_field(front: Front, watched: None) -> None:
    attack_grpc(front, nth=SHARE)


@pytest.mark.long
def test_no_value_gets_out_of_any_grpc_field(front: Front, watched: None) -> None:
    attack_grpc(front, nth=1)


def test_no_value_gets_out_of_the_metadata_of_a_call(front: Front, watched: None) -> None:
    attack_metadata(front)


def test_whatever_a_key_is_called_it_reaches_the_guests_as_it_is(front: Front, watched: None) -> None:
    """As many values as fit into the comment of each key; all printable ones are sent, and all arrive."""
    wanted = [value.text.replace("PRIVATE KEY", "") for value in front.corpus.values if value.is_one_line]
    assert len(wanted) > 150
    keys = [f"{ssh_key()} {pack}" for pack in _packed(wanted, limit=6_000)]
    names = {front.fresh_name(): key.rstrip() for key in keys}
    for name, key in names.items():
        body = front.creation() | {"name": name, "ssh_key": key, "enable_nfs": True}
        reply = front.tenant.send("POST", "/api/cse", body)
        assert reply.status == 202, reply.message
        front.tasks.append(reply.json()["task_href"])
    for task in front.tasks:
        finish(front.tenant, task)
    accepted: dict[str, list[bytes]] = {}
    for guest, path, content in files_in_guests(state_of(front.sysadmin, files=True)):
        if path.endswith("/root/.ssh/authorized_keys"):
            accepted.setdefault(guest, []).append(content)
    for name, key in names.items():
        info = front.tenant.send("GET", f"/api/cse/{name}/info").json()
        for node in (*info["master_nodes"], *info["nfs_nodes"]):
            assert [key] == [content.decode().strip("\n") for content in accepted[node["name"]]]
    nothing_was_executed(front)


def _packed(texts: list[str], *, limit: int) -> Iterator[str]:
    pack = ""
    for text in texts:
        if pack and len(pack) + len(text) > limit:
            yield pack
            pack = ""
        if len(text) <= limit:
            pack += f" {text}"
    yield pack
