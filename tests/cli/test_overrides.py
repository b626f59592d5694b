"""From a maker and overrides to a tool: precedence, typed values, groups, mistakes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from metta.common.errors import ConfigError

Build = Callable[..., Any]


@pytest.fixture
def build(sample: Any) -> Build:
    """``build("learner.steps=4")``: the tool of ``sample alpha`` with these overrides."""
    return lambda *overrides: sample.build("sample", "alpha", *overrides)


def test_precedence(build: Build) -> None:
    """Class default < group default < recipe < chosen group < dotted key."""
    tool = build()
    assert tool.learner.limits == (1, 2)  # class default
    assert tool.learner.kind == "adamw"  # group default
    assert tool.learner.steps == 50  # recipe, over the group default's 70
    assert tool.system.device == "cpu"  # group default
    assert build("learner=quick").learner.steps == 4  # chosen group
    assert build("learner.steps=6", "learner=quick").learner.steps == 6  # dotted key, wherever it stands


def test_a_chosen_group_replaces_its_whole_subtree(build: Build) -> None:
    tool = build("learner=quick")
    assert (tool.learner.kind, tool.learner.gamma) == ("adam", 0.99)


def test_each_value_knows_where_it_came_from(build: Build) -> None:
    text = build("network=large", "learner.gamma=0.5", "count=1").resolved_text()
    lines = {line.split("#")[0].strip(): line.partition("# ")[2] for line in text.splitlines()}
    assert lines["gamma: 0.5"] == "command line"
    assert lines["depth: 3"] == "configs/network/large.yaml"
    assert lines["width: 64"] == "class default"
    assert lines["steps: 50"] == "recipe sample_recipes.prod.alpha"
    assert lines["kind: adamw"] == "configs/learner/site.yaml"
    assert lines["seed: 0"] == "class default"


def test_arguments_of_the_recipe(build: Build) -> None:
    assert len(build("count=3").levels) == 3
    assert build("label=1e5").objects["altar"].name == "1e5"


def test_values_by_field_type(build: Build) -> None:
    tool = build("run=1e5", "learner.steps=1e6", "learner.limits=[3,4]", "learner.fast=false", "system.seed=1_000")
    assert (tool.run, tool.learner.steps, tool.learner.limits, tool.learner.fast) == ("1e5", 1_000_000, (3, 4), False)
    assert tool.system.seed == 1000
    assert build("run=null").run == "null"


def test_elements_entries_and_absent_sections(build: Build) -> None:
    tool = build("levels.1.size=9", "objects.altar.size=8", "rewards.ore.gained=0.5", "network.width=16")
    assert (tool.levels[1].size, tool.levels[1].name, tool.levels[0].size) == (9, "level1", 3)
    assert (tool.objects["altar"].size, tool.objects["altar"].name) == (8, "x")
    assert tool.rewards == {"heart": 1.0, "ore.gained": 0.5}
    assert (tool.network.type, tool.network.width) == ("small", 16)


def test_mappings_merge_and_another_type_replaces(build: Build) -> None:
    assert build("rewards={heart:2}").rewards == {"heart": 2.0, "ore.gained": 0.1}
    assert build("learner={steps:8}").learner.gamma == build().learner.gamma
    tool = build("network=large", "network.type=small")
    assert (tool.network.type, tool.network.width) == ("small", 8)
    assert build("network=large", "network={type:small}").network.width == 8


def test_add_and_delete(build: Build) -> None:
    tool = build("+rewards.laser=3", "+levels.2={name:new}", "~rewards.heart", "~levels.0", "~learner.steps")
    assert tool.rewards == {"ore.gained": 0.1, "laser": 3.0}
    assert [level.name for level in tool.levels] == ["level1", "new"]
    assert tool.learner.steps == 100
    assert build("++rewards.heart=5").rewards["heart"] == 5.0
    assert build("~learner.steps=50").learner.steps == 100


def test_policy_uri_and_policy_uris_are_one(sample: Any) -> None:
    assert sample.build("sample", "alpha", "policy_uri=mock://noop").policy_uris == ("mock://noop",)
    assert sample.build("sample", "alpha", "policy_uris=[a,b]").policy_uris == ("a", "b")
    assert sample.build("watch", "alpha", "policy_uris=file://~/x").policy_uri == "file://~/x"
    assert sample.build("watch", "alpha", "policy_uris=[mock://noop]").policy_uri == "mock://noop"
    with pytest.raises(ConfigError, match="takes one policy, got 2"):
        sample.build("watch", "alpha", "policy_uris=[a,b]")


def test_a_saved_config_reproduces_the_tool(build: Build, tmp_path: Path) -> None:
    tool = build("network=large", "learner.steps=6", "+rewards.new=1e-9", "run=null", "count=3")
    tool.save_resolved(tmp_path / "config.yaml")
    again = build(f"config={tmp_path / 'config.yaml'}")
    assert again.model_dump() == tool.model_dump()
    assert build(f"config={tmp_path / 'config.yaml'}", "learner.steps=8").learner.steps == 8
    assert f"config {tmp_path / 'config.yaml'}" in again.resolved_text()


def test_a_saved_config_cannot_choose_classes_or_read_the_environment(build: Build, tmp_path: Path) -> None:
    for text in ("_target_: os.system\n", "run: ${oc.env:HOME}\n", "a: &a 1\nb: *a\n"):
        (tmp_path / "x.yaml").write_text(text)
        with pytest.raises(ConfigError, match=r"x\.yaml"):
            build(f"config={tmp_path / 'x.yaml'}")


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["learner.step=3"], r"learner has no key 'step'\. Did you mean 'learner.steps'"),
        (["leaner.steps=3"], r"Did you mean 'learner.steps'"),
        (["gamma=0.5"], r"Did you mean 'learner.gamma'"),
        (["conut=3"], r"Unknown key 'conut'\. Did you mean 'count'"),
        (["learner.gamma=abc"], r"learner.gamma=abc: expected a number"),
        (["learner.gamma=2"], r"learner.gamma=2: expected less than or equal to 1"),
        (["learner.kind=adamm"], r"expected 'adam' or 'adamw'\. Did you mean 'adam' or 'adamw'"),
        (["learner.fast=maybe"], r"expected true or false"),
        (["learner.steps=3"], r"^learner.steps=3 is odd"),
        (["learner.steps=1.5"], r"expected a whole number"),
        (["learner.steps=2,4"], r"sweeps come with"),
        (["learner=quik"], r"Did you mean 'quick'.*Choices of learner: quick, site"),
        (["learner=quick,site"], r"sweeps come with"),
        (
            ["network=large", "network.dept=1"],
            r"network \(type large\) has no key 'dept'\. Did you mean 'network.depth'",
        ),
        (["network=small", "network.depth=1"], r"It is a key of network=large"),
        (["levels.7.size=1"], r"expected an index from 0 to 1"),
        (["rewards.hart=1"], r"has no entry 'hart'\. Did you mean 'heart'.*\+rewards.hart=1"),
        (["+rewards.heart=1"], r"is there already"),
        (["~rewards.nothing"], r"has no entry"),
        (["~learner.steps=51"], r"nothing deleted"),
        (["learner.steps.x=1"], r"it has no keys"),
        (["count=many"], r"count=many: expected a whole number"),
        (["count.x=1"], r"is an argument of the recipe"),
        (["config=/nowhere.yaml"], r"Cannot read /nowhere.yaml"),
        (["config=x", "count=1"], r"an argument of the recipe, which config= replaces"),
        (["learner.gama=1", "learner.stepz=1"], r"(?s)gama.*stepz"),
        (["system.device=gpu"], r"system.device=gpu: expected"),
    ],
)
def test_mistakes(build: Build, overrides: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build(*overrides)


def test_a_missing_argument_and_a_wrong_return(sample: Any) -> None:
    with pytest.raises(ConfigError, match=r"needs word=<value>"):
        sample.build("sample", "needy")
    with pytest.raises(ConfigError, match=r"returned a int, expected a sample tool"):
        sample.build("liar", "alpha")


def test_a_text_s_form_is_told(build: Build) -> None:
    with pytest.raises(ConfigError, match=r"system.device=gpu: expected the form \(auto\|cpu\|cuda"):
        build("system.device=gpu")
