"""Running all checks: the broker and vCD side by side, none kept from running by another that failed."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from cse_cli.checks.amqp import check_amqp
from cse_cli.checks.file import Usable, check_file, check_templates
from cse_cli.checks.installation import check_catalog, check_extension
from cse_cli.checks.result import Announce, Result, Results, failed, skipped
from cse_cli.checks.vcd import VcdCheckError, administrator, check_broker, check_vcd, check_vcenters
from cse_core.config import Config, TemplateConfig, VcdConfig
from cse_core.errors import CseError
from cse_core.settings import SettingsError
from cse_core.tls import check_authorities
from cse_vcd.session import VcdSession


@dataclass(frozen=True, kw_only=True)
class Report:
    """Everything that was looked at."""

    results: list[Result]
    config: Config | None
    """The configuration, if the file can be used."""

    @property
    def is_good(self) -> bool:
        return not any(result.outcome in ("failed", "skipped") for result in self.results)


def run_checks(path: Path, *, installed: bool, template: str | None, say: Announce) -> Report:
    """Looks at everything that the file names.

    Args:
        path: the configuration file.
        installed: whether `cse install` is supposed to have been run.
        template: the only template whose catalog item is looked for; None means all.
        say: is told what comes next.
    """
    say(f"checking {path}")
    usable = check_file(path)
    results = list(usable.results)
    if usable.config is not None:
        results += check_templates(usable.config)
    try:
        check_authorities(needed=usable.verifies)
    except SettingsError as exc:
        results += _without_authorities(exc)
        return Report(results=results, config=usable.config)
    with ThreadPoolExecutor(2) as pool:
        parts = [
            pool.submit(_check_amqp, usable, installed=installed, say=say),
            pool.submit(_check_vcd, usable, installed=installed, template=template, say=say),
        ]
        for part in parts:
            results += part.result()
    return Report(results=results, config=usable.config)


def _without_authorities(problem: SettingsError) -> Results:
    variable, _, message = str(problem).partition(": ")
    yield failed(variable, message, "name a file with certificates in PEM form; see docs/cli.md on certificates")
    for subject in ("amqp", "vcd", "vcs", "broker"):
        yield skipped(subject, f"not tried, since {variable} cannot be used")


def _check_amqp(usable: Usable, *, installed: bool, say: Announce) -> list[Result]:
    if usable.amqp is None:
        return [skipped("amqp", "not tried, since the section cannot be used")]
    say(f"checking RabbitMQ at {usable.amqp.host}:{usable.amqp.port}")
    return list(check_amqp(usable.amqp, installed=installed))


def _check_vcd(usable: Usable, *, installed: bool, template: str | None, say: Announce) -> list[Result]:
    if usable.vcd is None:
        return [skipped("vcd", "not tried, since the section cannot be used")]
    say(f"checking vCloud Director at {usable.vcd.host}:{usable.vcd.port}")
    try:
        with administrator(usable.vcd) as session:
            return list(_with_session(usable, usable.vcd, session, installed=installed, template=template, say=say))
    except VcdCheckError as exc:
        return [
            exc.result,
            skipped("vcs", "not tried, since vCD cannot be asked"),
            skipped("broker", "not looked for, since vCD cannot be asked"),
        ]


def _with_session(
    usable: Usable, vcd: VcdConfig, session: VcdSession, *, installed: bool, template: str | None, say: Announce
) -> Iterator[Result]:
    yield from _guarded("vcd", lambda: check_vcd(vcd, session))
    if (vcs := usable.vcs) is None:
        yield skipped("vcs", "not tried, since the section cannot be used")
    else:
        say("checking vCenters")
        yield from _guarded("vcs", lambda: check_vcenters(vcs, session))
    if (broker := usable.broker) is None:
        yield skipped("broker", "not looked for, since the section cannot be used")
        return
    say("checking org, VDC and network")
    yield from _guarded("broker", lambda: check_broker(broker, session))
    if (chosen := _chosen(broker.templates, template)) is None:
        names = ", ".join(each.name for each in broker.templates)
        yield failed("--template", f"no template {template!r} is in broker.templates", f"name one of them: {names}")
        chosen = []
    if not installed:
        return
    say("checking what was installed")
    if (amqp := usable.amqp) is not None:
        yield from _guarded("extension", lambda: check_extension(amqp, session))
    yield from _guarded("broker.catalog", lambda: check_catalog(broker, chosen, session))


def _chosen(templates: Sequence[TemplateConfig], name: str | None) -> list[TemplateConfig] | None:
    if name in (None, "*"):
        return list(templates)
    return [template for template in templates if template.name == name] or None


def _guarded(subject: str, check: Callable[[], Results]) -> Results:
    """What vCD refuses beyond what a check foresees is a finding of its own."""
    try:
        yield from check()
    except CseError as exc:
        yield failed(subject, exc.message, "see the message; the account of `vcd` may lack a right")
