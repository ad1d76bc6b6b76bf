"""The images of a hypervisor: those that are built in, and those that were captured."""

import itertools
import threading
from pathlib import Path

from vcd_simulator.guests.errors import UnknownImageError
from vcd_simulator.guests.images import Image, built_in_images
from vcd_simulator.guests.removal import remove_tree
from vcd_simulator.guests.snapshot import ImageRecord, restore_image


class ImageStore:
    """Images by name; captured ones have a directory each. Thread-safe."""

    def __init__(self, directory: Path) -> None:
        """`directory` is made, and holds the files of captured images."""
        self._directory = directory
        self._built_in = built_in_images()
        self._images = dict(self._built_in)
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        directory.mkdir()

    def names(self) -> list[str]:
        with self._lock:
            return sorted(self._images)

    def captured(self) -> list[Image]:
        """Those that are not built in."""
        with self._lock:
            return [image for name, image in self._images.items() if name not in self._built_in]

    def find(self, name: str) -> Image:
        """Raises UnknownImageError."""
        with self._lock:
            try:
                return self._images[name]
            except KeyError:
                raise UnknownImageError(name, list(self._images)) from None

    def find_captured(self, name: str) -> Image:
        """The same for one that may be deleted. Raises UnknownImageError."""
        if name in self._built_in:
            raise UnknownImageError(name, self.names())
        return self.find(name)

    def new_place(self) -> tuple[str, Path]:
        """A name for an image that is about to be captured, and an empty directory for its files."""
        name = f"image-{next(self._numbers)}"
        directory = self._directory / name
        directory.mkdir()
        return name, directory

    def add(self, image: Image) -> None:
        with self._lock:
            self._images[image.name] = image

    def delete(self, name: str) -> None:
        """Forget a captured image and delete its files. Raises UnknownImageError."""
        image = self.find_captured(name)
        with self._lock:
            self._images.pop(name, None)
        if image.disk is not None:
            remove_tree(image.disk)

    def restore(self, record: ImageRecord) -> None:
        """Add an image of a saved state.

        Raises:
            ArchiveError: its files are damaged.
            UnknownImageError: it is of a distribution that there is not.
        """
        base = self._built_in.get(record.distribution)
        if base is None:
            raise UnknownImageError(record.distribution, list(self._built_in))
        _, directory = self.new_place()
        self.add(restore_image(record, base, directory))
