"""Metadata of every entity, with an index by key."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

TYPES = ("MetadataStringValue", "MetadataNumberValue", "MetadataBooleanValue", "MetadataDateTimeValue")
VISIBILITIES = {"GENERAL": ("READWRITE",), "SYSTEM": ("PRIVATE", "READONLY")}


@dataclass(frozen=True, slots=True, kw_only=True)
class MetadataEntry:
    """One key of one entity. The domain is GENERAL or SYSTEM."""

    key: str
    value: str
    type: str = "MetadataStringValue"
    domain: str = "GENERAL"
    visibility: str = "READWRITE"


Key = tuple[str, str]
"""Domain and key."""


class MetadataStore:
    """Entries by entity, and entities by key."""

    def __init__(self) -> None:
        self._entries: dict[str, dict[Key, MetadataEntry]] = {}
        self._holders: dict[Key, dict[str, MetadataEntry]] = {}

    def of(self, entity_id: str) -> list[MetadataEntry]:
        return list(self._entries.get(entity_id, {}).values())

    def get(self, entity_id: str, domain: str, key: str) -> MetadataEntry | None:
        return self._entries.get(entity_id, {}).get((domain, key))

    def holders(self, domain: str, key: str) -> Mapping[str, MetadataEntry]:
        """The entries with this key, by the ids of their entities."""
        return self._holders.get((domain, key), {})

    def put(self, entity_id: str, entries: Iterable[MetadataEntry]) -> None:
        """Merge entries; a key that is there already gets the new value."""
        own = self._entries.setdefault(entity_id, {})
        for entry in entries:
            own[entry.domain, entry.key] = entry
            self._holders.setdefault((entry.domain, entry.key), {})[entity_id] = entry

    def remove(self, entity_id: str, domain: str, key: str) -> None:
        own = self._entries.get(entity_id, {})
        if own.pop((domain, key), None) is not None:
            self._forget(entity_id, (domain, key))

    def remove_all(self, entity_id: str) -> None:
        for key in self._entries.pop(entity_id, {}):
            self._forget(entity_id, key)

    def clear(self) -> None:
        self._entries.clear()
        self._holders.clear()

    def all(self) -> dict[str, list[MetadataEntry]]:
        """All entries by entity."""
        return {entity_id: list(own.values()) for entity_id, own in self._entries.items() if own}

    def copy(self, source_id: str, target_id: str) -> None:
        self.put(target_id, self.of(source_id))

    def _forget(self, entity_id: str, key: Key) -> None:
        holders = self._holders[key]
        holders.pop(entity_id, None)
        if not holders:
            del self._holders[key]
