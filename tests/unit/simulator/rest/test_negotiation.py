"""Versions, formats, errors: what every request goes through."""

import json

import pytest

from cse_testing.vcd_cloud import LabCloud, RestCaller
from vcd_simulator.rest.versions import SUPPORTED, ApiVersion, parse_accept

NEWEST_FIRST = ", ".join(reversed(SUPPORTED))
UNKNOWN = "/api/vApp/vapp-5d0e6a52-7b0f-4a0c-9d0a-6f2a3f5b9c11"


def test_versions_are_public_and_need_no_version(lab: LabCloud) -> None:
    answer = RestCaller(lab).get("/api/versions", accept="*/*")
    assert answer.status == 200
    listed = [info.findtext("{*}Version") for info in answer.xml]
    assert listed == list(SUPPORTED)
    assert {"27.0", "31.0", "36.0"} <= set(listed)
    assert {info.get("deprecated") for info in answer.xml} == {"false"}
    logins = {
        info.findtext("{*}Version"): (info.findtext("{*}LoginUrl"), info.findtext("{*}ProviderLoginUrl"))
        for info in answer.xml
    }
    assert logins["32.0"] == ("https://vcd.test/api/sessions", None)
    path = "https://vcd.test/cloudapi/1.0.0/sessions"
    assert logins["33.0"] == logins["36.0"] == (path, f"{path}/provider")


@pytest.mark.parametrize(
    ("accept", "text"),
    [
        ("application/*+xml;version=37.0", "header: Invalid API version requested"),
        ("application/*+xml;version=37.0.0-alpha", "header: Invalid API version requested"),
        ("application/*+xml;version=36.0.0-alpha", "header: Invalid API version requested"),
        ("application/*+xml;version=5.5", "header: Invalid API version requested"),
        ("application/*+xml;conversion=31.0", "header: "),
        ("*/*", "header: "),
        ("", "header: "),
    ],
)
@pytest.mark.parametrize("path", ["/api/session", "/cloudapi/1.0.0/sessions/current"])
def test_an_unsupported_or_missing_version_is_not_acceptable(
    alice: RestCaller, path: str, accept: str, text: str
) -> None:
    answer = alice.get(path, accept=accept)
    in_json = path.startswith("/cloudapi")
    fields = (
        json.loads(answer.body) if in_json else {str(name): str(value) for name, value in answer.xml.attrib.items()}
    )
    assert (answer.status, fields["minorErrorCode"]) == (406, "NOT_ACCEPTABLE")
    assert fields["message"].endswith(
        f"The request has invalid accept {text}. Supported API versions are: [{NEWEST_FIRST}]."
    )


def test_a_strange_accept_header_is_not_repeated(alice: RestCaller) -> None:
    answer = alice.get("/api/session", accept="a\x01<&>" + "x" * 5000)
    assert answer.status == 406
    assert b"xx" not in answer.body


@pytest.mark.parametrize(
    ("header", "version", "is_json"),
    [
        ("application/*+xml;version=31.0", "31.0", False),
        ("application/*+json;version=31.0", "31.0", True),
        ("application/json;version=36.0", "36.0", True),
        ("text/x-yaml;version=31.0", "31.0", False),
        ("*/*;version=33.0", "33.0", False),
        ("application/*+json;version=32.0, application/json;version=32.0", "32.0", True),
        ("application/vnd.vmware.vcloud.session+xml; VERSION=27.0", "27.0", False),
        ("image/png, application/*+xml;version=36.3", "36.3", False),
        ("*/*+xml;version=29.0", "29.0", False),
        ("application/*+json;version=36.0;multisite=global", "36.0", True),
        ('application/*+xml;version="30.0"', "30.0", False),
    ],
)
def test_accept_headers_of_all_shapes(header: str, version: str, is_json: bool) -> None:
    accepted = parse_accept(header)
    assert (str(accepted.version), accepted.json) == (version, is_json)


def test_versions_compare_as_numbers() -> None:
    assert ApiVersion.parse("9.0") < ApiVersion.parse("27.0") < ApiVersion.parse("36.0") < ApiVersion.parse("36.3")


def test_every_answer_has_a_request_id_of_its_own_which_errors_repeat(alice: RestCaller) -> None:
    first, second = alice.get(UNKNOWN), alice.get(UNKNOWN)
    ids = [answer.headers["x-vmware-vcloud-request-id"] for answer in (first, second)]
    assert ids[0] != ids[1]
    assert first.xml.get("message", "").startswith(f"[ {ids[0]} ] ")


