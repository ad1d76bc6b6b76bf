import pytest

from vcd_simulator.rest.context import Context, Reply
from vcd_simulator.rest.routing import Router


def handler(_context: Context, **_parameters: str) -> Reply:
    return Reply()


@pytest.fixture
def router() -> Router:
    router = Router()
    router.get("/api/vApp/vapp-{vapp_id}")(handler)
    router.get("/api/vApp/vm-{vm_id}/metadata/{domain}/{key}")(handler)
    router.post("/api/vApp/vapp-{vapp_id}/action/deploy")(handler)
    router.get("/api/admin/extension/service/query")(handler)
    router.get("/api/admin/extension/service/{service_id}")(handler)
    router.delete("/api/admin/extension/service/{service_id}")(handler)
    return router


@pytest.mark.parametrize(
    ("path", "parameters"),
    [
        ("/api/vApp/vapp-1", {"vapp_id": "1"}),
        ("/api/vApp/vapp-1/", {"vapp_id": "1"}),
        ("/api/vApp/vm-1/metadata/SYSTEM/a%2Fb%20c", {"vm_id": "1", "domain": "SYSTEM", "key": "a/b c"}),
        ("/api/admin/extension/service/query", {}),
        ("/api/admin/extension/service/queries", {"service_id": "queries"}),
    ],
)
def test_paths_give_their_parameters(router: Router, path: str, parameters: dict[str, str]) -> None:
    match = router.find("GET", path)
    assert match is not None
    assert match.parameters == parameters


@pytest.mark.parametrize("path", ["/api/vApp/vapp-", "/api/vApp/vm-1", "/api/vApp", "/", "/api/vApp/vapp-1/x"])
def test_other_paths_lead_nowhere(router: Router, path: str) -> None:
    assert router.find("GET", path) is None


def test_the_methods_of_a_path_are_known(router: Router) -> None:
    assert router.find("GET", "/api/vApp/vapp-1/action/deploy") is None
    assert router.methods("/api/vApp/vapp-1/action/deploy") == ["POST"]
    assert router.methods("/nothing") == []


def test_what_is_fixed_hides_a_parameter_only_for_its_own_methods(router: Router) -> None:
    """A service may be called `query`; it is deleted all the same."""
    match = router.find("DELETE", "/api/admin/extension/service/query")
    assert match is not None
    assert match.parameters == {"service_id": "query"}
    assert {"DELETE", "GET"} <= set(router.methods("/api/admin/extension/service/query"))


def test_the_longest_fixed_beginning_wins() -> None:
    router = Router()
    router.get("/api/{anything}")(handler)
    router.get("/api/vapp-{vapp_id}")(handler)
    router.get("/api/vapp-{vapp_id}/owner")(handler)
    router.get("/api/{anything}/name")(handler)
    found = {path: router.find("GET", path) for path in ("/api/vapp-1", "/api/vm-1", "/api/vapp-1/name")}
    assert {path: match and match.parameters for path, match in found.items()} == {
        "/api/vapp-1": {"vapp_id": "1"},
        "/api/vm-1": {"anything": "vm-1"},
        "/api/vapp-1/name": {"anything": "vapp-1"},
    }


def test_a_route_exists_once_even_across_tables(router: Router) -> None:
    other = Router()
    other.get("/api/vApp/vapp-{vapp_id}")(handler)
    with pytest.raises(ValueError, match="twice"):
        router.include(other)


def test_another_name_for_a_parameter_makes_no_other_route(router: Router) -> None:
    """Otherwise one of the two would be there and never be found."""
    with pytest.raises(ValueError, match=r"/vapp-\{some_id\} is routed twice, the other time as .*/vapp-\{vapp_id\}"):
        router.get("/api/vApp/vapp-{some_id}")(handler)
    other = Router()
    other.get("/api/vApp/vapp-{some_id}")(handler)
    with pytest.raises(ValueError, match="twice"):
        router.include(other)


def test_every_route_has_its_own_names_for_what_is_at_one_place(router: Router) -> None:
    router.get("/api/vApp/vm-{vm_id}/metadata/{key}")(handler)
    router.put("/api/vApp/vm-{id}/metadata/{name}")(handler)
    found = {method: router.find(method, "/api/vApp/vm-1/metadata/x") for method in ("GET", "PUT")}
    assert {method: match and match.parameters for method, match in found.items()} == {
        "GET": {"vm_id": "1", "key": "x"},
        "PUT": {"id": "1", "name": "x"},
    }


@pytest.mark.parametrize("pattern", ["/api/{one}{two}", "/api/{one}-x", "/api/{one", "/api/{}", "/api/{a}/b/{a}"])
def test_impossible_patterns_are_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="at most one"):
        Router().get(pattern)(handler)


def test_a_handler_takes_what_its_path_gives() -> None:
    def narrow(_context: Context, vm_id: str) -> Reply:
        return Reply(content=vm_id.encode())

    router = Router()
    router.get("/api/vm-{vm_id}")(narrow)
    with pytest.raises(ValueError, match=r"/api/vapp-\{vapp_id\}: its handler does not take vapp_id"):
        router.get("/api/vapp-{vapp_id}")(narrow)


def test_only_coroutines_read_streams() -> None:
    with pytest.raises(ValueError, match="coroutine"):
        Router().put("/transfer/{name}", streams=True)(handler)


def test_tables_are_joined(router: Router) -> None:
    other = Router()
    other.get("/api/vApp/vapp-{vapp_id}/owner")(handler)
    router.include(other)
    match = router.find("GET", "/api/vApp/vapp-7/owner")
    assert match is not None
    assert match.parameters == {"vapp_id": "7"}
