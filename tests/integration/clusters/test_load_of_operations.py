"""What operations say of the requests that they cost, beside what the simulator has counted."""

from collections.abc import Iterator

import pytest
import structlog

from cse_testing.clusters.site import Metadata, Site, site


@pytest.fixture(scope="module")
def vcd() -> Iterator[Site]:
    with site() as running:
        yield running


def test_an_operation_says_in_the_log_how_many_requests_it_has_sent(vcd: Site, alice: Metadata) -> None:
    rest, everything = vcd.vcd.stats.total("rest"), vcd.vcd.stats.total()
    with structlog.testing.capture_logs() as lines:
        vcd.resulting(vcd.create(alice, "demo", workers=1), alice)
    rest, everything = vcd.vcd.stats.total("rest") - rest, vcd.vcd.stats.total() - everything
    (told,) = (line for line in lines if line["event"] == "operation_load")
    assert told["kind"] == "CREATE_CLUSTER"
    assert 5 < told["vcd"] < rest  # the others were sent to accept it, and while this test waits
    assert 5 < told["vcenter"] < everything - rest  # the others ask for all guests that boot
