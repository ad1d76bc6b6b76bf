import pytest

from cse_testing.vcd_cloud import LabCloud, RestCaller


@pytest.fixture
def lab() -> LabCloud:
    return LabCloud()


@pytest.fixture
def alice(lab: LabCloud) -> RestCaller:
    """An organisation administrator of acme."""
    return RestCaller(lab).login("alice", "acme")


@pytest.fixture
def bob(lab: LabCloud) -> RestCaller:
    """A vApp author of acme."""
    return RestCaller(lab).login("bob", "acme")


@pytest.fixture
def carol(lab: LabCloud) -> RestCaller:
    """An organisation administrator of globex."""
    return RestCaller(lab).login("carol", "globex")


@pytest.fixture
def administrator(lab: LabCloud) -> RestCaller:
    return RestCaller(lab).login("administrator", "System")
