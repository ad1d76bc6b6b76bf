"""The bytes of uploads under way, on disk until somebody has checked them."""

import hashlib
import shutil
import tempfile
import threading
import weakref
from collections.abc import Iterable
from pathlib import Path

_CHUNK = 1 << 20


class UploadStore:
    """Files of uploads, in a temporary folder of their own that is made when it is first needed. Thread-safe.

    The folder goes with this object.
    """

    def __init__(self) -> None:
        self._root: Path | None = None
        self._lock = threading.Lock()

    def path(self, transfer_id: str, name: str) -> Path:
        """Where a file of an upload is kept; it exists, and may be empty. Nothing of a client is in its name."""
        with self._lock:
            if self._root is None:
                self._root = Path(tempfile.mkdtemp(prefix="vcd-uploads-"))
                weakref.finalize(self, shutil.rmtree, self._root, ignore_errors=True)
            folder = self._root / _plain(transfer_id)
            folder.mkdir(exist_ok=True)
            found = folder / _plain(name)
            found.touch(mode=0o600)
        return found

    def mismatch(self, transfer_id: str, digests: Iterable[tuple[str, str, str]]) -> str | None:
        """The first file whose content is not what one of the digests (name, algorithm, hex) says; None if all are."""
        for name, algorithm, expected in digests:
            with self.path(transfer_id, name).open("rb") as file:
                digest = hashlib.new(algorithm, usedforsecurity=False)
                while chunk := file.read(_CHUNK):
                    digest.update(chunk)
            if digest.hexdigest() != expected:
                return name
        return None

    def discard(self, transfer_id: str) -> None:
        """Delete the files of an upload, if there are any."""
        if self._root is not None:
            shutil.rmtree(self._root / _plain(transfer_id), ignore_errors=True)

    def clear(self) -> None:
        """Delete everything."""
        if self._root is not None:
            for folder in self._root.iterdir():
                shutil.rmtree(folder, ignore_errors=True)


def _plain(name: str) -> str:
    return hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()
