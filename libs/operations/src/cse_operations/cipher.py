"""Encryption of what the store keeps: requests' inputs and secrets, results of steps, everything the engine passes."""

import json
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, cast

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from cse_core.errors import InternalError
from cse_core.operations import Json, StartError
from cse_core.secret import Secret
from cse_core.settings import SettingsError
from cse_operations.settings import KEY_FILE_VARIABLE, KEY_VARIABLE, OperationsSettings

_GROUP_OR_OTHERS: Final = 0o077


class UnreadableError(InternalError):
    """What is stored was encrypted with a key that is not among the given ones, or has been changed."""

    reason = "OPERATION_UNREADABLE"

    def __init__(self) -> None:
        super().__init__(
            f"what is stored of it can be read with none of the keys in {KEY_VARIABLE} or {KEY_FILE_VARIABLE}"
        )


class Cipher:
    """Turns JSON into ciphertext and back. The first key encrypts, all decrypt."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._first = Fernet(keys[0])
        self._fernet = MultiFernet([Fernet(key) for key in keys])
        self.has_old_keys = len(keys) > 1

    def seal(self, value: Json) -> str:
        text = json.dumps(value, separators=(",", ":"), allow_nan=False)
        return self._fernet.encrypt(text.encode()).decode()

    def unseal(self, sealed: str) -> Json:
        """Raises UnreadableError."""
        try:
            return cast(Json, json.loads(self._fernet.decrypt(sealed.encode())))
        except InvalidToken:
            raise UnreadableError from None

    def can_read(self, sealed: str) -> bool:
        try:
            self._fernet.decrypt(sealed.encode())
        except InvalidToken:
            return False
        return True

    def is_current(self, sealed: str) -> bool:
        """Whether the first key has sealed it."""
        try:
            self._first.decrypt(sealed.encode())
        except InvalidToken:
            return False
        return True

    def renew(self, sealed: str) -> str:
        """The same under the first key. Raises UnreadableError."""
        try:
            return self._fernet.rotate(sealed.encode()).decode()
        except InvalidToken:
            raise UnreadableError from None


def load_keys(settings: OperationsSettings, *, beside: Path | None) -> tuple[str, ...]:
    """The keys that the settings name.

    Args:
        settings: where to look.
        beside: a database file; when nothing is named, its key is in a file beside it, made if need be.

    Raises:
        SettingsError: there is none, one is malformed, or its file can be read by others.
        StartError: the database is there, its key is not.
    """
    if settings.key is not None:
        return _parse(settings.key, KEY_VARIABLE)
    if settings.key_file is not None:
        return _parse(_read(settings.key_file), KEY_FILE_VARIABLE)
    if beside is None:
        raise SettingsError(f"{KEY_VARIABLE} or {KEY_FILE_VARIABLE} is needed: all replicas share it; {_HOW_TO}")
    file = beside.with_name(f"{beside.name}.key")
    if not file.exists():
        if beside.exists():
            raise StartError(
                f"{file} is missing, without which nothing in {beside} can be read: put it back, name the keys in"
                f" {KEY_VARIABLE} or {KEY_FILE_VARIABLE}, or remove the database to begin without what it knows"
            )
        _create(file)
    return _parse(_read(file), str(file))


_HOW_TO: Final = "make one with: head -c 32 /dev/urandom | base64 | tr +/ -_"


def _parse(text: Secret, source: str) -> tuple[str, ...]:
    keys = tuple(text.reveal().replace(",", " ").split())
    try:
        for key in keys:
            Fernet(key)
    except ValueError:
        raise SettingsError(f"{source}: holds something that is no Fernet key; {_HOW_TO}") from None
    if not keys:
        raise SettingsError(f"{source}: holds no Fernet key; {_HOW_TO}")
    return keys


def _read(file: Path) -> Secret:
    try:
        if file.stat().st_mode & _GROUP_OR_OTHERS:
            raise SettingsError(f"{file}: can be read by others; make it chmod 600")
        return Secret(file.read_text())
    except (OSError, UnicodeDecodeError) as exc:
        raise SettingsError(f"{file}: cannot be read ({exc})") from exc


def _create(file: Path) -> None:
    """Whole or not at all, for a process may be killed here, too; and once, for there may be two of them."""
    draft = file.with_name(f"{file.name}.{os.getpid()}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(Fernet.generate_key() + b"\n")
            stream.flush()
            os.fsync(stream.fileno())
        with suppress(FileExistsError):
            file.hardlink_to(draft)
    except OSError as exc:
        raise StartError(f"{file}, for the key of the database, cannot be made: {exc.strerror}") from exc
    finally:
        draft.unlink(missing_ok=True)
