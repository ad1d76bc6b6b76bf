"""Guest customization: what a request says, what a new VM gets, what a computer may be called."""

import re
import secrets
import string
from dataclasses import dataclass, replace

from vcd_simulator import errors
from vcd_simulator.model.compute import GuestCustomization

_COMPUTER_NAME = re.compile(r"(?!\d+$)[A-Za-z0-9]([A-Za-z0-9.-]{0,61}[A-Za-z0-9])?")


@dataclass(kw_only=True)
class CustomizationSpec:
    """What a request says about guest customization; None leaves what the source has."""

    enabled: bool | None = None
    admin_password_enabled: bool | None = None
    admin_password_auto: bool | None = None
    admin_password: str | None = None
    reset_password_required: bool | None = None
    script: str | None = None
    computer_name: str | None = None


def customize(
    source: GuestCustomization, spec: CustomizationSpec | None, *, default_name: str, identical: bool = False
) -> GuestCustomization:
    """Guest customization of a new VM; a password is there afterwards, even if the request did not enable one.

    The guest of an `identical` VM is left as it is: it keeps its name, and is customized only if the source's still is
    to be.
    """
    if identical:
        result = replace(source)
    else:
        name = computer_name_from(default_name)
        result = replace(source, pending=True, reported=False, computer_name=name)
    if spec is not None:
        apply_customization(result, spec)
    if result.admin_password is None:
        result.admin_password = generate_password()
    return result


_CUSTOMIZATION_FIELDS = (
    "enabled",
    "admin_password_enabled",
    "admin_password_auto",
    "reset_password_required",
    "script",
)


def apply_customization(target: GuestCustomization, spec: CustomizationSpec) -> None:
    """Change what the specification names; enabling automatic passwords makes a new one."""
    if spec.computer_name is not None:
        target.computer_name = check_computer_name(spec.computer_name)
    for name in _CUSTOMIZATION_FIELDS:
        value = getattr(spec, name)
        if value is not None:
            setattr(target, name, value)
    if not spec.admin_password_enabled:
        return
    if target.admin_password_auto:
        target.admin_password = generate_password()
    elif spec.admin_password:
        target.admin_password = spec.admin_password
    elif target.admin_password is None:
        raise errors.bad_request("Bad request: validation error, AdminPassword is missing and not automatic.")


def generate_password() -> str:
    return "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(10)) + "!7"


def computer_name_from(name: str) -> str:
    """A name that a computer can have, made from one that a VM has."""
    cleaned = re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")[:63].strip("-")
    return cleaned if _COMPUTER_NAME.fullmatch(cleaned) else f"vm-{cleaned}"[:63].strip("-")


def check_computer_name(name: str) -> str:
    if not _COMPUTER_NAME.fullmatch(name):
        raise errors.bad_request(
            "Bad request: validation error, a ComputerName has at most 63 letters, digits, hyphens and periods, not "
            "digits only."
        )
    return name
