"""Compute policies through cloudapi, and in VDCs."""

import json
from typing import Any

import pytest

from cse_testing.vcd_cloud import Answer, LabCloud, RestCaller

JSON = {"accept": "application/json;version=35.0", "content-type": "application/json"}
ROOT = "/cloudapi/2.0.0/vdcComputePolicies"
PROVIDER_ROOT = "/cloudapi/1.0.0/pvdcComputePolicies"


def call(caller: RestCaller, method: str, path: str, body: Any = None) -> Answer:
    return caller.call(method, path, "" if body is None else json.dumps(body), headers=JSON)


def made(caller: RestCaller, body: dict[str, Any], root: str = ROOT) -> dict[str, Any]:
    answer = call(caller, "POST", root, body)
    assert answer.status == 201, answer.body
    document: dict[str, Any] = json.loads(answer.body)
    return document


def names(caller: RestCaller, parameters: str = "", root: str = ROOT) -> list[str]:
    answer = call(caller, "GET", f"{root}?{parameters}")
    assert answer.status == 200, answer.body
    return [one["name"] for one in json.loads(answer.body)["values"]]


def test_there_is_a_default_from_the_start(administrator: RestCaller, alice: RestCaller) -> None:
    assert names(administrator) == names(alice) == ["System Default"]
    assert names(administrator, root=PROVIDER_ROOT) == []


def test_a_policy_comes_changes_and_goes(administrator: RestCaller) -> None:
    small = made(administrator, {"name": "small", "cpuCount": 2, "memory": 2048, "policyType": "VdcVmPolicy"})
    assert (small["cpuCount"], small["memory"], small["isSizingOnly"]) == (2, 2048, True)
    assert small["id"].startswith("urn:vcloud:vdcComputePolicy:")
    path = f"{ROOT}/{small['id']}"
    changed = call(administrator, "PUT", path, small | {"name": "tiny", "cpuCount": 9})
    assert json.loads(changed.body) == small | {"name": "tiny"}
    assert json.loads(call(administrator, "GET", path.replace("2.0.0", "1.0.0")).body)["name"] == "tiny"
    assert call(administrator, "DELETE", path).status == 204
    assert call(administrator, "GET", path).status == 403
    assert names(administrator) == ["System Default"]


def test_a_provider_s_policy_places_vms_and_stays_while_it_is_used(administrator: RestCaller) -> None:
    placing = made(administrator, {"name": "gpu"}, PROVIDER_ROOT)
    placed = made(administrator, {"name": "with-gpu", "pvdcComputePolicy": {"id": placing["id"]}})
    assert placed["pvdcComputePolicy"] == {"name": "gpu", "id": placing["id"]}
    assert names(administrator, "filter=name==with-gpu;isSizingOnly==false&page=1&sortAsc=name") == ["with-gpu"]
    assert names(administrator, "filter=isSizingOnly==true") == ["System Default"]
    kept = call(administrator, "DELETE", f"{PROVIDER_ROOT}/{placing['id']}")
    assert (kept.status, json.loads(kept.body)["minorErrorCode"]) == (400, "OPERATION_DENIED")


def test_pages_say_how_many_there_are(administrator: RestCaller) -> None:
    for number in range(4):
        made(administrator, {"name": f"p{number}"})
    answer = json.loads(call(administrator, "GET", f"{ROOT}?pageSize=2&page=3&sortDesc=name").body)
    assert [answer[key] for key in ("resultTotal", "pageCount", "page", "pageSize")] == [5, 3, 3, 2]
    assert [one["name"] for one in answer["values"]] == ["System Default"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": "x" * 200},
        {"name": "a", "memory": 0},
        {"name": "System Default"},
        ["a"],
        {"name": "a", "pvdcComputePolicy": {"id": "urn:vcloud:pvdcComputePolicy:none"}},
    ],
    ids=["no name", "long name", "no memory", "taken name", "a list", "no such placement"],
)
def test_a_policy_that_makes_no_sense_is_refused(administrator: RestCaller, body: Any) -> None:
    answer = call(administrator, "POST", ROOT, body)
    assert (answer.status, "message" in json.loads(answer.body)) == (400, True)


