from pathlib import Path

import pytest

from vcd_simulator.latency import BUILT_IN, Latency, Profile, load_profile


def latency(**delays: object) -> Latency:
    return Latency(Profile.model_validate({"delays": delays, "parallel": 2}))


def test_the_longest_known_prefix_decides() -> None:
    known = Latency(Profile.model_validate({"delays": {"task": 1, "task.vdcComposeVapp": 5, "guest.process": 3}}))
    kinds = ["task.vdcComposeVapp", "task.other", "task", "guest.process.kubeadm-init", "guest.boot", "x"]
    assert [known.delay(kind) for kind in kinds] == [5, 1, 1, 3, 0, 0]


def test_jitter_stays_within_its_bounds_and_repeats_with_the_seed() -> None:
    profile = Profile.model_validate({"jitter": 0.5, "delays": {"a": 10, "b": {"seconds": 10, "jitter": 0}}})
    first, again, other = (Latency(profile, seed=seed) for seed in (1, 1, 2))
    drawn = [first.delay("a") for _ in range(100)]
    assert drawn == [again.delay("a") for _ in range(100)]
    assert drawn != [other.delay("a") for _ in range(100)]
    assert all(5 <= seconds <= 15 for seconds in drawn)
    assert len(set(drawn)) > 50
    assert first.delay("b") == 10


def test_the_scale_multiplies() -> None:
    profile = Profile.model_validate({"delays": {"a": 10}})
    assert Latency(profile, scale=0.01).delay("a") == pytest.approx(0.1)


def test_work_on_several_vms_goes_on_side_by_side() -> None:
    known = latency(vm=3)
    assert [known.together("vm", count) for count in (0, 1, 2, 3, 5)] == [0, 3, 3, 6, 9]


@pytest.mark.parametrize("name", BUILT_IN)
def test_built_in_profiles_are_valid(name: str) -> None:
    assert load_profile(name).description


def test_instant_takes_no_time_and_field_is_slower_than_lab() -> None:
    assert Latency.named("instant").delay("guest.boot") == 0
    assert Latency.named("field").delay("guest.boot") > Latency.named("lab").delay("guest.boot") > 0


def test_a_profile_can_be_a_file(tmp_path: Path) -> None:
    file = tmp_path / "slow.yaml"
    file.write_text("delays: {guest.boot: 7}\n", encoding="utf-8")
    assert Latency.named(str(file)).delay("guest.boot") == 7


@pytest.mark.parametrize("text", ["delays: {a: -1}", "delays: {a: soon}", "colour: red", "- a", "{", "jitter: 2"])
def test_a_wrong_file_is_named_in_the_error(tmp_path: Path, text: str) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=r"wrong\.yaml.*not valid"):
        Latency.named(str(file))


def test_an_unknown_profile_lists_the_known_ones() -> None:
    with pytest.raises(ValueError, match="instant, lab, field"):
        Latency.named("fast")
