"""What `cse version` and `vcd cse version` tell."""

import platform

from cse_cli import DESCRIPTION, PRODUCT, __version__


def about() -> dict[str, str]:
    """Product, version and interpreter, for programs."""
    return {
        "product": PRODUCT,
        "description": DESCRIPTION,
        "version": __version__,
        "python": platform.python_version(),
    }


def about_text() -> str:
    """The same on one line, for people."""
    return f"{PRODUCT}, {DESCRIPTION}, version {__version__}"
