"""Who calls. Each module has a site of its own, its fixture `vcd`."""

import pytest

from cse_testing.clusters.site import Metadata, Site


@pytest.fixture(scope="module")
def alice(vcd: Site) -> Metadata:
    """An administrator of org acme."""
    return vcd.login("alice", "acme", "alice-secret")


@pytest.fixture(scope="module")
def carol(vcd: Site) -> Metadata:
    """The same of org globex."""
    return vcd.login("carol", "globex", "carol-secret")


@pytest.fixture(scope="module")
def admin(vcd: Site) -> Metadata:
    """A system administrator."""
    return vcd.login("administrator", "System", "vcd-secret")