def test_an_error_is_a_document_in_the_form_that_accept_asks_for(alice: RestCaller) -> None:
    as_xml = alice.get(UNKNOWN)
    assert as_xml.headers["content-type"] == "application/vnd.vmware.vcloud.error+xml;version=31.0"
    assert as_xml.xml.tag == "{http://www.vmware.com/vcloud/v1.5}Error"
    assert as_xml.xml.get("majorErrorCode") == "403"
    assert as_xml.xml.get("minorErrorCode") == "ACCESS_TO_RESOURCE_IS_FORBIDDEN"
    as_json = alice.get(UNKNOWN, accept="application/*+json;version=31.0")
    assert as_json.headers["content-type"] == "application/vnd.vmware.vcloud.error+json;version=31.0"
    fields = json.loads(as_json.body)
    assert (fields["majorErrorCode"], fields["minorErrorCode"]) == (403, "ACCESS_TO_RESOURCE_IS_FORBIDDEN")
    assert "5d0e6a52-7b0f-4a0c-9d0a-6f2a3f5b9c11" in fields["message"]


def test_without_a_session_the_answer_is_401_without_a_body(lab: LabCloud) -> None:
    answer = RestCaller(lab).get("/api/session")
    assert (answer.status, answer.body) == (401, b"")
    assert "content-type" not in answer.headers


def test_the_cloudapi_has_errors_of_its_own_form(lab: LabCloud) -> None:
    answer = RestCaller(lab).call(
        "POST", "/cloudapi/1.0.0/sessions", headers={"accept": "application/json;version=36.0"}
    )
    assert answer.status == 401
    assert json.loads(answer.body)["minorErrorCode"] == "NOT_AUTHENTICATED"
    assert answer.headers["content-type"] == "application/json;version=36.0"


def test_the_cloudapi_says_which_version_it_answers_in(alice: RestCaller) -> None:
    answer = alice.get("/cloudapi/1.0.0/sessions/current", accept="application/json;version=34.0")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json;version=34.0")


def test_a_known_path_with_another_method_says_which_there_are(alice: RestCaller) -> None:
    answer = alice.put("/api/session", "<x/>")
    assert answer.status == 405
    assert "DELETE, GET" in answer.xml.get("message", "")


def test_methods_that_a_path_knows_are_told(alice: RestCaller) -> None:
    for method, status in (("OPTIONS", 200), ("PUT", 405), ("OPTIONS", 200)):
        answer = alice.call(method, "/api/session", "<x/>")
        assert (answer.status, answer.headers["allow"]) == (status, "DELETE, GET, HEAD, OPTIONS")
    assert alice.call("OPTIONS", "/api/nothing/here").status == 404
    assert RestCaller(alice.lab).call("OPTIONS", "/api/session").status == 401


def test_head_says_what_get_would(alice: RestCaller) -> None:
    head, get = (alice.call(method, "/api/org") for method in ("HEAD", "GET"))
    assert (head.status, head.headers["content-type"]) == (200, get.headers["content-type"])
    assert head.headers["content-length"] == get.headers["content-length"]
    assert alice.call("HEAD", UNKNOWN).status == 403
    assert alice.call("HEAD", "/api/tasksList/x/y").status == 404


def test_a_login_sets_a_cookie_that_opens_the_session(lab: LabCloud) -> None:
    caller = RestCaller(lab)
    basic = {"authorization": "Basic YWxpY2VAYWNtZTphbGljZS1zZWNyZXQ="}
    as_json = {"accept": "application/json;version=36.0"}
    for path, extra in (("/api/sessions", {}), ("/cloudapi/1.0.0/sessions", as_json)):
        cookie, _, attributes = caller.call("POST", path, headers=basic | extra).headers["set-cookie"].partition(";")
        assert attributes == " Path=/; Secure; HttpOnly"
        assert caller.get("/api/session", cookie=f"a=b; {cookie}").xml.get("user") == "alice"
        assert "set-cookie" not in caller.get("/api/session", cookie=cookie).headers
        wrong = {"x-vcloud-authorization": "somebody else's"}
        assert caller.call("GET", "/api/session", headers={"cookie": cookie} | wrong).status == 401
        assert caller.call("DELETE", "/api/session", headers={"cookie": cookie}).status == 204
        assert caller.get("/api/session", cookie=cookie).status == 401


def test_an_unknown_path_is_not_found_or_for_json_not_acceptable(alice: RestCaller) -> None:
    assert alice.get("/api/cse").status == 404
    assert alice.get("/api/cse", accept="application/*+json;version=31.0").status == 406


def test_documents_come_as_json_too(alice: RestCaller) -> None:
    answer = alice.get("/api/session", accept="application/*+json;version=31.0")
    assert answer.headers["content-type"] == "application/vnd.vmware.vcloud.session+json;version=31.0"
    fields = json.loads(answer.body)
    assert (fields["org"], fields["user"]) == ("acme", "alice")
    assert {"down"} <= {link["rel"] for link in fields["link"]}


@pytest.mark.parametrize(
    "body",
    [
        "",
        "not xml",
        "<unclosed>",
        "<Wrong/>",
        '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><ComposeVAppParams name="&e;"/>',
        '<!DOCTYPE x [<!ENTITY a "aa"><!ENTITY b "&a;&a;&a;">]><ComposeVAppParams name="x">&b;</ComposeVAppParams>',
    ],
)
def test_bodies_that_make_no_sense_or_are_attacks_are_refused(lab: LabCloud, alice: RestCaller, body: str) -> None:
    answer = alice.post(f"/api/vdc/{lab.vdc().id}/action/composeVApp", body)
    assert answer.status == 400
    assert "root:" not in answer.xml.get("message", "")
    assert len(lab.cloud.vapps) == 0


