"""Reading the catalogue."""

import base64
import binascii
from dataclasses import dataclass
from typing import Final

from cse_core.errors import InvalidArgumentError
from cse_templates.domain.catalogue import Catalogue
from cse_templates.domain.template import Template

MAX_PAGE: Final = 1000


@dataclass(frozen=True)
class Page:
    """Some templates, and where the next page begins (empty after the last)."""

    templates: list[Template]
    next_token: str


class CatalogueQueries:
    """What the service can be asked. Stateless: everything is in memory."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def page(self, *, page_size: int = 0, page_token: str = "") -> Page:
        """Lists templates, the default one first, then by name.

        Raises:
            InvalidArgumentError: the size is negative, or the token is not one that an earlier page carried.
        """
        if page_size < 0:
            raise InvalidArgumentError("page_size: must not be negative; 0 means 1000", field="page_size")
        templates = list(self._catalogue)
        start = _position(page_token, templates) if page_token else 0
        end = start + min(page_size or MAX_PAGE, MAX_PAGE)
        return Page(templates[start:end], _token(templates[end]) if end < len(templates) else "")

    def get(self, name: str) -> Template:
        """Reads one template; `-` is the default one. Raises TemplateNotFoundError."""
        return self._catalogue.get(name)


def _token(first: Template) -> str:
    return base64.urlsafe_b64encode(first.name.encode()).decode().rstrip("=")


def _position(token: str, templates: list[Template]) -> int:
    try:
        name = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode()
        return next(index for index, template in enumerate(templates) if template.name == name)
    except (binascii.Error, ValueError, StopIteration):
        raise InvalidArgumentError(
            "page_token: is not one that an earlier page carried; begin without it", field="page_token"
        ) from None
