"""Org VDCs through cloudapi."""

import json
from typing import Any

from cse_testing.vcd_cloud import LabCloud, RestCaller

ROOT = "/cloudapi/1.0.0/vdcs"


def read(caller: RestCaller, path: str) -> Any:
    answer = caller.call("GET", path, headers={"accept": "application/json;version=35.0"})
    assert answer.status == 200, answer.body
    return json.loads(answer.body)


def test_everybody_sees_the_vdcs_that_he_may_use(lab: LabCloud, administrator: RestCaller, alice: RestCaller) -> None:
    every = {one["name"] for one in read(administrator, f"{ROOT}?page=1&pageSize=10")["values"]}
    assert every == {"cse-provider-vdc", "acme-vdc", "globex-vdc"}
    (mine,) = read(alice, ROOT)["values"]
    org = {"name": "acme", "id": f"urn:vcloud:org:{lab.org('acme').id}"}
    assert mine == {
        "id": f"urn:vcloud:vdc:{lab.vdc().id}",
        "name": "acme-vdc",
        "description": lab.vdc().description,
        "allocationType": "ALLOCATION_VAPP",
        "org": org,
    }
    assert read(alice, f"{ROOT}/{mine['id']}") == mine
    assert read(administrator, f"{ROOT}?filter=org.id=={org['id']}")["values"] == [mine]
