"""Encryption of what is stored, and where its keys come from."""

from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st

from cse_core.operations import Json
from cse_core.secret import Secret
from cse_core.settings import SettingsError
from cse_operations import OperationsSettings
from cse_operations.cipher import Cipher, UnreadableError, load_keys
from cse_operations.dispatch import SealedSerializer

OLD, NEW = (Fernet.generate_key().decode() for _ in range(2))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def settings(**options: object) -> OperationsSettings:
    return OperationsSettings(database=Secret("sqlite:///x"), **options)  # type: ignore[arg-type]


@given(JSON)
def test_any_json_comes_back(value: Json) -> None:
    cipher = Cipher([NEW])
    assert cipher.unseal(cipher.seal(value)) == value


def test_old_keys_decrypt_and_what_they_sealed_can_be_renewed() -> None:
    sealed = Cipher([OLD]).seal({"a": 1})
    both = Cipher([NEW, OLD])
    assert both.unseal(sealed) == {"a": 1}
    assert not both.is_current(sealed)
    renewed = both.renew(sealed)
    assert both.is_current(renewed)
    assert Cipher([NEW]).unseal(renewed) == {"a": 1}


def test_a_wrong_key_and_a_changed_text_are_told_as_such() -> None:
    sealed = Cipher([OLD]).seal("x")
    for text in (sealed, sealed[:-4] + "AAA=", "plain text", ""):
        with pytest.raises(UnreadableError):
            Cipher([NEW]).unseal(text)


def test_dbos_gets_json_only_and_errors_without_their_text() -> None:
    serializer = SealedSerializer(Cipher([NEW]))
    arguments = {"args": ["id"], "kwargs": {}}
    assert serializer.deserialize(serializer.serialize(arguments)) == arguments
    error = serializer.deserialize(serializer.serialize(ValueError("secret inside")))
    assert isinstance(error, RuntimeError)
    assert str(error) == "ValueError"
    with pytest.raises(TypeError):
        serializer.serialize(object())


def test_keys_come_from_the_environment_separated_by_commas_or_lines(tmp_path: Path) -> None:
    assert load_keys(settings(key=Secret(f"{NEW}, {OLD}")), beside=None) == (NEW, OLD)
    file = tmp_path / "keys"
    file.touch(mode=0o600)
    file.write_text(f"{NEW}\n{OLD}\n")
    assert load_keys(settings(key_file=file), beside=None) == (NEW, OLD)


def test_a_key_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text(NEW)
    file.chmod(0o644)
    with pytest.raises(SettingsError, match="chmod 600"):
        load_keys(settings(key_file=file), beside=None)


@pytest.mark.parametrize("text", ["", "too short", NEW[:-2]], ids=["empty", "short", "cut"])
def test_what_is_no_key_is_refused_and_not_shown(text: str) -> None:
    with pytest.raises(SettingsError, match=r"^CSE_OPERATIONS_KEY: .*Fernet") as caught:
        load_keys(settings(key=Secret(text)), beside=None)
    assert not text or text not in str(caught.value)


def test_a_missing_key_file_names_itself(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="nowhere"):
        load_keys(settings(key_file=tmp_path / "nowhere"), beside=None)


def test_replicas_need_a_key_and_a_single_process_makes_one_once(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="all replicas share it"):
        load_keys(settings(), beside=None)
    database = tmp_path / "operations.db"
    first = load_keys(settings(), beside=database)
    assert load_keys(settings(), beside=database) == first
    assert (tmp_path / "operations.db.key").stat().st_mode & 0o777 == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["operations.db.key"]