def test_a_defect_is_an_error_document_too(alice: RestCaller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alice.lab.cloud, "vdcs", None)
    answer = alice.get("/api/vdc/5d0e6a52-7b0f-4a0c-9d0a-6f2a3f5b9c11")
    assert answer.status == 500
    assert answer.xml.get("minorErrorCode") == "INTERNAL_SERVER_ERROR"
    assert "Traceback" not in answer.body.decode()


@pytest.mark.parametrize("accept", ["text/html;version=31.0", "text/x-yaml;version=36.0", "image/png;version=33.0"])
def test_formats_that_the_cloud_does_not_have_are_not_acceptable(alice: RestCaller, accept: str) -> None:
    answer = alice.get("/api/session", accept=accept)
    assert (answer.status, answer.xml.get("minorErrorCode")) == (406, "NOT_ACCEPTABLE")


@pytest.mark.parametrize(
    "accept", ["*/*;version=31.0", "*;version=31.0", "text/xml;version=31.0", "application/xml;version=31.0"]
)
def test_formats_that_mean_xml_are_answered_in_it(alice: RestCaller, accept: str) -> None:
    assert alice.get("/api/session", accept=accept).xml.get("user") == "alice"


def test_a_request_id_begins_with_the_client_s_own(alice: RestCaller) -> None:
    def request_id(stated: str) -> str:
        answer = alice.call("GET", UNKNOWN, headers={"x-vmware-vcloud-client-request-id": stated})
        found = answer.headers["x-vmware-vcloud-request-id"]
        assert answer.xml.get("message", "").startswith(f"[ {found} ] ")
        return found

    assert request_id("my-request-22").startswith("my-request-22-")
    assert len(request_id("x" * 500)) == 128 + 37
    assert len(request_id("<script> ")) == 36, "one that is not made of letters, digits and hyphens is ignored"


def test_answers_say_how_long_they_took(alice: RestCaller) -> None:
    assert int(alice.get("/api/session").headers["x-vmware-vcloud-request-execution-time"]) >= 0


@pytest.mark.parametrize("accept", ["application/*+xml;version=31.0", "application/*+json;version=36.2"])
@pytest.mark.parametrize(
    ("method", "path", "body", "status", "minor"),
    [
        ("GET", UNKNOWN, "", 403, "ACCESS_TO_RESOURCE_IS_FORBIDDEN"),
        ("GET", "/api/nothing/here", "", None, None),
        ("PATCH", "/api/session", "", 405, "METHOD_NOT_ALLOWED"),
        ("POST", "/api/admin/orgs", "<AdminOrg/>", 403, "ACCESS_TO_RESOURCE_IS_FORBIDDEN"),
        ("GET", "/api/query?type=nonsense", "", 400, "BAD_REQUEST"),
        ("GET", "/api/query?type=vApp&filter=((", "", 400, "BAD_REQUEST"),
        ("POST", "/api/admin/org/{org}/users", "<User/>", 400, "BAD_REQUEST"),
        ("POST", "/api/admin/org/{org}/users", "<Role/>", 400, "BAD_REQUEST"),
        ("POST", "/api/task/{task}/action/cancel", "", 400, "OPERATION_DENIED"),
        ("POST", "/api/vdc/{vdc}/action/composeVApp", '<ComposeVAppParams name="taken"/>', 400, "DUPLICATE_NAME"),
    ],
    ids=["unknown", "nowhere", "method", "forbidden", "type", "filter", "incomplete", "other", "over", "taken"],
)  # fmt: skip
def test_every_refusal_has_its_codes_in_the_form_that_was_asked_for(
    lab: LabCloud, alice: RestCaller, accept: str, method: str, path: str, body: str, status: int | None, minor: str
) -> None:
    lab.vapp("taken")
    task = next(iter(lab.cloud.tasks.tasks))
    address = path.format(org=lab.org("acme").id, vdc=lab.vdc().id, task=task.id)
    answer = alice.call(method, address, body, headers={"accept": accept, "content-type": "application/*+xml"})
    as_json = "json" in accept
    expected = (
        (status, minor) if status is not None else ((406, "NOT_ACCEPTABLE") if as_json else (404, "RESOURCE_NOT_FOUND"))
    )
    fields = (
        json.loads(answer.body) if as_json else {str(name): str(value) for name, value in answer.xml.attrib.items()}
    )
    assert (answer.status, fields["minorErrorCode"]) == expected
    assert str(fields["majorErrorCode"]) == str(expected[0])
    assert fields["message"].startswith(f"[ {answer.headers['x-vmware-vcloud-request-id']} ] ")
    assert answer.headers["content-type"].startswith(
        f"application/vnd.vmware.vcloud.error+{'json' if as_json else 'xml'};"
    )
