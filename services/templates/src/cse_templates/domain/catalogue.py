"""The templates of one installation."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Self

from cse_core.errors import FailedPreconditionError, NotFoundError
from cse_core.names import WILDCARD
from cse_templates.domain.template import Definition, Offer, Template


class TemplateNotFoundError(NotFoundError):
    """No template of that name is offered here."""

    reason = "TEMPLATE_NOT_FOUND"


class CatalogueError(FailedPreconditionError):
    """Configuration and template directories do not fit together; `findings` tells everything that is wrong."""

    reason = "TEMPLATES_UNUSABLE"

    def __init__(self, findings: Iterable[str]) -> None:
        self.findings = list(findings)
        super().__init__("; ".join(self.findings))


class Catalogue:
    """The templates on offer. Never changes, so threads share it."""

    def __init__(self, templates: Iterable[Template]) -> None:
        ordered = sorted(templates, key=lambda template: (not template.is_default, template.name))
        if sum(template.is_default for template in ordered) != 1:
            raise CatalogueError(["exactly one template must be the default one"])
        self._default = ordered[0]
        self._templates = {template.name: template for template in ordered}

    @classmethod
    def join(cls, offers: Iterable[Offer], definitions: Mapping[str, Definition], *, default: str) -> Self:
        """Puts together what the configuration offers and what the directories define.

        Raises:
            CatalogueError: an offered template has no definition, or the default one is not offered.
        """
        offers = list(offers)
        findings = [
            f"template {offer.name!r} is configured, but has no directory"
            for offer in offers
            if offer.name not in definitions
        ]
        if default not in {offer.name for offer in offers}:
            findings.append(f"broker.default_template: {default!r} is none of broker.templates; name one of them")
        if findings:
            raise CatalogueError(findings)
        return cls(
            Template(offer=offer, definition=definitions[offer.name], is_default=offer.name == default)
            for offer in offers
        )

    def __iter__(self) -> Iterator[Template]:
        """Yields the default one first, then by name."""
        return iter(self._templates.values())

    def get(self, name: str) -> Template:
        """Returns the template of that name; `-` means the default one.

        Raises:
            TemplateNotFoundError: there is none.
        """
        if name == WILDCARD:
            return self._default
        if (template := self._templates.get(name)) is None:
            raise TemplateNotFoundError(
                f"no template is called {name!r}; `vcd cse template list` shows those on offer", template=name
            )
        return template
