"""What the simulated vCloud Director answers when it refuses.

`VcdError` carries what an `Error` document shows: the HTTP status (also the major code), the minor code and a message.
It is raised anywhere below a handler and rendered once, at the edge, in the format that the request's Accept header
asks for.
"""

from collections.abc import Mapping, Sequence


class VcdError(Exception):
    """A refusal in vCloud Director's own words."""

    def __init__(self, status: int, minor: str, message: str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.headers = dict(headers or {})
        self.status = status
        self.minor = minor
        self.message = message


def bad_request(message: str, minor: str = "BAD_REQUEST") -> VcdError:
    return VcdError(400, minor, message)


def duplicate_name(kind: str, name: str) -> VcdError:
    return VcdError(400, "DUPLICATE_NAME", f"The VCD entity {kind} named {name!r} already exists.".replace("'", '"'))


def busy(name: str, operation_name: str) -> VcdError:
    words = "".join(f"_{letter}" if letter.isupper() else letter for letter in operation_name).upper()
    return VcdError(400, "BUSY_ENTITY", f"The entity {name} is busy completing an operation {words}.")


def unauthorized() -> VcdError:
    return VcdError(401, "NOT_AUTHENTICATED", "This operation is denied.")


def no_access(kind: str, entity_id: str) -> VcdError:
    """The answer for what is not there and for what the session may not see: the two cannot be told apart."""
    message = f'No access to entity "(com.vmware.vcloud.entity.{kind.lower()}:{entity_id})".'
    return VcdError(403, "ACCESS_TO_RESOURCE_IS_FORBIDDEN", message)


def missing_right(*rights: str) -> VcdError:
    wanted = ", ".join(rights)
    message = (
        f"Either you need some or all of the following rights [{wanted}] to perform operations [], "
        "or the target entity is invalid."
    )
    return VcdError(403, "ACCESS_TO_RESOURCE_IS_FORBIDDEN", message)


def forbidden(message: str) -> VcdError:
    return VcdError(403, "ACCESS_TO_RESOURCE_IS_FORBIDDEN", message)


def not_found(path: str) -> VcdError:
    return VcdError(404, "RESOURCE_NOT_FOUND", f"There is no resource at {path}.")


def method_not_allowed(method: str, allowed: Sequence[str]) -> VcdError:
    """The path is known, but not with this method."""
    listed = ", ".join(allowed)
    message = f"{method} is not allowed here; allowed: {listed}."
    return VcdError(405, "METHOD_NOT_ALLOWED", message, headers={"allow": listed})


def not_allowed(message: str) -> VcdError:
    """The state of the entity forbids the operation."""
    return VcdError(400, "OPERATION_DENIED", message)


def not_acceptable(message: str) -> VcdError:
    return VcdError(406, "NOT_ACCEPTABLE", message)


def unsupported_media_type(stated: str) -> VcdError:
    shown = "".join(char if " " <= char <= "~" else "?" for char in stated)[:200]
    return VcdError(
        415, "UNSUPPORTED_MEDIA_TYPE", f"The request has an unsupported content type: {shown}. Send +xml or +json."
    )
