"""Simulated guests of the templates' images."""

from collections.abc import Callable, Iterator

import pytest

from cse_templates.adapters.directories import TemplateDirectories, builtin_directory
from cse_templates.domain.template import Scripts
from cse_testing.guests import Machine
from vcd_simulator.guests import GuestSpec, Hypervisor
from vcd_simulator.latency import Latency

IMAGES = {"photon-v2": "photon", "ubuntu-16.04": "ubuntu"}
"""The simulator's images that stand for templates that were built; with `-base`, for what they are built from."""

Boot = Callable[..., Machine]


@pytest.fixture
def hypervisor() -> Iterator[Hypervisor]:
    running = Hypervisor(Latency.named("instant"))
    yield running
    running.close()


@pytest.fixture
def boot(hypervisor: Hypervisor) -> Boot:
    """Boots a guest; all share one network."""

    def start(name: str, address: str, image: str) -> Machine:
        hypervisor.create(name, image, "vc1")
        spec = GuestSpec(name=name, computer_name=name, ip_addresses=(address,), cpu_count=2, memory_mb=2048)
        hypervisor.power_on(name, spec)
        return Machine(hypervisor, name, image)

    return start


@pytest.fixture(params=sorted(IMAGES))
def template(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def image(template: str) -> str:
    return IMAGES[template]


@pytest.fixture
def scripts(template: str) -> Scripts:
    return TemplateDirectories([builtin_directory()]).read([template])[template].scripts
