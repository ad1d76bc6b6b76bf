"""Plug-ins of the web interface: registered, uploaded, published."""

import json
from typing import Any

import pytest

from cse_testing.vcd_cloud import Answer, LabCloud, RestCaller

ROOT = "/cloudapi/extensions/ui"
PLUGIN = {
    "pluginName": "container-ui-plugin",
    "vendor": "VMware",
    "description": "UI of CSE",
    "version": "3.0.5",
    "license": "BSD-2-Clause",
    "link": "http://example.com",
    "tenant_scoped": True,
    "provider_scoped": True,
    "enabled": True,
}


def call(caller: RestCaller, method: str, path: str = "", body: Any = None) -> Answer:
    headers = {"accept": "application/json;version=35.0", "content-type": "application/json"}
    return caller.call(method, ROOT + path, "" if body is None else json.dumps(body), headers=headers)


def registered(administrator: RestCaller, **change: Any) -> dict[str, Any]:
    answer = call(administrator, "POST", body=PLUGIN | change)
    assert answer.status == 201, answer.body
    document: dict[str, Any] = json.loads(answer.body)
    return document


def names(caller: RestCaller) -> list[str]:
    return [one["pluginName"] for one in json.loads(call(caller, "GET").body)]


def test_a_plug_in_is_registered_once_changed_and_deleted(administrator: RestCaller) -> None:
    assert names(administrator) == []
    plugin = registered(administrator)
    assert plugin == PLUGIN | {"id": plugin["id"], "plugin_status": "unavailable"}
    again = call(administrator, "POST", body=PLUGIN)
    assert (again.status, json.loads(again.body)["minorErrorCode"]) == (400, "VCD_50012")
    path = f"/{plugin['id']}"
    assert json.loads(call(administrator, "PUT", path, PLUGIN | {"enabled": False}).body)["enabled"] is False
    registered(administrator, version="3.1.0")
    assert call(administrator, "PUT", path, PLUGIN | {"version": "3.1.0"}).status == 400
    assert call(administrator, "DELETE", path).status == 204
    assert call(administrator, "GET", path).status == 403
    assert names(administrator) == [PLUGIN["pluginName"]]


def test_a_plug_in_is_ready_when_its_file_has_come(administrator: RestCaller) -> None:
    path = f"/{registered(administrator)['id']}"
    begun = call(administrator, "POST", f"{path}/plugin", {"fileName": "plugin.zip", "size": 5})
    address, relation, kind = begun.headers["link"].split(";")
    assert (begun.status, relation, kind) == (204, 'rel="upload:default"', 'type="application/octet-stream"')
    target = address.strip("<>").removeprefix("https://vcd.test")
    assert target.endswith("/plugin.zip")
    assert administrator.call("PUT", target, "four").status == 400
    assert json.loads(call(administrator, "GET", path).body)["plugin_status"] == "unavailable"
    assert administrator.call("PUT", target, "fives").status == 200
    assert json.loads(call(administrator, "GET", path).body)["plugin_status"] == "ready"
    assert administrator.call("PUT", target, "fives").status >= 400
    assert call(administrator, "DELETE", f"{path}/plugin").status == 204
    assert json.loads(call(administrator, "GET", path).body)["plugin_status"] == "unavailable"


@pytest.mark.parametrize(
    "body",
    [{"fileName": "../etc/passwd", "size": 5}, {"fileName": "a.zip", "size": 0}, {"fileName": "a.zip"}, []],
    ids=["path", "empty", "no size", "a list"],
)
def test_an_upload_that_makes_no_sense_is_refused(administrator: RestCaller, body: Any) -> None:
    assert call(administrator, "POST", f"/{registered(administrator)['id']}/plugin", body).status == 400


def test_tenants_see_what_is_published_to_them(
    lab: LabCloud, administrator: RestCaller, alice: RestCaller, carol: RestCaller
) -> None:
    path = f"/{registered(administrator)['id']}"
    assert names(alice) == []
    tenants = [{"id": f"urn:vcloud:org:{lab.org('acme').id}"}]
    assert json.loads(call(administrator, "POST", f"{path}/tenants/publish", tenants).body)[0]["name"] == "acme"
    assert (names(alice), names(carol)) == ([PLUGIN["pluginName"]], [])
    assert call(carol, "GET", path).status == call(alice, "DELETE", path).status == 403
    call(administrator, "POST", f"{path}/tenants/publishAll")
    call(administrator, "POST", f"{path}/tenants/unpublish", tenants)
    assert (names(alice), names(carol)) == ([], [PLUGIN["pluginName"]])
    call(administrator, "POST", f"{path}/tenants/unpublishAll")
    assert names(carol) == []
