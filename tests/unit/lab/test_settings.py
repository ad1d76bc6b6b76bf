from pathlib import Path

import pytest

from cse_lab.processes import LabError
from cse_lab.settings import LabSettings


def test_without_variables_the_lab_is_complete_and_lives_below_the_current_directory() -> None:
    settings = LabSettings.from_environment({"LAB_PROFILE": ""})
    assert settings == LabSettings(directory=Path.cwd() / ".lab")
    assert (settings.profile, settings.services, settings.vcenter_listen) == ("lab", True, None)


def test_variables_choose_another_lab() -> None:
    chosen = {
        "LAB_DIR": "/tmp/x",
        "LAB_PROFILE": "instant",
        "LAB_SERVICES": "no",
        "LAB_VCENTER_LISTEN": "127.0.0.2:443",
    }
    assert LabSettings.from_environment(chosen) == LabSettings(
        directory=Path("/tmp/x"), profile="instant", services=False, vcenter_listen="127.0.0.2:443"
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LAB_SERVICES", "maybe"),
        ("LAB_VCENTER_LISTEN", "443"),
        ("LAB_VCENTER_LISTEN", "127.0.0.2:0"),
        ("LAB_VCENTER_LISTEN", "127.0.0.2:https"),
        ("LAB_PROFILE", "/no/such/file.yaml"),
    ],
)
def test_a_bad_value_names_its_variable(name: str, value: str) -> None:
    with pytest.raises(LabError, match=name):
        LabSettings.from_environment({name: value})
