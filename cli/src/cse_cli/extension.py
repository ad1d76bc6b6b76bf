"""How CSE is registered in vCD: names that tenants' clients and CSE 1.2.x know."""

from typing import Final

from cse_core.config import AmqpConfig
from cse_vcd.platform import ExtensionService, Right

NAME: Final = "cse"
NAMESPACE: Final = "cse"
FILTERS: Final = ("/api/cse", "/api/cse/.*", "/api/cse/.*/.*")
RIGHTS: Final = (
    Right(
        name="CSE NATIVE DEPLOY RIGHT",
        description="Right necessary to deploy Kubernetes clusters in vCD",
        category="cseRight",
        bundle_key="cseBundleKey",
    ),
    Right(
        name="PKS DEPLOY RIGHT",
        description="Right necessary to deploy Kubernetes clusters with Enterprise PKS",
        category="pksRight",
        bundle_key="pksBundleKey",
    ),
)


def wanted_extension(amqp: AmqpConfig) -> ExtensionService:
    """The extension as it should be registered."""
    return ExtensionService(
        name=NAME, namespace=NAMESPACE, routing_key=amqp.routing_key, exchange=amqp.exchange, filters=FILTERS
    )


def full_right_name(right: Right) -> str:
    """The right's name as vCD shows it."""
    return f"{{{NAMESPACE}}}:{right.name}"


def differences(found: ExtensionService, wanted: ExtensionService) -> list[str]:
    """What would have to change, a phrase each."""
    changes = []
    if found.routing_key != wanted.routing_key:
        changes.append(f"routing key {found.routing_key!r} instead of {wanted.routing_key!r}")
    if found.exchange != wanted.exchange:
        changes.append(f"exchange {found.exchange!r} instead of {wanted.exchange!r}")
    if not found.is_enabled:
        changes.append("the state disabled")
    missing = [pattern for pattern in wanted.filters if pattern not in found.filters]
    if missing:
        changes.append(f"no filter {' and '.join(missing)}")
    return changes
