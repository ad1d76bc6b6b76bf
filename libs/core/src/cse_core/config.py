"""The provider's `config.yaml`, with the sections and keys of CSE 1.2.x.

Every service reads the same file and takes what it needs. A key that 1.2.x knows keeps its meaning. Unknown keys are
kept out and reported as warnings, because a misspelled key is otherwise found out in production.
"""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from cse_core.secret import Secret

CONFIG_VARIABLE: Final = "CSE_CONFIG"
DEFAULT_CONFIG: Final = "config.yaml"
_MAX_BYTES: Final = 1 << 20


@dataclass(frozen=True)
class Finding:
    """Something wrong with the file: where (`broker.templates[0].cpu`) and what, in a sentence."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}" if self.where else self.what


class ConfigError(Exception):
    """The file cannot be used. `findings` holds everything that was found, not only the first."""

    def __init__(self, path: Path, findings: list[Finding]) -> None:
        super().__init__(f"{path}: " + "; ".join(map(str, findings)))
        self.path = path
        self.findings = findings


def _text(value: object) -> object:
    """YAML reads `31.0` and `1234` as numbers where a text is meant."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _single_line(value: str) -> str:
    if any(ord(char) < 32 for char in value):
        raise ValueError("must be one line without control characters")
    return value


Text = Annotated[str, BeforeValidator(_text), AfterValidator(_single_line), Field(min_length=1)]
FreeText = Annotated[str, BeforeValidator(_text)]
Password = Annotated[Secret, BeforeValidator(_text)]
Port = Annotated[int, Field(ge=1, le=65535)]


class Section(BaseModel):
    """A part of the file: strict types, unknown keys kept for the warnings."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True, arbitrary_types_allowed=True)


class AmqpConfig(Section):
    """RabbitMQ, through which vCD forwards requests."""

    host: Text
    port: Port = 5672
    vhost: Text = "/"
    username: Text = "guest"
    password: Password
    exchange: Text = "cse-ext"
    routing_key: Text = "cse"
    prefix: Text = "vcd"
    ssl: bool = False
    ssl_accept_all: bool = False


class VcdConfig(Section):
    """vCloud Director and the service account, a system administrator."""

    host: Text
    port: Port = 443
    username: Text = "administrator"
    password: Password
    api_version: Annotated[Text, Field(pattern=r"^[0-9]{2}\.[0-9]$")] = "31.0"
    verify: bool = True
    log: bool = False


class VcenterConfig(Section):
    """A vCenter that is registered in vCD under `name`."""

    name: Text
    username: Text
    password: Password
    verify: bool = True


class ServiceConfig(Section):
    """The service itself."""

    listeners: Annotated[int, Field(ge=1, le=1000)] = 5
    """How many requests are worked on at once."""
    enforce_authorization: bool = False
    """Whether creating and changing clusters needs the right `{cse}:CSE NATIVE DEPLOY RIGHT`."""


class TemplateConfig(Section):
    """A template that this installation offers. Its scripts and versions are in the directory of the same name."""

    name: Annotated[Text, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    catalog_item: Text
    description: FreeText = ""
    cpu: Annotated[int, Field(ge=1, le=128)] = 2
    mem: Annotated[int, Field(ge=512, le=6291456)] = 2048
    """Memory of a node in MB."""
    admin_password: Password | None = None
    """Root's password in the guests. Without it every VM has its own, made by guest customization."""
    source_ova: FreeText = ""
    source_ova_name: FreeText = ""
    sha256_ova: FreeText = ""
    temp_vapp: FreeText = ""
    cleanup: bool = True


class BrokerConfig(Section):
    """Where templates are kept and built."""

    type: Literal["default"] = "default"
    org: Text
    vdc: Text
    catalog: Text = "cse"
    network: Text
    ip_allocation_mode: Literal["pool", "dhcp"] = "pool"
    storage_profile: Text = "*"
    default_template: Text
    templates: Annotated[list[TemplateConfig], Field(min_length=1)]
    cse_msg_dir: FreeText = ""
    """Reserved in CSE 1.2.x. Read and ignored."""

    @model_validator(mode="after")
    def _templates_fit(self) -> "BrokerConfig":
        names = [template.name for template in self.templates]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"templates: {', '.join(twice)} appears more than once")
        if self.default_template not in names:
            known = ", ".join(names)
            raise ValueError(f"default_template: no template is called {self.default_template!r}; there are: {known}")
        return self


