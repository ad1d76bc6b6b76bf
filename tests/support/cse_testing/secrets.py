"""All secrets of a run, and whether one of them is where it must not be."""

import base64
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import yaml

_SHORTEST: Final = 8
"""What is shorter may well be a word of ours."""
_KEYS_OF_SECRETS: Final = frozenset(
    {"admin_key", "admin_password", "ca_key", "jwt", "password", "private_key", "token"}
)
"""What secrets are called in a saved state of the simulator, in a kubeconfig and in our configuration."""
_KEYS_IN_KUBECONFIG: Final = frozenset({"client-key-data", "password", "token"})


class KnownSecrets:
    """Secrets by what they are, in every form in which they may be written down."""

    def __init__(self) -> None:
        self._forms: dict[bytes, str] = {}

    def __len__(self) -> int:
        return len(self._forms)

    def add(self, what: str, secret: str) -> None:
        """Remembers a secret: as it is, in base64, in a URL, within JSON; a key in PEM also line by line."""
        lines = [line for line in secret.splitlines() if not line.startswith("-----")]
        for text in {secret, *(lines if "PRIVATE KEY" in secret else ())}:
            for form in (text, quote(text, safe=""), json.dumps(text)[1:-1], base64.b64encode(text.encode()).decode()):
                if len(text) >= _SHORTEST:
                    self._forms.setdefault(form.encode(), what)

    def learn(self, data: object, what: str = "") -> None:
        """Finds secrets by their names in nested data, such as a saved state or a configuration."""
        if isinstance(data, Mapping):
            for key, value in data.items():
                if isinstance(value, str) and key in _KEYS_OF_SECRETS:
                    self.add(f"{what} {key}".strip(), value)
                elif isinstance(value, Mapping | list):
                    self.learn(value, f"{what} {key}".strip())
        elif isinstance(data, list):
            for each in data:
                self.learn(each, what)

    def learn_state(self, state: Mapping[str, Any]) -> None:
        """Those in a saved state of the simulator: sessions, passwords, keys of clusters, join tokens."""
        self.learn(state)
        if state.get("sessions"):
            self.add("key that JWTs are signed with", state["sessions"]["key"])

    def learn_kubeconfig(self, text: str) -> None:
        """Its credentials; what it is needed for besides, address and authority, is no secret."""
        for user in yaml.safe_load(text)["users"]:
            for key in _KEYS_IN_KUBECONFIG & user["user"].keys():
                self.add(f"kubeconfig's {key}", user["user"][key])

    def seen_in(self, content: bytes) -> set[str]:
        """What kinds of secrets the content holds. Never says which, for this is printed."""
        return {what for form, what in self._forms.items() if form in content}


def leaks(secrets: KnownSecrets, places: Iterator[tuple[str, bytes]]) -> list[str]:
    """Where which secrets were seen, in words."""
    return [f"{name} holds {', '.join(sorted(seen))}" for name, content in places if (seen := secrets.seen_in(content))]


def files_below(directory: Path, *, but: frozenset[str]) -> Iterator[tuple[str, bytes]]:
    """Every file and its content; programs at work may make and delete files meanwhile.

    Args:
        directory: where to look.
        but: paths below it, of files or folders, that are meant for secrets.
    """
    for folder, folders, files in os.walk(directory):
        here = Path(folder).relative_to(directory)
        folders[:] = sorted(each for each in folders if str(here / each) not in but)
        for name in (str(here / each) for each in sorted(files)):
            if name not in but and (directory / name).is_file():
                try:
                    content = (directory / name).read_bytes()
                except FileNotFoundError:
                    continue
                yield name, content
