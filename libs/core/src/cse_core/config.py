"""The provider's `config.yaml`, with the sections and keys of CSE 1.2.x.

Every service reads the same file and takes what it needs. A key that 1.2.x knows keeps its meaning. Unknown keys are
kept out and reported as warnings, because a misspelled key is otherwise found out in production.
"""

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from cse_core.findings import ConfigError, Finding, UniqueKeyLoader, from_pydantic, from_yaml
from cse_core.secret import Secret

CONFIG_VARIABLE: Final = "CSE_CONFIG"
DEFAULT_CONFIG: Final = "config.yaml"
__all__ = [
    "CONFIG_VARIABLE",
    "DEFAULT_CONFIG",
    "AmqpConfig",
    "BrokerConfig",
    "Config",
    "ConfigError",
    "Finding",
    "Section",
    "ServiceConfig",
    "TemplateConfig",
    "VcdConfig",
    "VcenterConfig",
    "config_path",
    "load_config",
    "parse_config",
]
_MAX_BYTES: Final = 1 << 20
_HOST: Final = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*(%\w+)?")
_HOST_AND_PORT: Final = re.compile(r"(?P<host>[A-Za-z0-9._-]+):(?P<port>[0-9]{1,5})")
_API_VERSION: Final = re.compile(r"[0-9]{2}\.[0-9]")
_TEMPLATE_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_LATER_KEYS: Final = frozenset(
    {
        "broker.default_template_name",
        "broker.default_template_revision",
        "broker.remote_template_cookbook_url",
        "mqtt",
        "service.log_wire",
        "service.processors",
        "service.telemetry",
        "template_rules",
    }
)
"""Of CSE 2.x and 3.x, where they are no mistakes."""
_PKS_KEYS: Final = frozenset({"orgs", "pks_accounts", "pvdcs"})
"""Of the file that `pks_config` names; `cse sample` of CSE 1.2.x prints them below the others."""


def _text(value: object) -> object:
    """YAML reads `31.0` and `1234` as numbers where a text is meant."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _single_line(value: str) -> str:
    if any(ord(char) < 32 for char in value):
        raise ValueError("must be one line without control characters")
    return value


def _host(value: str) -> str:
    if not _HOST.fullmatch(value):
        raise ValueError("must be the name or the address of a host, without a scheme, a path or a port")
    return value


def _api_version(value: str) -> str:
    if not _API_VERSION.fullmatch(value):
        raise ValueError("must look like '31.0'")
    return value


def _template_name(value: str) -> str:
    if not _TEMPLATE_NAME.fullmatch(value):
        raise ValueError("must be up to 64 letters, digits, dots, hyphens and underscores, a letter or digit first")
    return value


Text = Annotated[str, BeforeValidator(_text), AfterValidator(_single_line), Field(min_length=1)]
Host = Annotated[Text, AfterValidator(_host)]
FreeText = Annotated[str, BeforeValidator(_text)]
Password = Annotated[Secret, BeforeValidator(_text)]
Port = Annotated[int, Field(ge=1, le=65535)]


class Section(BaseModel):
    """A part of the file: strict types, unknown keys kept for the warnings."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True, arbitrary_types_allowed=True)


class AmqpConfig(Section):
    """RabbitMQ, through which vCD forwards requests."""

    host: Host
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
    """vCloud Director and the service account, a system administrator.

    The port may also stand behind the host, where CSE 1.2.x, which does not read `port`, wants it.
    """

    host: Host
    port: Port = 443
    username: Text = "administrator"
    password: Password
    api_version: Annotated[Text, AfterValidator(_api_version)] = "31.0"
    verify: bool = True
    log: bool = False

    @model_validator(mode="before")
    @classmethod
    def _split_host(cls, data: object) -> object:
        if isinstance(data, dict) and (found := _HOST_AND_PORT.fullmatch(str(data.get("host", "")))):
            return {**data, "host": found["host"], "port": int(found["port"])}
        return data


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

    name: Annotated[Text, AfterValidator(_template_name)]
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
    service: Annotated[ServiceConfig, BeforeValidator(lambda found: {} if found is None else found)] = ServiceConfig()
    broker: BrokerConfig
    pks_config: FreeText | None = None
    """Path of a PKS configuration in CSE 1.2.x. Read and ignored."""

    def template(self, name: str) -> TemplateConfig | None:
        return next((template for template in self.broker.templates if template.name == name), None)

    def warnings(self) -> list[Finding]:
        """Keys that nobody reads, and vCenters that are there twice."""
        found = [_unread(where) for where in _unknown_keys(self, "")]
        names = [vcenter.name for vcenter in self.vcs]
        again = [index for index, name in enumerate(names) if name in names[:index]]
        return found + [
            Finding(f"vcs[{index}].name", "another entry has this name; the last one counts") for index in again
        ]


def _unread(where: str) -> Finding:
    if where in _LATER_KEYS:
        return Finding(where, "is a key of later releases of CSE, which this one does not read", "remove it")
    if where in _PKS_KEYS:
        return Finding(where, "is about Enterprise PKS, which this release does not serve", "remove it")
    return Finding(where, "unknown key; is it misspelled?")


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
        data = yaml.load(content, UniqueKeyLoader)  # noqa: S506 - it is a SafeLoader
    except yaml.YAMLError as exc:
        raise ConfigError(path, [from_yaml(exc)]) from exc
    if not isinstance(data, dict):
        raise ConfigError(path, [Finding("", "is not a mapping of sections", "see `cse sample` for one that is")])
    return parse_config(data, path=path)


def parse_config(data: dict[str, Any], *, path: Path = Path(DEFAULT_CONFIG)) -> Config:
    """As `load_config`, from what YAML made of the file."""
    try:
        return Config.model_validate(data)
    except ValidationError as exc:
        raise ConfigError(path, [from_pydantic(error) for error in exc.errors()]) from None


def _read(path: Path, *, check_permissions: bool) -> str:
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            if check_permissions and mode & 0o077:
                what = f"others may read or write it (mode {mode:04o}), and it holds passwords"
                raise ConfigError(path, [Finding("", what, f"run `chmod 600 {path}`")])
            content = file.read(_MAX_BYTES + 1)
    except OSError as exc:
        missing = isinstance(exc, FileNotFoundError)
        remedy = "name another, or write one with `cse sample --output config.yaml`" if missing else ""
        raise ConfigError(path, [Finding("", f"cannot be read: {exc.strerror}", remedy)]) from exc
    if len(content) > _MAX_BYTES:
        raise ConfigError(path, [Finding("", f"is larger than {_MAX_BYTES} bytes")])
    try:
        return content.decode()
    except UnicodeDecodeError as exc:
        raise ConfigError(path, [Finding("", "is not UTF-8 text")]) from exc
