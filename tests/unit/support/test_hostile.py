"""The tools of the tests with hostile values find what they are there to find."""

import base64
import io
import tarfile
from pathlib import Path

import pytest

from cse_testing.hostile.canaries import LogCanary, files_in_guests
from cse_testing.hostile.corpus import Corpus, every
from cse_testing.hostile.fields import Part, RestField, grpc_fields, rest_fields

CORPUS = Corpus(canary="/tmp/canary", forged="forged")
NEEDED = {"name": "x", "vdc": "x", "network": "x", "node_count": 1, "nodes": ["x"], "enabled": True, "operation": "x"}


def test_there_are_hundreds_of_different_values() -> None:
    values = CORPUS.values
    assert len({value.text for value in values}) == len({value.name for value in values}) == len(values) > 300
    assert sum("/tmp/canary" in value.text for value in values) > 40


def test_shares_of_the_values_are_all_of_them_together() -> None:
    shares = [every(CORPUS.values, nth=7, offset=offset) for offset in range(3, 10)]
    assert sorted(value.name for share in shares for value in share) == sorted(value.name for value in CORPUS.values)


def test_fields_are_found_where_handlers_read_them() -> None:
    fields = rest_fields(NEEDED)
    for field in (
        RestField("POST", "/api/cse", Part.BODY, "ssh_key"),
        RestField("DELETE", "/api/cse/{cluster}/node", Part.BODY, "nodes"),
        RestField("DELETE", "/api/cse/{cluster}/node", Part.BODY, "vdc"),
        RestField("PUT", "/api/cse/system", Part.BODY, "stopped"),
        RestField("GET", "/api/cse/{cluster}/{node}/info", Part.PATH, "node"),
        RestField("GET", "/api/cse", Part.QUERY, "org"),
        RestField("GET", "/api/cse", Part.HEADER, "authorization"),
    ):
        assert field in fields


def test_a_new_required_field_has_to_be_made_known() -> None:
    with pytest.raises(AssertionError, match="what would be a good value in /api/cse"):
        rest_fields({name: value for name, value in NEEDED.items() if name != "network"})


def test_texts_are_found_wherever_they_are_in_messages() -> None:
    found = {(each.method.rpartition(".")[2], each.path): each.is_output_only for each in grpc_fields()}
    assert found["CreateCluster", ("cluster", "worker_pool", "storage_profile")] is False
    assert found["CreateCluster", ("cluster", "vapp", "href")] is True
    assert found["RemoveNodes", ("node_ids",)] is False
    assert found["WatchOperation", ("name",)] is False


@pytest.mark.parametrize("line", ["forged event=x", "  forged", "a \x1b[31m b", "a \u202e b", "Traceback (most …"])
def test_a_log_with_such_a_line_has_a_problem(tmp_path: Path, line: str) -> None:
    log = tmp_path / "log"
    log.write_text(f"{line}\n")
    canary = LogCanary({"service": log})
    assert canary.problems("forged") == []
    with log.open("a") as more:
        more.write(f"fine 'forged\\n' \n{line}\n")
    assert len(canary.problems("forged")) == 1


def test_files_of_guests_are_found_in_a_saved_state() -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        member = tarfile.TarInfo("root/tmp/canary")
        member.size = 1
        archive.addfile(member, io.BytesIO(b"x"))
    inside = {"files": base64.b64encode(packed.getvalue()).decode()}
    state = {"guests": {"guests": [{"spec": {"name": "node-1"}, "inside": inside}, {"spec": None, "inside": None}]}}
    assert list(files_in_guests(state)) == [("node-1", "/root/tmp/canary", b"x")]
