"""The configuration file: readable by its owner only, well-formed, complete; and the templates it offers."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError

from cse_cli.checks.result import Result, Results, failed, ok, warning
from cse_core.config import (
    AmqpConfig,
    BrokerConfig,
    Config,
    ConfigError,
    Finding,
    Section,
    VcdConfig,
    VcenterConfig,
    load_config,
)
from cse_core.findings import UniqueKeyLoader
from cse_core.settings import SettingsError
from cse_templates.bootstrap import load_catalogue
from cse_templates.domain.catalogue import CatalogueError
from cse_templates.settings import TemplatesSettings

S = TypeVar("S", bound=Section)

_SAMPLE = "`cse sample` shows how"


@dataclass(frozen=True, kw_only=True)
class Usable:
    """What can be used of a file: all of it, or the sections that are right by themselves."""

    config: Config | None = None
    amqp: AmqpConfig | None = None
    vcd: VcdConfig | None = None
    vcs: list[VcenterConfig] | None = None
    broker: BrokerConfig | None = None
    results: list[Result] = field(default_factory=list)

    @property
    def verifies(self) -> bool:
        """Whether any certificate is checked."""
        return (
            (self.amqp is not None and self.amqp.ssl and not self.amqp.ssl_accept_all)
            or (self.vcd is not None and self.vcd.verify)
            or any(vcenter.verify for vcenter in self.vcs or [])
        )


def check_file(path: Path) -> Usable:
    """Reads the file; what is wrong with it is in `results`."""
    findings: list[Finding] = []
    try:
        load_config(path)
    except ConfigError as exc:
        findings = exc.findings
    try:
        config = load_config(path, check_permissions=False)
    except ConfigError as exc:
        findings += [finding for finding in exc.findings if finding not in findings]
        return _parts(path, [_failure(path, finding) for finding in findings])
    results = [_failure(path, finding) for finding in findings]
    results += [
        warning(found.where, found.what, found.remedy or f"correct or remove it; {_SAMPLE}")
        for found in config.warnings()
    ]
    if not findings:
        results.insert(0, ok(str(path), "is complete, and readable by its owner only"))
    return Usable(
        config=config, amqp=config.amqp, vcd=config.vcd, vcs=list(config.vcs), broker=config.broker, results=results
    )


def check_templates(config: Config) -> Results:
    """The template directories, as the templates service reads them at start."""
    try:
        catalogue = load_catalogue(config, TemplatesSettings.read())
    except CatalogueError as exc:
        for finding in exc.findings:
            yield failed("broker.templates", finding, "see docs/templates.md for what a template directory holds")
    except SettingsError as exc:
        yield failed("broker.templates", str(exc), "correct the environment variable")
    else:
        names = ", ".join(template.name for template in catalogue)
        yield ok("broker.templates", f"have scripts: {names}")


def _failure(path: Path, finding: Finding) -> Result:
    remedy = finding.remedy or (f"correct it in {path}; {_SAMPLE}" if finding.where else _SAMPLE)
    return failed(finding.where or str(path), finding.what, remedy)


def _parts(path: Path, results: list[Result]) -> Usable:
    """The sections that can be used although the file as a whole cannot."""
    try:
        data = yaml.load(path.read_text(encoding="utf-8"), UniqueKeyLoader)  # noqa: S506 - it is a SafeLoader
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return Usable(results=results)
    if not isinstance(data, dict):
        return Usable(results=results)
    vcs = data.get("vcs")
    vcenters = [_section(VcenterConfig, entry) for entry in vcs] if isinstance(vcs, list) else []
    return Usable(
        amqp=_section(AmqpConfig, data.get("amqp")),
        vcd=_section(VcdConfig, data.get("vcd")),
        vcs=[vcenter for vcenter in vcenters if vcenter] if vcenters and all(vcenters) else None,
        broker=_section(BrokerConfig, data.get("broker")),
        results=results,
    )


def _section(kind: type[S], data: Any) -> S | None:
    try:
        return kind.model_validate(data)
    except ValidationError:
        return None
