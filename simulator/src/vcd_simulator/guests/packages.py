"""Software packages: which exist, what each brings, and which of them a guest has."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

KUBERNETES_VERSIONS = {"debian": "1.13.5", "rpm": "1.12.7"}
"""What the images that are ready for Kubernetes carry."""


@dataclass(frozen=True, kw_only=True)
class Package:
    """One package as repositories offer it."""

    name: str
    version: str
    commands: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    repository: str = ""
    """Part of the address of the repository that has it; empty: the distribution's own repositories do."""

    def at(self, version: str) -> "Package":
        """The same package in another version."""
        return Package(**{**self.__dict__, "version": version})


def _kubernetes(name: str, *requires: str, commands: str = "", services: str = "", version: str = "") -> Package:
    return Package(
        name=name,
        version=version,
        commands=tuple(commands.split()),
        services=tuple(services.split()),
        requires=requires,
        repository="kubernetes|k8s.io",
    )


_COMMON = (
    _kubernetes("kubeadm", "kubelet", "kubectl", "kubernetes-cni", "cri-tools", commands="kubeadm"),
    _kubernetes("kubelet", "kubernetes-cni", commands="kubelet", services="kubelet"),
    _kubernetes("kubectl", commands="kubectl"),
    _kubernetes("kubernetes-cni", version="0.6.0"),
    _kubernetes("cri-tools", version="1.12.0", commands="crictl"),
    Package(name="socat", version="1.7.3"),
    Package(name="ebtables", version="2.0.10", commands=("ebtables",)),
    Package(name="ethtool", version="4.5", commands=("ethtool",)),
    Package(name="conntrack", version="1.4.3", commands=("conntrack",)),
    Package(name="ipset", version="6.29", commands=("ipset",)),
    Package(name="ipvsadm", version="1.28", commands=("ipvsadm",)),
    Package(name="jq", version="1.5"),
    Package(name="wget", version="1.17.1"),
    Package(name="curl", version="7.47.0"),
    Package(name="vim", version="7.4"),
    Package(name="rsync", version="3.1.1"),
    Package(name="chrony", version="2.1.1", services=("chrony",)),
    Package(name="open-vm-tools", version="10.2.0", services=("open-vm-tools",)),
    Package(name="ca-certificates", version="2018", commands=("update-ca-certificates",)),
)
_DOCKER_COMMANDS = ("docker", "dockerd")
_CONTAINERD_COMMANDS = ("containerd", "ctr")
_DEBIAN = (
    Package(
        name="docker.io",
        version="18.06.1-0ubuntu1",
        commands=(*_DOCKER_COMMANDS, *_CONTAINERD_COMMANDS),
        services=("docker", "containerd"),
    ),
    Package(
        name="docker-ce",
        version="18.06.3~ce~3-0~ubuntu",
        commands=_DOCKER_COMMANDS,
        services=("docker",),
        repository="download.docker.com",
    ),
    Package(name="docker-ce-cli", version="18.06.3~ce~3-0~ubuntu", repository="download.docker.com"),
    Package(
        name="containerd.io",
        version="1.6.33-1",
        commands=_CONTAINERD_COMMANDS,
        services=("containerd",),
        repository="download.docker.com",
    ),
    Package(name="containerd", version="1.2.6", commands=_CONTAINERD_COMMANDS, services=("containerd",)),
    Package(name="runc", version="1.0.0"),
    Package(name="rpcbind", version="0.2.3", services=("rpcbind",)),
    Package(
        name="nfs-kernel-server",
        version="1:1.2.8",
        commands=("exportfs", "rpc.nfsd"),
        services=("nfs-server",),
        requires=("nfs-common",),
    ),
    Package(name="nfs-common", version="1:1.2.8", commands=("showmount", "mount.nfs"), services=("rpcbind",)),
    Package(name="apt-transport-https", version="1.2.32"),
    Package(name="software-properties-common", version="0.96.20", commands=("add-apt-repository",)),
    Package(name="gnupg", version="1.4.20", commands=("gpg",)),
    Package(name="iptables-persistent", version="1.0.4"),
    Package(name="lsb-release", version="9.20160110", commands=("lsb_release",)),
    Package(name="openssh-server", version="1:7.2p2", services=("ssh",)),
    Package(name="parted", version="3.2", commands=("parted",)),
    Package(name="xfsprogs", version="4.3.0", commands=("mkfs.xfs",)),
)
_RPM = (
    Package(
        name="docker",
        version="17.06.0",
        commands=(*_DOCKER_COMMANDS, *_CONTAINERD_COMMANDS),
        services=("docker", "containerd"),
    ),
    Package(name="containerd", version="1.2.6", commands=_CONTAINERD_COMMANDS, services=("containerd",)),
    Package(name="runc", version="1.0.0"),
    Package(
        name="nfs-utils",
        version="2.3.1",
        commands=("exportfs", "showmount", "mount.nfs"),
        services=("nfs-server", "rpcbind"),
    ),
    Package(name="rpcbind", version="0.2.4", services=("rpcbind",)),
    Package(name="iproute2", version="4.10"),
    Package(name="iptables", version="1.6.1", services=("iptables",)),
    Package(name="openssh-server", version="7.5p1", services=("sshd",)),
    Package(name="tar", version="1.29"),
    Package(name="gnupg", version="2.2", commands=("gpg",)),
    Package(name="bindutils", version="9.10"),
    Package(name="xfsprogs", version="4.10", commands=("mkfs.xfs",)),
    Package(name="parted", version="3.2", commands=("parted",)),
    # Photon carries Kubernetes in its own repositories, unlike Debian's relatives.
    Package(name="kubernetes", version="", commands=("kubectl", "kubelet"), services=("kubelet",)),
    Package(name="kubernetes-kubeadm", version="", commands=("kubeadm",), requires=("kubernetes",)),
)
_ESSENTIAL = {
    "debian": ("bash", "coreutils", "dpkg", "apt", "systemd", "openssh-server", "open-vm-tools", "curl", "wget"),
    "rpm": ("bash", "coreutils", "rpm", "tdnf", "systemd", "openssh-server", "open-vm-tools", "curl", "iptables"),
}
_SHIPPED: dict[str, tuple[str, ...]] = {"debian": (), "rpm": ("docker",)}
"""What images come with besides: Photon's has a docker that nobody has enabled."""
_KUBERNETES_READY = {
    "debian": ("docker-ce", "kubeadm", "nfs-common", "nfs-kernel-server"),
    "rpm": ("docker", "kubeadm", "nfs-utils"),
}


