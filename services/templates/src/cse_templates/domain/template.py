"""What a template is: a guest image, versions, and the scripts that make a Kubernetes node of it."""

import hashlib
from dataclasses import dataclass, fields


@dataclass(frozen=True, kw_only=True)
class Scripts:
    """The scripts of one revision, ready to run: the template's own parameters are already in them."""

    init: str
    """Given to vCD as guest customization while the template is built."""
    customize: str
    """Installs everything while the template is built."""
    control_plane: str
    worker: str
    nfs: str

    @property
    def digest(self) -> str:
        """`sha256:…` over names and contents; changes if and only if a script does."""
        hashed = hashlib.sha256()
        for field in fields(self):
            content = getattr(self, field.name).encode()
            hashed.update(f"{field.name} {len(content)}\n".encode())
            hashed.update(content)
        return f"sha256:{hashed.hexdigest()}"


@dataclass(frozen=True, kw_only=True)
class Ova:
    """The guest image a template is built from."""

    url: str
    name: str
    """Name of the file, and of the catalog item it is uploaded to."""
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Component:
    """A piece of software in the guest, for example `docker 17.06.0`."""

    name: str
    version: str

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


@dataclass(frozen=True, kw_only=True)
class Definition:
    """What a template's directory says about it."""

    name: str
    revision: int
    """Raised with every change of the contents."""
    os: str
    ova: Ova
    kubernetes_version: str
    container_runtime: Component
    container_network: Component
    pod_subnet: str
    """CIDR of the pods, which the container network hands out."""
    scripts: Scripts


@dataclass(frozen=True, kw_only=True)
class Offer:
    """What the provider's configuration says about a template."""

    name: str
    description: str
    catalog: str
    catalog_item: str
    cpu_count: int
    memory_mb: int


@dataclass(frozen=True, kw_only=True)
class Template:
    """A template that tenants may use: offered in the configuration, defined in a directory."""

    offer: Offer
    definition: Definition
    is_default: bool

    @property
    def name(self) -> str:
        return self.offer.name
