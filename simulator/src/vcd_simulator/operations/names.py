"""What a name may be."""

from vcd_simulator import errors

MAX_LENGTH = 128


def check_name(kind: str, name: str | None, *, max_length: int = MAX_LENGTH) -> str:
    """The name, without white space around it.

    Raises:
        VcdError: 400, it is empty, too long, or contains control characters.
    """
    cleaned = (name or "").strip()
    if not cleaned:
        raise errors.bad_request(f"Bad request: validation error, the {kind} has no name.")
    if len(cleaned) > max_length:
        raise errors.bad_request(
            f"Bad request: validation error, the name of the {kind} is longer than {max_length} characters."
        )
    if any(ord(char) < 32 or ord(char) == 127 for char in cleaned):
        raise errors.bad_request(f"Bad request: validation error, the name of the {kind} contains control characters.")
    return cleaned
