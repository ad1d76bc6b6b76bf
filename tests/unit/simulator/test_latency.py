from pathlib import Path

import pytest

import vcd_simulator
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


def test_what_else_goes_on_makes_no_difference_to_the_jitter_of_a_kind() -> None:
    profile = Profile.model_validate({"jitter": 0.5, "delays": {"a": 10, "b": 10}})
    alone, busy = Latency(profile, seed=3), Latency(profile, seed=3)
    drawn = [alone.delay("a") for _ in range(20)]
    mixed = []
    for _ in range(20):
        busy.delay("b")
        mixed.append(busy.delay("a"))
        busy.delay("a.more")
    assert mixed[0] == drawn[0]
    assert mixed == drawn


@pytest.mark.parametrize("name", BUILT_IN)
def test_profiles_name_only_work_that_exists(name: str) -> None:
    source = "".join(path.read_text() for path in Path(vcd_simulator.__file__).parent.rglob("*.py"))
    for kind in load_profile(name).delays:
        family, _, rest = kind.partition(".")
        if family == "task":  # names of power actions are put together from a prefix and a suffix
            known = any(f'"{rest.removeprefix(prefix)}"' in source for prefix in ("", "vapp", "vm"))
        elif family in ("soap", "vcenter"):
            known = f'"{rest}"' in source
        else:
            known = f'"{kind}"' in source or f'"{kind}.' in source
        assert known or not rest, kind


def test_a_cluster_of_the_field_takes_minutes_and_a_tenth_of_it_with_a_scale() -> None:
    def until_ready(latency: Latency) -> float:
        create = latency.delay("task.vdcComposeVapp") + latency.delay("task.vdcRecomposeVapp")
        return (
            create
            + latency.together("vm.clone", 3)
            + sum(map(latency.delay, ("guest.boot", "guest.process.kubeadm-init")))
        )

    whole, tenth = (until_ready(Latency.named("field", scale=scale)) for scale in (1.0, 0.1))
    assert 100 < whole < 400
    assert tenth == pytest.approx(whole / 10)


def test_kinds_that_clients_make_up_share_what_draws_when_they_are_too_many() -> None:
    profile = Profile.model_validate({"jitter": 0.5, "delays": {"soap": 2}})
    one, other = Latency(profile), Latency(profile)
    for flooded in (one, other):
        flooded.delay("soap.Login")
        for number in range(2_000):
            assert 1.0 <= flooded.delay(f"soap.Made{number}Up") <= 3.0
    fresh = Latency(profile)
    fresh.delay("soap.Login")
    assert one.delay("soap.Login") == other.delay("soap.Login") == fresh.delay("soap.Login"), "it was there before"
    assert [one.delay("soap.X"), one.delay("soap.Y")] == [other.delay("soap.Z"), other.delay("soap.Z")]
