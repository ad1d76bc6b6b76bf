"""What has happened so far, for logs now and metrics later."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass(kw_only=True)
class Counters:
    """Numbers that only grow, but for `in_flight`. Belongs to one event loop."""

    received: int = 0
    redelivered: int = 0
    in_flight: int = 0
    late: int = 0
    """Requests whose user had been told of a timeout before we began."""
    late_replies: int = 0
    """Replies that were not sent because their time was over."""
    dead_lettered: int = 0
    unconfirmed: int = 0
    """Replies that the broker did not confirm."""
    connections: int = 0
    replies: Counter[tuple[str, int]] = field(default_factory=Counter)
    """By route and status."""

    def answered(self, route: str, status: int) -> None:
        self.replies[route, status] += 1

    def snapshot(self) -> dict[str, object]:
        """The numbers for a log line; replies are summed up by status."""
        by_status: Counter[str] = Counter()
        for (_, status), count in self.replies.items():
            by_status[str(status)] += count
        numbers = {name: value for name, value in vars(self).items() if isinstance(value, int)}
        return {**numbers, "replies": dict(by_status)}
