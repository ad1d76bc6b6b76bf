"""`template.yaml`: the data of a template, checked."""

from ipaddress import IPv4Network
from typing import Annotated, Any, Final

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

_QUOTE_HINT: Final = "must be a text; put it between quotes, since YAML reads 1.10 as the number 1.1"


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("must be one line of printable characters")
    return text


def _network(text: str) -> str:
    try:
        return str(IPv4Network(text))
    except ValueError:
        raise ValueError("must be an IPv4 network such as 10.32.0.0/12") from None


Line = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_printable)]
Version = Annotated[str, Field(pattern=r"^[0-9][0-9A-Za-z.+~_:-]{0,63}$")]
Url = Annotated[str, Field(pattern=r"^https?://[!-~]{1,2000}$")]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,31}$")]
Subnet = Annotated[str, AfterValidator(_network)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class OvaData(_Section):
    """The guest image to begin with."""

    url: Url
    name: Line
    sha256: Digest


class PackageData(_Section):
    """Something that is installed from a package repository."""

    version: Version
    package: Version
    """The version in the words of the guest's package manager."""
    repository: Url | None = None
    """Where the package manager finds it, if not in the guest's own repositories."""


class RuntimeData(PackageData):
    """The container runtime."""

    name: Name


class NetworkData(_Section):
    """The container network."""

    name: Name
    version: Version
    manifest: Url
    sha256: Digest | None = None
    """Checksum of the manifest; without it any content is taken."""
    pod_subnet: Subnet
    """What the manifest hands out to pods."""


class TemplateFile(_Section):
    """The whole file."""

    revision: Annotated[int, Field(ge=1)]
    os: Line
    ova: OvaData
    kubernetes: PackageData
    container_runtime: RuntimeData
    container_network: NetworkData

    def parameters(self) -> dict[str, str]:
        """The environment variables that every script of the template finds, besides those of the node it runs on."""
        return {
            "CSE_KUBERNETES_VERSION": self.kubernetes.version,
            "CSE_KUBERNETES_PACKAGE": self.kubernetes.package,
            "CSE_KUBERNETES_REPOSITORY": self.kubernetes.repository or "",
            "CSE_RUNTIME_VERSION": self.container_runtime.version,
            "CSE_RUNTIME_PACKAGE": self.container_runtime.package,
            "CSE_RUNTIME_REPOSITORY": self.container_runtime.repository or "",
            "CSE_CNI_MANIFEST": self.container_network.manifest,
            "CSE_CNI_SHA256": self.container_network.sha256 or "",
            "CSE_CNI_SUBNET": self.container_network.pod_subnet,
        }


class TemplateFileError(Exception):
    """The file cannot be used; `findings` holds all that is wrong, a sentence each."""

    def __init__(self, findings: list[str]) -> None:
        super().__init__("; ".join(findings))
        self.findings = findings


def parse_template_file(text: str) -> TemplateFile:
    """Reads the file's text.

    Raises:
        TemplateFileError: with everything that is wrong with it.
    """
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as exc:
        mark = getattr(exc, "problem_mark", None)
        place = f" in line {mark.line + 1}" if mark else ""
        raise TemplateFileError([f"is not valid YAML{place}: {getattr(exc, 'problem', None) or exc}"]) from exc
    if not isinstance(data, dict):
        raise TemplateFileError(["is not a mapping of keys to values"])
    try:
        return TemplateFile.model_validate(data)
    except ValidationError as exc:
        raise TemplateFileError([_sentence(error) for error in exc.errors(include_url=False)]) from None


def _sentence(error: Any) -> str:
    where = ".".join(map(str, error["loc"]))
    match error["type"]:
        case "missing":
            return f"{where}: is missing"
        case "extra_forbidden":
            return f"{where}: unknown key; is it misspelled?"
        case "string_type":
            return f"{where}: {_QUOTE_HINT}"
        case "value_error":
            return f"{where}: {error['ctx']['error']}"
        case _:
            return f"{where}: {error['msg'][:1].lower()}{error['msg'][1:]}"
