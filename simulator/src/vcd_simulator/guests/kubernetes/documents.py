"""Looking into documents in which a guest may have written anything anywhere."""

from typing import Any

_MOST_REPLICAS = 1000


def within(document: Any, *names: str) -> Any:
    """What lies at a path of names; None where the path does not lead on."""
    for name in names:
        document = document.get(name) if isinstance(document, dict) else None
    return document


def texts(document: Any, *names: str) -> dict[str, str]:
    """Names and texts at a path, such as labels; nothing where there is something else."""
    found = within(document, *names)
    return {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else {}


def listed(document: Any, *names: str) -> list[dict[str, Any]]:
    """The objects in a list at a path; nothing where there is something else."""
    found = within(document, *names)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def replicas(manifest: Any) -> int:
    """How many pods an object asks for, which is one if it does not say."""
    wanted = within(manifest, "spec", "replicas")
    return min(max(wanted, 0), _MOST_REPLICAS) if isinstance(wanted, int) and not isinstance(wanted, bool) else 1
