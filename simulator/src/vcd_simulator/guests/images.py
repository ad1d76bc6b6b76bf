"""Images: what a new guest's disk holds.

The built-in ones are data, and captured ones are a copy of a guest's files plus what the simulator knows about it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from vcd_simulator.guests.accounts import Accounts
from vcd_simulator.guests.packages import Packages
from vcd_simulator.guests.services import Services
from vcd_simulator.guests.tree_copy import copy_tree

DIRECTORIES = {
    "boot": 0o755,
    "dev": 0o755,
    "etc": 0o755,
    "etc/default": 0o755,
    "etc/modules-load.d": 0o755,
    "etc/profile.d": 0o755,
    "etc/ssh": 0o755,
    "etc/sudoers.d": 0o750,
    "etc/sysctl.d": 0o755,
    "etc/systemd/network": 0o755,
    "etc/systemd/system": 0o755,
    "home": 0o755,
    "media": 0o755,
    "mnt": 0o755,
    "opt": 0o755,
    "proc": 0o755,
    "root": 0o700,
    "run": 0o755,
    "srv": 0o755,
    "sys": 0o755,
    "tmp": 0o1777,
    "usr": 0o755,
    "var/cache": 0o755,
    "var/lib": 0o755,
    "var/log": 0o755,
    "var/spool/cron": 0o755,
    "var/tmp": 0o1777,
}
_LINKS = {"bin": "usr/bin", "sbin": "usr/sbin", "lib": "usr/lib", "lib64": "usr/lib64", "var/run": "/run"}
_LOCAL_DIRECTORIES = ("bin", "etc", "lib", "sbin", "share", "src")
_FSTAB = "/dev/sda1 / ext4 defaults 1 1\n"
_NSSWITCH = "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n"
_SSHD_CONFIG = "Port 22\nPermitRootLogin yes\nPasswordAuthentication yes\nSubsystem sftp internal-sftp\n"
_BASHRC = "# ~/.bashrc: executed by bash(1) for non-login shells.\n"
_DEBIAN_DIRECTORIES = (
    "etc/apt/apt.conf.d",
    "etc/apt/keyrings",
    "etc/apt/sources.list.d",
    "etc/cloud",
    "etc/netplan",
    "etc/network",
    "etc/resolvconf/resolv.conf.d",
    "var/lib/cloud/instance",
)


def _photon_repository(name: str, directory: str) -> str:
    return (
        f"[{name}]\nname=VMware Photon Linux 2.0(x86_64)\nbaseurl=https://dl.bintray.com/vmware/{directory}\n"
        "gpgkey=file:///etc/pki/rpm-gpg/VMWARE-RPM-GPG-KEY\ngpgcheck=1\nenabled=1\nskip_if_unavailable=True\n"
    )


_PHOTON_REPOSITORIES = {
    "photon": "photon_release_$releasever_$basearch",
    "photon-updates": "photon_updates_$releasever_$basearch",
    "photon-extras": "photon_extras_$releasever_$basearch",
    "photon-debuginfo": "photon_debuginfo_$releasever_$basearch",
}


@dataclass(frozen=True, kw_only=True)
class Distribution:
    """What differs between the operating systems that guests may run."""

    name: str
    family: str
    """`debian` or `rpm`: which package manager there is."""
    files: Mapping[str, str]
    directories: tuple[str, ...] = ()
    boots: bool = True
    """Whether there is an operating system on the disk at all."""


PHOTON = Distribution(
    name="photon",
    family="rpm",
    files={
        "etc/os-release": 'NAME="VMware Photon OS"\nVERSION="2.0"\nID=photon\nVERSION_ID=2.0\n'
        'PRETTY_NAME="VMware Photon OS/Linux"\nANSI_COLOR="1;34"\nHOME_URL="https://vmware.github.io/photon/"\n',
        "etc/photon-release": "VMware Photon OS 2.0\nPHOTON_BUILD_NUMBER=304b817\n",
        **{
            f"etc/yum.repos.d/{name}.repo": _photon_repository(name, directory)
            for name, directory in _PHOTON_REPOSITORIES.items()
        },
    },
    directories=("etc/yum.repos.d", "var/lib/rpm"),
)
UBUNTU = Distribution(
    name="ubuntu",
    family="debian",
    files={
        "etc/os-release": 'NAME="Ubuntu"\nVERSION="16.04.4 LTS (Xenial Xerus)"\nID=ubuntu\nID_LIKE=debian\n'
        'PRETTY_NAME="Ubuntu 16.04.4 LTS"\nVERSION_ID="16.04"\nVERSION_CODENAME=xenial\nUBUNTU_CODENAME=xenial\n',
        "etc/lsb-release": "DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE=16.04\nDISTRIB_CODENAME=xenial\n"
        'DISTRIB_DESCRIPTION="Ubuntu 16.04.4 LTS"\n',
        "etc/debian_version": "stretch/sid\n",
        "etc/default/grub": 'GRUB_DEFAULT=0\nGRUB_TIMEOUT=0\nGRUB_CMDLINE_LINUX_DEFAULT=""\nGRUB_CMDLINE_LINUX=""\n',
        "etc/timezone": "Etc/UTC\n",
        "var/lib/cloud/instance/boot-finished": "",
        "etc/apt/sources.list": "deb http://archive.ubuntu.com/ubuntu xenial main universe\n",
        "etc/network/interfaces": "auto lo\niface lo inet loopback\n",
        "etc/resolvconf/resolv.conf.d/base": "",
        "etc/resolvconf/resolv.conf.d/head": "",
    },
    directories=_DEBIAN_DIRECTORIES,
)
BLANK = Distribution(name="blank", family="debian", files={}, boots=False)
"""An empty disk, as a machine has that was made from nothing."""


@dataclass(frozen=True, kw_only=True)
class Image:
    """One image. `disk` is the directory of a captured one; built-in images are made from data."""

    name: str
    distribution: Distribution
    password: str = field(repr=False)
    packages: Packages
    services: Services
    accounts: Accounts
    sysctls: Mapping[str, str] = field(default_factory=dict)
    disk: Path | None = None

    def copy_to(self, root: Path, local: Path) -> None:
        """Lay the image out as a new guest's `/` and `/usr/local`, which must not exist yet."""
        if self.disk is not None:
            copy_tree(self.disk / "root", root)
            copy_tree(self.disk / "local", local)
            return
        root.mkdir()
        for name, mode in DIRECTORIES.items():
            (root / name).mkdir(parents=True, exist_ok=True)
            (root / name).chmod(mode)
        for name in self.distribution.directories:
            (root / name).mkdir(parents=True, exist_ok=True)
        for name, target in _LINKS.items():
            (root / name).symlink_to(target)
        files = {
            "etc/fstab": _FSTAB,
            "etc/nsswitch.conf": _NSSWITCH,
            "etc/ssh/sshd_config": _SSHD_CONFIG,
            "root/.bashrc": _BASHRC,
            **self.distribution.files,
        }
        for name, text in files.items():
            (root / name).write_text(text)
        for name in _LOCAL_DIRECTORIES:
            (local / name).mkdir(parents=True)


def built_in_images() -> dict[str, Image]:
    """Images that every simulator has, by name."""
    images = {BLANK.name: _blank_image()}
    for distribution in (PHOTON, UBUNTU):
        for name, kubernetes in ((distribution.name, True), (f"{distribution.name}-base", False)):
            packages = Packages.of_image(distribution.family, kubernetes=kubernetes)
            images[name] = Image(
                name=name,
                distribution=distribution,
                password="vmware",  # noqa: S106  # as published with the images of such templates
                packages=packages,
                services=Services.of_packages(packages, active=kubernetes),
                accounts=Accounts.of_image("vmware"),
                sysctls=_KUBERNETES_SYSCTLS if kubernetes else {},
            )
    return images


def _blank_image() -> Image:
    packages = Packages.of_image(BLANK.family, kubernetes=False)
    return Image(
        name=BLANK.name,
        distribution=BLANK,
        password="",
        packages=packages,
        services=Services.of_packages(packages, active=False),
        accounts=Accounts.of_image(""),
    )


_KUBERNETES_SYSCTLS = {"net.ipv4.ip_forward": "1", "net.bridge.bridge-nf-call-iptables": "1"}
