"""Saved states in files. A name that ends in `.gz` means a compressed one."""

import contextlib
import gzip
import os
import tempfile
import zlib
from pathlib import Path

from vcd_simulator.state.record import StateError, StateRecord, parse

__all__ = ["StateError", "load", "save"]


def save(path: Path, content: bytes) -> None:
    """Write a file that appears whole or not at all, and that nobody but its owner can read: it holds passwords.

    Raises:
        StateError: it cannot be written.
    """
    if path.suffix == ".gz":
        content = gzip.compress(content, compresslevel=1, mtime=0)
    try:
        descriptor, draft = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(draft).replace(path)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                Path(draft).unlink()
            raise
    except OSError as exc:
        raise StateError(f"cannot save the state to {path}: {exc.strerror}") from exc


def load(path: Path) -> StateRecord:
    """Read a file. Raises StateError: it cannot be read, or holds no saved state."""
    try:
        content = path.read_bytes()
        if path.suffix == ".gz":
            content = gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as exc:
        raise StateError(f"cannot read the state {path}: {exc}") from exc
    return parse(content)