class Config(Section):
    """The whole file."""

    amqp: AmqpConfig
    vcd: VcdConfig
    vcs: Annotated[list[VcenterConfig], Field(min_length=1)]
    service: ServiceConfig = ServiceConfig()
    broker: BrokerConfig
    pks_config: FreeText | None = None
    """Path of a PKS configuration in CSE 1.2.x. Read and ignored."""

    def template(self, name: str) -> TemplateConfig | None:
        return next((template for template in self.broker.templates if template.name == name), None)

    def warnings(self) -> list[Finding]:
        """Keys that nobody reads."""
        return [Finding(where, "unknown key; is it misspelled?") for where in _unknown_keys(self, "")]


def _unknown_keys(section: Section, prefix: str) -> Iterator[str]:
    yield from (f"{prefix}{key}" for key in section.model_extra or {})
    for name in type(section).model_fields:
        value = getattr(section, name)
        if isinstance(value, Section):
            yield from _unknown_keys(value, f"{prefix}{name}.")
        elif isinstance(value, list):
            for index, item in enumerate(value):
                if isinstance(item, Section):
                    yield from _unknown_keys(item, f"{prefix}{name}[{index}].")


def config_path(path: str | Path | None = None) -> Path:
    """The file to use: the one named, else `$CSE_CONFIG`, else `config.yaml` here."""
    return Path(path or os.environ.get(CONFIG_VARIABLE) or DEFAULT_CONFIG)


def load_config(path: Path, *, check_permissions: bool = True) -> Config:
    """Reads and checks the file.

    Raises:
        ConfigError: with all findings: missing, readable by others, not YAML, keys missing, wrong types.
    """
    content = _read(path, check_permissions=check_permissions)
    try:
        data = yaml.safe_load(content)
    except yaml.YAMLError as exc:
        raise ConfigError(path, [Finding("", _yaml_problem(exc))]) from exc
    if not isinstance(data, dict):
        raise ConfigError(path, [Finding("", "is not a mapping of sections; `cse sample` prints one that is")])
    return parse_config(data, path=path)


def parse_config(data: dict[str, Any], *, path: Path = Path(DEFAULT_CONFIG)) -> Config:
    """As `load_config`, from what YAML made of the file."""
    try:
        return Config.model_validate(data)
    except ValidationError as exc:
        raise ConfigError(path, [_finding(error) for error in exc.errors(include_input=False)]) from None


def _read(path: Path, *, check_permissions: bool) -> str:
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            if check_permissions and mode & 0o077:
                what = f"others may read or write it (mode {mode:04o}), and it holds passwords: run `chmod 600 {path}`"
                raise ConfigError(path, [Finding("", what)])
            content = file.read(_MAX_BYTES + 1)
    except OSError as exc:
        hint = " (write one with `cse sample --output config.yaml`)" if isinstance(exc, FileNotFoundError) else ""
        raise ConfigError(path, [Finding("", f"cannot be read: {exc.strerror}{hint}")]) from exc
    if len(content) > _MAX_BYTES:
        raise ConfigError(path, [Finding("", f"is larger than {_MAX_BYTES} bytes")])
    try:
        return content.decode()
    except UnicodeDecodeError as exc:
        raise ConfigError(path, [Finding("", "is not UTF-8 text")]) from exc


def _yaml_problem(exc: yaml.YAMLError) -> str:
    """What is wrong and where, without the line itself: it may hold a password."""
    mark = getattr(exc, "problem_mark", None)
    problem = getattr(exc, "problem", None) or "cannot be parsed"
    place = f" in line {mark.line + 1}, column {mark.column + 1}" if mark else ""
    return f"is not valid YAML{place}: {problem}"


def _finding(error: Any) -> Finding:
    where = ""
    for part in error["loc"]:
        where += f"[{part}]" if isinstance(part, int) else f".{part}" if where else str(part)
    message = str(error["msg"]).removeprefix("Value error, ")
    if error["type"] == "missing":
        return Finding(where, "is missing")
    if error["type"] == "model_type":
        return Finding(where, "must be a section with keys of its own")
    if error["type"] == "value_error" and ": " in message:  # a validator of a section names the key itself
        key, _, message = message.partition(": ")
        where = f"{where}.{key}" if where else key
    return Finding(where, message[:1].lower() + message[1:])
