"""The page about control tells the truth about faults."""

import json
import re
from pathlib import Path
from typing import get_args

import pytest

from vcd_simulator.faults import Effect, Faults, Place, Selector

PAGE = (Path(__file__).parents[4] / "docs" / "simulator" / "control.md").read_text(encoding="utf-8")
EFFECTS = get_args(get_args(Effect)[0])


def test_every_effect_is_described_with_its_fields_and_places() -> None:
    for effect in EFFECTS:
        kind = effect.model_fields["kind"].default
        row = next(line for line in PAGE.splitlines() if line.startswith(f"| `{kind}`"))
        fields = [f"`{name}`" for name in effect.model_fields if name != "kind"]
        places = [f"`{place}`" for place in effect.places]
        assert re.findall(r"`[a-z_-]+`", row.split("|")[1])[1:] == fields
        assert re.findall(r"`[a-z]+`", row.split("|")[2]) == places


def test_every_condition_and_place_is_named() -> None:
    for name in (*Selector.model_fields, *Place):
        assert f"`{name}`" in PAGE, name


@pytest.mark.parametrize("block", re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL))
def test_the_examples_are_faults(block: str) -> None:
    faults = Faults()
    faults.add_spec(faults.spec_of(json.loads(block)))
