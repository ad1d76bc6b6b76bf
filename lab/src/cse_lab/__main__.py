"""The lab's command line, behind `make up`, `make down`, `make status` and `make demo`.

    python -m cse_lab up       start RabbitMQ, the simulator and the services; write .lab/lab.env
    python -m cse_lab status   say what runs
    python -m cse_lab demo     start the lab unless it runs, and walk through CSE with the real vcd-cli
    python -m cse_lab down     end what `up` started

Read from the environment: LAB_DIR (.lab), LAB_PROFILE (instant, lab, field or a file), LAB_SERVICES (yes, no),
LAB_VCENTER_LISTEN (host:port).
"""

import argparse
import sys

from cse_lab.demo import main_walk
from cse_lab.lab import broker_of, down, running, up
from cse_lab.processes import LabError
from cse_lab.settings import LabSettings
from cse_lab.state import LabState


def main() -> None:
    """Run one command; the exit code is 0 on success, 1 on failure, 2 for misuse."""
    parser = argparse.ArgumentParser(
        prog="cse_lab", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", choices=["up", "down", "status", "demo"])
    command = parser.parse_args().command
    try:
        settings = LabSettings.from_environment()
        code = {"up": _up, "down": _down, "status": _status, "demo": _demo}[command](settings)
    except LabError as exc:
        print(f"lab: {exc}", file=sys.stderr)
        code = 1
    except KeyboardInterrupt:
        print("lab: interrupted", file=sys.stderr)
        code = 130
    sys.exit(code)


def _up(settings: LabSettings) -> int:
    state = up(settings)
    lab = state.variables
    print(f"The lab is up: vCD at https://{lab['LAB_VCD']}, tenant {lab['LAB_TENANT']} of {lab['LAB_ORG']}.")
    print(f"Variables: . {state.env_file}    vcd-cli: {lab['LAB_VCD_CLI']}    end: make down")
    return 0


def _down(settings: LabSettings) -> int:
    print("The lab has ended." if down(settings.directory) else "No lab was running.")
    return 0


def _status(settings: LabSettings) -> int:
    state = LabState.load(settings.directory)
    if state is None:
        print("No lab is running.")
        return 1
    pid = broker_of(settings.directory).pid
    print(f"{'rabbitmq':12} {f'pid {pid}' if pid else 'ended'}")
    for name, process in state.processes.items():
        print(f"{name:12} {f'pid {process.pid}' if process.alive else 'ended'}    {state.log(name)}")
    return 0 if running(settings.directory) else 1


def _demo(settings: LabSettings) -> int:
    state = running(settings.directory)
    if state is not None and "LAB_CLUSTERS_GRPC" not in state.variables:
        raise LabError("the running lab has no services (LAB_SERVICES=no); `make down` ends it")
    return main_walk(state or up(settings))


if __name__ == "__main__":
    main()
