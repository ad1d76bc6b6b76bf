"""Where guests keep their files."""

from pathlib import Path

from vcd_simulator.guests.state_directory import StateDirectory


def test_directories_in_use_stay_and_abandoned_ones_go(tmp_path: Path) -> None:
    ours = StateDirectory(tmp_path)
    abandoned = tmp_path / "vcdsim-abandoned"
    abandoned.mkdir()
    (abandoned / "lock").touch()
    (abandoned / "guest").mkdir()
    unknown = tmp_path / "vcdsim-being-made"
    unknown.mkdir()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "lock").touch()
    (tmp_path / "vcdsim-link").symlink_to(elsewhere)
    second = StateDirectory(tmp_path)
    assert not abandoned.exists()
    assert all(path.exists() for path in (ours.path, second.path, unknown, elsewhere / "lock"))
    for state in (ours, second):
        state.remove()
        assert not state.path.exists()
