"""vCloud Director and its vCenters: they answer, let us in, and have what the configuration names."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

from cse_cli.checks.result import Result, Results, failed, ok, skipped, warning
from cse_core.config import BrokerConfig, VcdConfig, VcenterConfig
from cse_core.errors import CseError, NotFoundError, PermissionDeniedError, UnauthenticatedError
from cse_vcd.errors import UntrustedError
from cse_vcd.extension import list_vcenters
from cse_vcd.identity import SYSTEM_ORG
from cse_vcd.session import Vcd, VcdEndpoint, VcdSession
from cse_vcd.vcenter import Vcenters
from cse_vcd.vdcs import get_org, get_vdc

_READ_TIMEOUT_S: Final = 20.0
_DOING: Final = "checking it: "
"""How messages of `Vcenter.check` begin."""
_TRUST: Final = "see docs/cli.md on certificates"
_SET_VERIFY: Final = "set `verify` to true outside of a lab"


class VcdCheckError(Exception):
    """vCD cannot be used; `result` says why."""

    def __init__(self, result: Result) -> None:
        super().__init__(result.message)
        self.result = result


@contextmanager
def administrator(config: VcdConfig) -> Iterator[VcdSession]:
    """A session of the service account; ends with the block.

    Raises:
        VcdCheckError: there is none to be had.
    """
    vcd = Vcd(replace(VcdEndpoint.from_config(config), read_timeout_s=_READ_TIMEOUT_S))
    try:
        session = _log_in(vcd, config)
        try:
            yield session
        finally:
            session.logout()
    finally:
        vcd.close()


def _log_in(vcd: Vcd, config: VcdConfig) -> VcdSession:
    try:
        vcd.versions()
    except UntrustedError as exc:
        raise VcdCheckError(failed("vcd.verify", exc.message, _TRUST)) from exc
    except CseError as exc:
        raise VcdCheckError(failed("vcd.host", exc.message, "correct vcd.host and vcd.port; is vCD running?")) from exc
    try:
        session = vcd.login(
            org=SYSTEM_ORG, user=config.username, password=config.password, api_version=config.api_version
        )
    except (UnauthenticatedError, PermissionDeniedError) as exc:
        message = f"vCD refuses user {config.username!r} of org {SYSTEM_ORG} or its password"
        raise VcdCheckError(
            failed("vcd.username", message, "correct vcd.username and vcd.password; the account must not be locked")
        ) from exc
    except CseError as exc:
        raise VcdCheckError(failed("vcd.host", exc.message, "look at vCD's own log")) from exc
    return session


def check_vcd(config: VcdConfig, session: VcdSession) -> Results:
    """The service account and the version of the API."""
    host = f"{config.host}:{config.port}"
    yield ok("vcd.host", f"{host} lets user {config.username!r} in")
    if not session.is_sysadmin:
        yield failed(
            "vcd.username", f"{config.username!r} is no system administrator", "name an account of the System org"
        )
    if session.api_version != config.api_version:
        yield warning(
            "vcd.api_version",
            f"vCD does not offer {config.api_version}; {session.api_version} is used",
            f"set it to one of {', '.join(session.vcd.versions())}",
        )
    if not config.verify:
        yield warning("vcd.verify", "vCD's certificate is not checked", _SET_VERIFY)


def check_vcenters(configured: Sequence[VcenterConfig], session: VcdSession) -> Results:
    """The vCenters of the configuration are those of vCD, and let us in."""
    try:
        registered = {found.name for found in list_vcenters(session)}
    except CseError as exc:
        yield failed("vcs", exc.message, "give the account of `vcd` the right to see vCenters")
        return
    unchecked = dict.fromkeys(vcenter.name for vcenter in configured if not vcenter.verify)
    if unchecked:
        yield warning("vcs", f"the certificate of {', '.join(unchecked)} is not checked", _SET_VERIFY)
    known = ", ".join(sorted(registered)) or "none"
    for name in sorted(registered - {vcenter.name for vcenter in configured}):
        yield failed(
            "vcs", f"vCenter {name!r} is registered in vCD, but is not in the section", "add it with its account"
        )
    reachable: list[tuple[int, VcenterConfig]] = []
    for index, vcenter in enumerate(configured):
        if vcenter.name in registered:
            reachable.append((index, vcenter))
        else:
            yield failed(
                f"vcs[{index}].name",
                f"no vCenter {vcenter.name!r} is registered in vCD (there are: {known})",
                "correct the name, or remove the entry",
            )
    if reachable:
        with ThreadPoolExecutor(len(reachable)) as pool:
            yield from pool.map(lambda item: _check_vcenter(item[0], item[1], session), reachable)


def _check_vcenter(index: int, config: VcenterConfig, session: VcdSession) -> Result:
    vcenters = Vcenters.from_config(session, [config])
    try:
        vcenters.get(config.name).check()
    except UntrustedError as exc:
        return failed(f"vcs[{index}].verify", exc.message.removeprefix(_DOING), _TRUST)
    except CseError as exc:
        remedy = "correct the entry's user name and password; this machine must reach the address that vCD has for it"
        return failed(f"vcs[{index}]", exc.message.removeprefix(_DOING), remedy)
    finally:
        vcenters.close()
    return ok(f"vcs[{index}]", f"vCenter {config.name!r} lets user {config.username!r} in")


def check_broker(config: BrokerConfig, session: VcdSession) -> Results:
    """The provider's org with its VDC, network and storage profile."""
    try:
        org = get_org(session, config.org)
    except NotFoundError as exc:
        yield failed("broker.org", exc.message, "correct the name, or create the org (`vcd org create`)")
        yield skipped("broker.vdc", "not looked for, since the org is missing")
        return
    yield ok("broker.org", f"org {org.name!r} exists")
    try:
        vdc = get_vdc(session, config.vdc, org.name)
    except NotFoundError as exc:
        yield failed("broker.vdc", exc.message, f"correct the name, or create the VDC in org {org.name!r}")
        yield skipped("broker.network", "not looked for, since the VDC is missing")
        return
    if vdc.is_enabled:
        yield ok("broker.vdc", f"VDC {vdc.name!r} exists")
    else:
        yield failed("broker.vdc", f"VDC {vdc.name!r} is disabled", "enable it (`vcd vdc enable`)")
    yield _check_name("broker.network", "network", config.network, list(vdc.networks))
    if config.storage_profile != "*":
        yield _check_name(
            "broker.storage_profile", "storage profile", config.storage_profile, list(vdc.storage_profiles)
        )


def _check_name(subject: str, kind: str, name: str, there: Sequence[str]) -> Result:
    if name in there:
        return ok(subject, f"{kind} {name!r} exists")
    return failed(
        subject, f"the VDC has no {kind} {name!r} (there are: {', '.join(sorted(there)) or 'none'})", "correct the name"
    )
