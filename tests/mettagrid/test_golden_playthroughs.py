"""Every playthrough under tests/golden/playthroughs happens again, letter by letter.

After a change of the rules: ``python tools/regenerate_golden.py``, then read the diff.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from metta.mettagrid.render.playthrough import parse_script, play_script

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "playthroughs"
PLAYTHROUGHS = sorted(GOLDEN.glob("*.txt"))


def test_there_is_a_playthrough_for_each_mechanic() -> None:
    names = {path.stem for path in PLAYTHROUGHS}
    assert names >= {
        "clipper",
        "clipper_spread",
        "health",
        "health_drop",
        "health_gone",
        "population",
        "population_stay",
        "regeneration",
        "resource_loss",
        "upkeep_fraction",
        "upkeep_freeze",
        "altar_reward",
        "assembler_glyphs",
        "assembler_partial",
        "assembler_positions",
        "chest",
        "chest_glyphs",
        "commons_tragedy",
        "door",
        "plant_stock",
        "swappable",
        "use_cost",
        "armory",
        "attack_blocked",
        "attack_frozen_again",
        "attack_hit_and_loot",
        "attack_without_laser",
        "cooldown",
        "generator",
        "lasery",
        "limits",
        "max_output",
        "mine",
        "move",
        "move_conflict",
    }


@pytest.mark.parametrize("path", PLAYTHROUGHS, ids=lambda path: path.stem)
def test_playthrough(path: Path) -> None:
    golden = path.read_text(encoding="utf-8")
    assert play_script(parse_script(golden)).splitlines() == golden.splitlines()
