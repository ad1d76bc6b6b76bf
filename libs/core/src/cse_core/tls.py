"""Whom connections trust: one rule for RabbitMQ, vCloud Director, vCenters and the files that go to and from these.

Trusted are the authorities of the machine (those of OpenSSL: in Debian the bundle that `update-ca-certificates` makes,
elsewhere what `SSL_CERT_FILE` and `SSL_CERT_DIR` say), and besides those in the file that `CSE_CA_FILE` names. Where
CSE 1.2.x was started with `REQUESTS_CA_BUNDLE`, that file is taken.
"""

import os
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import structlog

from cse_core.settings import SettingsError

log = structlog.get_logger()

CA_VARIABLE: Final = "CSE_CA_FILE"
_VARIABLES: Final = (CA_VARIABLE, "REQUESTS_CA_BUNDLE")
_OTHER_NAME: Final = frozenset({62, 64})  # OpenSSL's X509_V_ERR_HOSTNAME_MISMATCH and …_IP_ADDRESS_MISMATCH
_EXPIRED: Final = 10


def client_context(*, verify: bool) -> ssl.SSLContext:
    """How a client connects; without `verify` it takes whatever certificate it is shown.

    Raises:
        SettingsError: the file that the environment names cannot be used.
    """
    if not verify:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    context = ssl.create_default_context()
    _add_authorities(context)
    return context


def why_not_trusted(error: ssl.SSLCertVerificationError) -> str:
    """What is wrong with a certificate and what to do, to be put behind its name."""
    code = getattr(error, "verify_code", None)  # OpenSSL's; absent from errors that Python raises by itself
    detail = f" ({error.verify_message})" if code is not None else ""
    if code in _OTHER_NAME:
        return f"is made out to another name{detail}; use the name in it, or make one for this address"
    if code == _EXPIRED:
        return "has expired; renew it"
    return (
        f"is not trusted{detail}; install its authority on this machine, or name a file that holds it in {CA_VARIABLE}"
    )


def check_authorities(*, needed: bool) -> None:
    """Looks whether the file that the environment names can be used; if not `needed`, only at one that is meant for us.

    Raises:
        SettingsError: it cannot.
    """
    if needed or os.environ.get(CA_VARIABLE):
        client_context(verify=True)


def prepare(verified: Mapping[str, bool]) -> None:
    """For services, when they begin: checks the authorities, and logs a warning of what is not verified.

    Args:
        verified: by what the configuration calls it, whether its certificate is checked.

    Raises:
        SettingsError: the file that the environment names cannot be used.
    """
    check_authorities(needed=any(verified.values()))
    for subject, is_verified in verified.items():
        if not is_verified:
            log.warning("certificate_not_checked", of=subject)


def _add_authorities(context: ssl.SSLContext) -> None:
    for variable in _VARIABLES:
        if not (name := os.environ.get(variable, "").strip()):
            continue
        try:
            is_directory = Path(name).is_dir()
            context.load_verify_locations(cafile=None if is_directory else name, capath=name if is_directory else None)
        except ssl.SSLError:
            raise SettingsError(f"{variable}: {name!r} holds no certificates in PEM form") from None
        except OSError as exc:
            raise SettingsError(f"{variable}: {name!r} cannot be read: {exc.strerror}") from None
        return
