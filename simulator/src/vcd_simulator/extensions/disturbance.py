"""What is noted about messages, and what faults do to them."""

import asyncio
from dataclasses import dataclass

from vcd_simulator.faults import Drop, Duplicate, Faults, Injection, Place
from vcd_simulator.stats import Stats


@dataclass(frozen=True)
class Disturbance:
    """Faults and counters of all cells."""

    faults: Faults
    stats: Stats

    async def requests(self, service: str, path: str) -> int:
        """Hold a request up; returns how often it is to be sent."""
        injection = self.faults.decide(Place.MESSAGE, message="request", service=service, route=path)
        self.stats.count("message", f"request {service}", failed=isinstance(injection.error, Drop))
        await asyncio.sleep(injection.delay_s)
        return _copies(injection)

    def replies(self, service: str) -> tuple[float, int]:
        """After how many seconds, and how often, a reply arrives."""
        injection = self.faults.decide(Place.MESSAGE, message="reply", service=service)
        self.stats.count("message", f"reply {service}", failed=isinstance(injection.error, Drop))
        return injection.delay_s, _copies(injection)


def _copies(injection: Injection) -> int:
    if isinstance(injection.error, Drop):
        return 0
    return 1 + injection.error.copies if isinstance(injection.error, Duplicate) else 1