def catalogue(family: str) -> dict[str, Package]:
    """Every package that some repository offers to a family of distributions, by name."""
    own = _DEBIAN if family == "debian" else _RPM
    essential = (Package(name=name, version="1.0") for name in _ESSENTIAL[family])
    every = (*essential, *_COMMON, *own)
    return {package.name: package if package.version else package.at(KUBERNETES_VERSIONS[family]) for package in every}


@dataclass
class Packages:
    """The packages that a guest has."""

    family: str
    installed: dict[str, Package] = field(default_factory=dict)
    held: set[str] = field(default_factory=set)
    lists_updated: bool = False

    @classmethod
    def of_image(cls, family: str, *, kubernetes: bool) -> "Packages":
        """What an image of this family comes with."""
        packages = cls(family)
        offered = catalogue(family)
        for name in (*_ESSENTIAL[family], *_SHIPPED[family], *(_KUBERNETES_READY[family] if kubernetes else ())):
            packages.install(offered[name], offered)
        return packages

    def copy(self) -> "Packages":
        return Packages(self.family, dict(self.installed), set(self.held), self.lists_updated)

    def missing(self, package: Package, offered: Mapping[str, Package]) -> list[Package]:
        """What installing a package adds, requirements first."""
        added: list[Package] = []
        for name in package.requires:
            if name not in self.installed:
                added += [more for more in self.missing(offered[name], offered) if more not in added]
        return added if self.installed.get(package.name) == package else [*added, package]

    def install(self, package: Package, offered: Mapping[str, Package]) -> list[Package]:
        """Install a package with all it requires; returns what was added."""
        added = self.missing(package, offered)
        self.installed.update({one.name: one for one in added})
        return added

    def remove(self, name: str) -> None:
        self.installed.pop(name, None)
        self.held.discard(name)

    def commands(self) -> set[str]:
        """Commands that the packages bring."""
        return {command for package in self.installed.values() for command in package.commands}

    def version_of(self, *names: str) -> str | None:
        """Version of the first of these packages that is there."""
        return next((self.installed[name].version for name in names if name in self.installed), None)


def offered_from(family: str, repositories: Iterable[str]) -> dict[str, Package]:
    """The part of the catalogue that the configured repositories (text of their files) offer."""
    text = "\n".join(repositories)

    def is_offered(package: Package) -> bool:
        return not package.repository or any(part in text for part in package.repository.split("|"))

    return {name: package for name, package in catalogue(family).items() if is_offered(package)}


def pick_version(package: Package, wanted: str) -> Package:
    """The package in the version that was asked for, e.g. `1.10.11-00`, `1.10.*` or nothing."""
    if not wanted:
        return package
    if fnmatchcase(package.version, wanted):
        return package
    return package.at(wanted.replace("*", "0"))