def test_tenants_look_and_do_not_touch(administrator: RestCaller, alice: RestCaller) -> None:
    small = made(administrator, {"name": "small"})
    assert names(alice) == ["System Default", "small"]
    assert call(alice, "POST", ROOT, {"name": "mine"}).status == 403
    assert call(alice, "DELETE", f"{ROOT}/{small['id']}").status == 403
    assert call(alice, "GET", PROVIDER_ROOT).status == 403


def test_a_vdc_offers_what_it_was_given(lab: LabCloud, administrator: RestCaller, alice: RestCaller) -> None:
    small = made(administrator, {"name": "small"})
    path = f"/api/vdc/{lab.vdc().id}/computePolicies"
    before = administrator.get(path).body.decode()
    reference = f'<VdcComputePolicyReference href="https://vcd.test{ROOT}/{small["id"]}" id="{small["id"]}"/>'
    end = "</VdcComputePolicyReferences>"
    body = before.partition("?>")[2].replace(end, reference + end)
    assert administrator.put(path, body).status == 200
    assert [one.get("name") for one in alice.get(path).xml] == ["System Default", "small"]
    assert alice.put(path, body).status == 403
    kept = call(administrator, "DELETE", f"{ROOT}/{small['id']}")
    assert kept.status == 400
    start = '<VdcComputePolicyReferences xmlns="http://www.vmware.com/vcloud/v1.5">'
    assert administrator.put(path, start + reference + end).status == 400


def test_vdcs_get_a_policy_besides_what_they_offer(lab: LabCloud, administrator: RestCaller, alice: RestCaller) -> None:
    small, large = (made(administrator, {"name": name}) for name in ("small", "large"))
    vdcs = [lab.vdc(), lab.vdc("globex-vdc", "globex")]
    wanted = [{"id": f"urn:vcloud:vdc:{vdc.id}"} for vdc in vdcs]
    assert call(administrator, "POST", f"{ROOT}/{large['id']}/vdcs", wanted[:1]).status == 200
    given = call(administrator, "POST", f"{ROOT}/{small['id']}/vdcs", wanted)
    assert [one["name"] for one in json.loads(given.body)] == ["acme-vdc", "globex-vdc"]
    mine = json.loads(call(alice, "GET", f"{ROOT}/{small['id']}/vdcs").body)
    assert mine == [{"name": "acme-vdc", "id": f"urn:vcloud:vdc:{vdcs[0].id}"}]
    offered = f"/cloudapi/1.0.0/vdcs/urn:vcloud:vdc:{vdcs[0].id}/computePolicies"
    assert names(alice, "sortAsc=name", root=offered) == ["System Default", "large", "small"]
    assert call(alice, "POST", f"{ROOT}/{small['id']}/vdcs", wanted[:1]).status == 403
    foreign = f"/cloudapi/1.0.0/vdcs/urn:vcloud:vdc:{vdcs[1].id}/computePolicies"
    assert call(alice, "GET", foreign).status == 403


@pytest.mark.parametrize("body", ["{", "{}", '[{"name": "without an id"}]', "[" * 100_000], ids=lambda body: body[:9])
def test_a_list_of_vdcs_that_is_none_is_refused(administrator: RestCaller, body: str) -> None:
    small = made(administrator, {"name": "small"})
    answer = administrator.call("POST", f"{ROOT}/{small['id']}/vdcs", body, headers=JSON)
    assert (answer.status, json.loads(answer.body)["minorErrorCode"]) == (400, "BAD_REQUEST")


def test_pages_link_to_their_neighbours(administrator: RestCaller) -> None:
    for number in range(4):
        made(administrator, {"name": f"p{number}"})
    answer = call(administrator, "GET", f"{ROOT}?pageSize=2&page=2&sortAsc=name")
    numbers = {"firstPage": 1, "previousPage": 1, "nextPage": 3, "lastPage": 3}
    address = f"https://vcd.test{ROOT}?pageSize=2&sortAsc=name&page="
    assert answer.headers["link"].split(", ") == [
        f'<{address}{number}>;rel="{relation}";type="application/json"' for relation, number in numbers.items()
    ]
    assert "link" not in call(administrator, "GET", ROOT).headers


def test_version_two_says_what_a_policy_is_for(administrator: RestCaller) -> None:
    small = made(administrator, {"name": "small"})
    assert small["policyType"] == "VdcVmPolicy"
    older = call(administrator, "GET", f"/cloudapi/1.0.0/vdcComputePolicies/{small['id']}")
    assert "policyType" not in json.loads(older.body)
