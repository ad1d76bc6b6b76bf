"""Queries whose answers follow what happens between them, through pyvcloud."""

import uuid

import pytest
from pyvcloud.vcd.client import MetadataDomain, MetadataVisibility, QueryResultFormat
from pyvcloud.vcd.vapp import VApp

from cse_testing.pyvcloud_client import Tenant


@pytest.fixture
def name() -> str:
    return f"q-{uuid.uuid4().hex[:8]}"


def test_a_page_shows_what_changed_since_the_last_one(alice: Tenant, name: str) -> None:
    def found(kind: str, condition: str) -> list[str]:
        ordered = {"query_result_format": QueryResultFormat.RECORDS, "sort_asc": "name"}
        records = alice.client.get_typed_query(kind, qfilter=condition, **ordered).execute()
        return [record.get("name") for record in records]

    def off() -> list[str]:
        return found("vm", f"status==POWERED_OFF;containerName=={name}*")

    def marked() -> list[str]:
        return found("vApp", f"metadata:mark!=STRING:;name=={name}*")

    vapp: VApp = alice.compose(name)
    alice.wait(vapp.add_vms([alice.machine("one"), alice.machine("two")], deploy=False, power_on=False))
    assert off() == off() == ["one", "two"]
    assert marked() == []
    vapp.reload()
    alice.wait(vapp.deploy(power_on=True))
    assert off() == []
    alice.wait(vapp.set_metadata(MetadataDomain.GENERAL.value, MetadataVisibility.READ_WRITE, "mark", "x"))
    assert marked() == marked() == [name]
    vapp.reload()
    alice.wait(vapp.edit_name_and_description(f"{name}-2"))
    assert marked() == [f"{name}-2"]
    alice.wait(alice.vdc.delete_vapp(f"{name}-2", force=True))
    assert (marked(), off()) == ([], [])
