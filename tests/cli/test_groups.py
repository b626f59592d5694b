"""Config groups: composed by Hydra, cached, refused when they hold tricks; the house's own fit their fields."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from metta.cli import cache
from metta.cli.games import PLACED_GROUPS
from metta.cli.groups import Groups, compose_all
from metta.common.errors import ConfigError
from metta.tools.train import TrainTool


@pytest.fixture
def groups(tmp_path: Path) -> Groups:
    for name, text in {
        "config.yaml": "defaults:\n  - a: one\n  - _self_\n",
        "a/one.yaml": "x: 1\n",
        "a/two.yaml": "defaults:\n  - one\n  - _self_\ny: 2\n",
        "b/only.yaml": "{}\n",
    }.items():
        path = tmp_path / "configs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return Groups(tmp_path / "configs")


def test_options_defaults_and_subtrees(groups: Groups) -> None:
    assert groups.options == {"a": ("one", "two"), "b": ("only",)}
    assert groups.defaults == {"a": "one"}
    assert groups.subtree("a", "two") == {"x": 1, "y": 2}  # Hydra's own defaults list within a group
    assert groups.subtree("b", "only") == {}


def test_a_subtree_is_the_callers_own(groups: Groups) -> None:
    groups.subtree("a", "one")["x"] = 5
    assert groups.subtree("a", "one") == {"x": 1}


def test_the_second_time_hydra_is_not_asked(groups: Groups, monkeypatch: pytest.MonkeyPatch) -> None:
    assert groups.defaults == {"a": "one"}
    monkeypatch.setattr("metta.cli.groups.compose_all", lambda *_: pytest.fail("composed again"))
    assert Groups(groups.root).subtree("a", "one") == {"x": 1}


def test_a_changed_file_is_composed_again(groups: Groups) -> None:
    assert groups.subtree("a", "one") == {"x": 1}
    (groups.root / "a" / "one.yaml").write_text("x: 100\n")
    assert Groups(groups.root).subtree("a", "one") == {"x": 100}


@pytest.mark.parametrize("text", ["_target_: os.system\n", "x: ${oc.env:HOME}\n", "x: &a 1\ny: *a\n", "x: [1\n"])
def test_tricks_in_a_group_are_refused(groups: Groups, text: str) -> None:
    (groups.root / "a" / "one.yaml").write_text(text)
    with pytest.raises(ConfigError, match=r"one\.yaml"):
        groups.subtree("a", "one")


def test_a_defaults_list_that_names_nothing_is_refused(groups: Groups) -> None:
    (groups.root / "config.yaml").write_text("defaults:\n  - a: three\n")
    with pytest.raises(ConfigError, match="a/three"):
        _ = groups.defaults


def test_the_groups_of_the_house_fit_their_fields() -> None:
    """Each choice of each group is a value of TrainTool's field of that name."""
    house = Groups.default()
    assert {"system", "trainer", "policy_architecture", "wandb"} <= house.options.keys()
    composed = compose_all(house.root, house.options)
    assert composed["defaults"] == {"system": "auto", "trainer": "default", "wandb": "off"}
    assert composed["options"].keys() - TrainTool.model_fields.keys() == PLACED_GROUPS, "see test_games.py"
    for group, options in composed["options"].items():
        if group in PLACED_GROUPS:
            continue
        for subtree in options.values():
            tree: dict[str, Any] = {group: subtree, "training_env": {"type": "gym", "env_id": "CartPole-v1"}}
            TrainTool.model_validate(tree)


def test_stamps_see_sizes_times_and_names(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("1")
    first = cache.stamp_of([tmp_path], (".yaml",))
    assert cache.stamp_of([tmp_path], (".yaml",)) == first
    (tmp_path / "note.txt").write_text("ignored")
    assert cache.stamp_of([tmp_path], (".yaml",)) == first
    (tmp_path / "a.yaml").write_text("12")
    assert cache.stamp_of([tmp_path], (".yaml",)) != first
