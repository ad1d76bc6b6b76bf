import pytest

from vcd_simulator.rest.context import Context, Reply
from vcd_simulator.rest.routing import Router


def handler(_context: Context) -> Reply:
    return Reply()


@pytest.fixture
def router() -> Router:
    router = Router()
    router.get("/api/vApp/vapp-{vapp_id}")(handler)
    router.get("/api/vApp/vm-{vm_id}/metadata/{domain}/{key}")(handler)
    router.post("/api/vApp/vapp-{vapp_id}/action/deploy")(handler)
    router.get("/api/admin/extension/service/query")(handler)
    router.get("/api/admin/extension/service/{service_id}")(handler)
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


def test_a_route_exists_once_even_across_tables(router: Router) -> None:
    other = Router()
    other.get("/api/vApp/vapp-{vapp_id}")(handler)
    with pytest.raises(ValueError, match="twice"):
        router.include(other)


def test_tables_are_joined(router: Router) -> None:
    other = Router()
    other.get("/api/vApp/vapp-{vapp_id}/owner")(handler)
    router.include(other)
    match = router.find("GET", "/api/vApp/vapp-7/owner")
    assert match is not None
    assert match.parameters == {"vapp_id": "7"}
