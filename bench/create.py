"""How long a cluster takes, beside what the simulated cloud itself needs for it (`make bench-create`).

The simulator plays a production site (profile `field`) faster than life. Its jitter is seeded, so that the same draws
give the *critical path* of each creation: composing the vApp, one recompose with all machines, the control plane's
boot and init (or a later boot), the slowest join, the last node that becomes Ready. What a creation takes beyond that
is ours: polls that come late, requests, tasks for metadata, CPU time. Fails if a bound is broken.

Polls are spread in proportion to the wait, so they cost the same share of the time at any speed. CPU time does not: a
second of the simulated cloud stands for a second of a real one, but has to be played in `--scale` seconds of this
machine, which has to play the cloud as well. So our own CPU time counts `1 / scale` times what it would count there.
The scale is the smallest at which that is not what is measured on two cores.
"""

import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from measure import Conditions, command_line, cpu_seconds, table, used_between, verdict
from stage import Stage

from vcd_simulator.latency import Latency

PROFILE = "field"
SIZES = (1, 2, 4, 8, 16, 32)
SCALE = 0.2
MOST_RATIO = 1.10
"""Of the time taken to the critical path, at every size; and of its growth from the smallest size to the largest."""
PATIENCE_S = 900.0


@dataclass(frozen=True)
class Result:
    """One creation. Seconds are the simulated cloud's, which are `1 / scale` times those of the clock."""

    workers: int
    path_s: float
    taken_s: float
    requests: int
    cpu_s: dict[str, float]

    @property
    def ratio(self) -> float:
        return self.taken_s / self.path_s

    def row(self) -> list[object]:
        cpu = "  ".join(f"{name} {self.cpu_s[name]:.1f}" for name in ("clusters", "simulator"))
        return [
            self.workers,
            f"{self.path_s:.1f}",
            f"{self.taken_s:.1f}",
            f"{self.taken_s - self.path_s:.1f}",
            f"{self.ratio:.3f}",
            self.requests,
            cpu,
        ]


def main() -> int:
    parser = command_line(__doc__)
    parser.add_argument("--workers", type=int, nargs="+", default=SIZES, help="sizes (default: 1 2 4 8 16 32)")
    parser.add_argument(
        "--scale", type=float, default=SCALE, help="seconds of the clock for one of the cloud (default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=4, help="decides the jitter (default: %(default)s)")
    options = parser.parse_args()
    conditions = Conditions()
    results = [create(workers, options.scale, options.seed) for workers in sorted(options.workers)]
    headings = ["workers", "path s", "taken s", "beyond s", "ratio", "requests", "CPU s of the clock"]
    print(table(headings, [result.row() for result in results]))
    print(f"a second of the simulated cloud is played in {options.scale:g} s")
    broken = list(broken_bounds(results))
    print(conditions)
    return verdict("bench-create", broken)


def create(workers: int, scale: float, seed: int) -> Result:
    """One creation on a site of its own, so that the draws of the jitter begin with it."""
    with Stage(profile=PROFILE, scale=scale, seed=seed) as stage:
        clusters = stage.cluster_manager()
        clusters.names()  # it has been in use: it is logged in, and knows the templates
        stage.reset_stats()
        before, began = cpu_seconds(stage.pids), time.perf_counter()
        clusters.ended(clusters.create("bench", workers=workers), PATIENCE_S)
        taken_s = time.perf_counter() - began
        used = used_between(before, cpu_seconds(stage.pids))
        totals = stage.stats()["totals"]
        requests = sum(totals.get(kind, 0) for kind in ("rest", "soap", "transfer"))
    return Result(workers, critical_path_s(workers, seed), taken_s / scale, requests, used)


def critical_path_s(workers: int, seed: int) -> float:
    """What the simulated cloud needs, from the draws that it makes itself, in the order in which it makes them."""
    latency = Latency.named(PROFILE, seed=seed)
    draw = latency.delay
    machines = 1 + workers
    compose_s = draw("task.queued") + draw("task.vdcComposeVapp")
    draw("task.queued")  # of the task that marks the vApp
    recompose_s = draw("task.queued") + draw("task.vdcRecomposeVapp")
    recompose_s += latency.together("vm.clone", machines) + latency.together("vm.power", machines)
    boots_s = [draw("guest.boot") for _ in range(machines)]
    control_plane_s = boots_s[0] + draw("guest.process.kubeadm-init")
    ready_s = [control_plane_s + draw("guest.process.node-ready")]
    control_plane_s += draw("guest.process.kubectl-apply")
    begun_s = sorted(max(boot_s, control_plane_s) for boot_s in boots_s[1:])
    joined_s = sorted(each + draw("guest.process.kubeadm-join") for each in begun_s)
    ready_s += [each + draw("guest.process.node-ready") for each in joined_s]
    return compose_s + recompose_s + max(ready_s)


def broken_bounds(results: Sequence[Result]) -> Iterator[str]:
    """What is worse than it may be, in sentences."""
    for each in results:
        if each.ratio > MOST_RATIO:
            yield f"{each.workers} workers: {each.ratio:.3f} times the critical path (at most {MOST_RATIO})"
    first, last = results[0], results[-1]
    needed_s = last.path_s - first.path_s
    if needed_s > 0.2 * first.path_s:  # less than that drowns in the jitter
        growth = (last.taken_s - first.taken_s) / needed_s
        told = f"from {first.workers} to {last.workers} workers: {growth:.3f} times the growth of the path"
        print(f"{told} (at most {MOST_RATIO})")
        if growth > MOST_RATIO:
            yield told


if __name__ == "__main__":
    sys.exit(main())
