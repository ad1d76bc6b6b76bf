"""Starting and ending the lab: RabbitMQ, the simulator, the three services, each a process of its own on loopback."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from cse_lab.configuration import CATALOG, EXCHANGE, ROUTING_KEY, lab_config
from cse_lab.health import extension_answers, is_serving
from cse_lab.landscape import Landscape, default_inventory
from cse_lab.ports import free_port
from cse_lab.processes import LabError, ServerProcess, tail, wait_until
from cse_lab.rabbitmq import PrivateRabbitMQ
from cse_lab.settings import LabSettings, program
from cse_lab.state import LabState, exclusive, write_env, write_private
from cse_lab.vcd_cli import prepare_vcd_cli

_START_TIMEOUT_S = 180.0
_INSTALL_TIMEOUT_S = 300.0
_HOST = "127.0.0.1"


def up(settings: LabSettings) -> LabState:
    """Start the lab and wait until all of it works.

    Raises:
        LabError: a lab runs there already, or something did not start; then everything is ended again and the message
            holds the end of the log of what failed.
    """
    with exclusive(settings.directory):
        _refuse_beside_running(settings.directory)
        _clear(settings.directory)
        starter = _Starter(settings)
        try:
            starter.run()
        except BaseException:
            _end(starter.state)
            raise
        return starter.state


def down(directory: Path) -> bool:
    """End what `up` started in `directory`, and nothing else; False when there was nothing to end."""
    if not directory.is_dir():
        return False
    with exclusive(directory):
        state = LabState.load(directory)
        if state is None:
            return False
        return _end(state)


def running(directory: Path) -> LabState | None:
    """The lab in `directory` if all its processes run."""
    state = LabState.load(directory)
    if state is None or not state.ready or broker_of(directory).pid is None:
        return None
    return state if all(process.alive for process in state.processes.values()) else None


def broker_of(directory: Path) -> PrivateRabbitMQ:
    """The lab's RabbitMQ, to look at, to kill and to start again."""
    return PrivateRabbitMQ(directory / "rabbitmq")


def _refuse_beside_running(directory: Path) -> None:
    state = LabState.load(directory)
    if state is None:
        return
    alive = [name for name, process in state.processes.items() if process.alive]
    if broker_of(directory).pid is not None:
        alive.insert(0, "rabbitmq")
    ended = sorted({"rabbitmq", *state.processes} - set(alive))
    if alive and state.ready and ended:
        raise LabError(f"of the lab that runs here, {', '.join(ended)} ended: run `make down`, then `make up` again")
    if alive and state.ready:
        where = f"vCD answers at https://{state.variables.get('LAB_VCD', '?')}"
        raise LabError(f"the lab runs already: {where}, its variables are in {state.env_file}; `make down` ends it")
    if alive:
        raise LabError(f"an earlier start was cut short and left {', '.join(alive)} running: run `make down` first")
    _say("the processes of the lab before are gone; starting a new one")


def _clear(directory: Path) -> None:
    for name in ("rabbitmq", "logs", "run", "home", "cse-state"):
        shutil.rmtree(directory / name, ignore_errors=True)
        (directory / name).mkdir(mode=0o700)


def _end(state: LabState) -> bool:
    """Stop everything in the reverse order of its start; says whether anything ran."""
    ran = False
    for process in reversed(state.processes.values()):
        ran = process.alive or ran
        process.terminate()
    broker = broker_of(state.directory)
    ran = broker.pid is not None or ran
    broker.stop()
    state.forget()
    return ran


class _Starter:
    """One start of a lab, step by step; `state` always says what runs so far."""

    def __init__(self, settings: LabSettings) -> None:
        self._settings = settings
        self._began = time.monotonic()
        self._directory = settings.directory
        self._run = settings.directory / "run"
        self._config = settings.directory / "config.yaml"
        self._broker = broker_of(settings.directory)
        self.state = LabState(directory=settings.directory)

    def run(self) -> None:
        self.state.save()
        landscape = self._start_surroundings()
        if self._settings.services:
            self._start_services(landscape)
        prepare_vcd_cli(self._directory)
        self.state.variables |= self._process_variables()
        write_env(self.state.env_file, self.state.variables)
        self.state.ready = True
        self.state.save()

    def _start_surroundings(self) -> Landscape:
        """RabbitMQ and the simulator, side by side."""
        inventory = default_inventory()
        write_private(self._run / "inventory.yaml", inventory)
        landscape = Landscape.parse(inventory)
        ready_file = self._run / "simulator.json"
        vcd = f"{_HOST}:{free_port(_HOST)}"
        vcenter = self._settings.vcenter_listen or f"{_HOST}:{free_port(_HOST)}"
        with ThreadPoolExecutor(1) as pool:
            broker = pool.submit(self._broker.start)
            self._start(
                "simulator",
                [
                    *(program("vcd-simulator"), "serve", "--listen", vcd, "--vcenter-listen", vcenter),
                    *("--profile", self._settings.profile, "--inventory", str(self._run / "inventory.yaml")),
                    *("--extension-timeout", str(self._settings.extension_timeout_s)),
                    *("--ready-file", str(ready_file)),
                ],
                {"VCD_SIMULATOR_AMQP": self._broker.url},  # not an argument, because everybody sees those
            )
            broker.result()
        self._report(f"RabbitMQ is ready at {self._broker.host}:{self._broker.port}")
        self._wait("simulator", "the simulator to listen", ready_file.exists)
        self._report(f"vCD is ready at https://{vcd}, its vCenter at https://{vcenter}")
        config = lab_config(
            landscape,
            vcd=vcd,
            amqp_host=self._broker.host,
            amqp_port=self._broker.port,
            amqp_user=self._broker.user,
            amqp_password=self._broker.password,
            complete=not self._settings.services,
        )
        write_private(self._config, config)
        self.state.variables = {
            "LAB_VCD": vcd,
            "LAB_SYSADMIN": landscape.sysadmin.name,
            "LAB_SYSADMIN_PASSWORD": landscape.sysadmin.password,
            **landscape.tenants[0].variables("LAB_"),
            **landscape.tenants[1].variables("LAB2_"),
            "LAB_PROVIDER_ORG": landscape.provider.org,
            "LAB_CATALOG": CATALOG,
            "LAB_VCENTER": vcenter,
            "LAB_AMQP": self._broker.url,
            "LAB_EXCHANGE": EXCHANGE,
            "LAB_ROUTING_KEY": ROUTING_KEY,
            "LAB_CONFIG": str(self._config),
        }
        return landscape

    def _start_services(self, landscape: Landscape) -> None:
        targets = {name: f"{_HOST}:{free_port(_HOST)}" for name in ("templates", "clusters", "gateway")}
        addresses = {
            "CSE_TEMPLATES_LISTEN": targets["templates"],
            "CSE_TEMPLATES_TARGET": targets["templates"],
            "CSE_CLUSTERS_LISTEN": targets["clusters"],
            "CSE_CLUSTERS_TARGET": targets["clusters"],
            "CSE_GATEWAY_LISTEN": targets["gateway"],
            "CSE_GATEWAY_EXTENSION_TIMEOUT_S": str(self._settings.extension_timeout_s),
        }
        self._start("templates", [program("cse-templates")], addresses)
        self._start("clusters", [program("cse-clusters")], addresses)
        self._install()
        self._start("gateway", [program("cse-gateway")], addresses)
        for name, target in targets.items():
            self._wait(name, f"{name} to serve", lambda target=target: is_serving(target))  # type: ignore[misc]
            self._report(f"{name} serves gRPC at {target}")
        vcd, sysadmin = self.state.variables["LAB_VCD"], landscape.sysadmin
        self._wait(
            "gateway",
            "GET /api/cse/system through vCD to be answered",
            lambda: extension_answers(vcd, user=sysadmin.name, org="System", password=sysadmin.password),
        )
        self._report("CSE answers through vCD")
        self.state.variables |= {
            "LAB_CLUSTERS_GRPC": targets["clusters"],
            "LAB_TEMPLATES_GRPC": targets["templates"],
            "LAB_GATEWAY_GRPC": targets["gateway"],
        }

    def _install(self) -> None:
        command = [program("cse"), "install", "-c", str(self._config), "-e", "config"]
        log = self.state.log("install")
        with log.open("wb") as output:
            try:
                done = subprocess.run(
                    command,
                    check=False,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    env=self._environment({}),
                    cwd=self._run,
                    timeout=_INSTALL_TIMEOUT_S,
                )
            except subprocess.TimeoutExpired as exc:
                raise LabError(_failure(f"`cse install` took over {_INSTALL_TIMEOUT_S:.0f} s", log)) from exc
        if done.returncode != 0:
            raise LabError(_failure(f"`cse install` failed with exit code {done.returncode}", log))
        self._report("cse install is done")

    def _start(self, name: str, command: list[str], variables: Mapping[str, str] | None = None) -> None:
        self.state.processes[name] = ServerProcess.start(
            command, log=self.state.log(name), environment=self._environment(variables or {}), directory=self._run
        )
        self.state.save()

    def _environment(self, variables: Mapping[str, str]) -> dict[str, str]:
        """Our own environment without what could lead a client away from loopback or a service to other settings."""
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.lower().endswith("_proxy") and not name.startswith("CSE_")
        }
        scripts = str(Path(sys.executable).parent)
        return inherited | {
            "PATH": os.pathsep.join([scripts, inherited.get("PATH", os.defpath)]),
            "PYTHONUNBUFFERED": "1",
            "CSE_CONFIG": str(self._config),
            **variables,
        }

    def _wait(self, name: str, what: str, condition: Callable[[], bool]) -> None:
        process = self.state.processes[name]
        wait_until(lambda: not process.alive or condition(), timeout_s=_START_TIMEOUT_S)
        if not process.alive:
            raise LabError(_failure(f"{name} ended while the lab waited for {what}", self.state.log(name)))
        if not condition():
            raise LabError(
                _failure(f"the lab waited {_START_TIMEOUT_S:.0f} s in vain for {what}", self.state.log(name))
            )

    def _process_variables(self) -> dict[str, str]:
        pids = {"rabbitmq": self._broker.pid or 0} | {name: proc.pid for name, proc in self.state.processes.items()}
        logs = {"rabbitmq": self._broker.log} | {name: self.state.log(name) for name in self.state.processes}
        return {
            "LAB_DIR": str(self._directory),
            "LAB_VCD_CLI": str(self._directory / "vcd"),
            **{f"LAB_PID_{name.upper()}": str(pid) for name, pid in pids.items()},
            **{f"LAB_LOG_{name.upper()}": str(log) for name, log in logs.items()},
        }

    def _report(self, text: str) -> None:
        _say(f"{time.monotonic() - self._began:5.1f} s  {text}")


def _failure(what: str, log: Path) -> str:
    return f"{what}; {log} ends with\n{tail(log) or '    (nothing)'}"


def _say(text: str) -> None:
    print(f"lab: {text}", file=sys.stderr, flush=True)
