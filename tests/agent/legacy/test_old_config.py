"""Reading the older style: what counts as it, and how sources and arguments may be written."""

from __future__ import annotations

import pytest

from metta.agent.legacy.old_config import Source, is_legacy, read_old_config
from tests.agent.legacy.old_configs import agent, old, small


def test_styles_are_told_apart() -> None:
    assert is_legacy(small())
    assert not is_legacy({"components": [{"name": "a", "class": "MLP"}]})
    assert not is_legacy({"type": "fast"})
    assert not is_legacy(None)


def test_sources_in_all_their_forms() -> None:
    tree = agent(
        {
            "a": old("x.Linear"),
            "b": old("x.Linear", "a", {"name": "a"}, {"name": "a", "slice": [1, 3], "dim": -1}),
            "c": {"_target_": "Linear", "sources": "a"},
        }
    )
    config = read_old_config(tree)
    assert config.faults == []
    assert config.components["a"].sources == ()
    assert config.components["b"].sources == (Source("a"), Source("a"), Source("a", (1, 3), -1))
    assert config.components["c"].sources == (Source("a"),)
    assert config.components["c"].class_name == "Linear"


def test_arguments_stand_beside_or_inside_nn_params() -> None:
    tree = agent({"a": old("x.Linear", output_size=3, nn_params={"bias": False}, clip_scale=2)}, clip_range=3.0)
    config = read_old_config(tree)
    assert config.components["a"].arguments == {"bias": False, "output_size": 3}
    assert config.components["a"].options == {"clip_scale": 2}
    assert (config.clip_range, config.analyze_weights_interval, config.obs_key) == (3.0, 300, "grid_obs")


@pytest.mark.parametrize(
    ("component", "message"),
    [
        ("text", r"components.a='text' is no component"),
        ({"sources": None}, r"components.a._target_ is missing"),
        ({"_target_": 3}, r"components.a._target_ is 3"),
        ({"_target_": "x.Linear", "name": "b"}, r"components.a.name='b' is another name"),
        ({"_target_": "x.Linear", "nn_params": [1]}, r"components.a.nn_params=\[1\] is no mapping"),
        ({"_target_": "x.Linear", "bias": 1, "nn_params": {"bias": 2}}, r"bias=1 here and 2 in nn_params"),
        ({"_target_": "x.Linear", "sources": 4}, r"components.a.sources=4: expected a list"),
        ({"_target_": "x.Linear", "sources": [{"slice": [0, 1]}]}, r"has no name"),
        ({"_target_": "x.Linear", "sources": [{"name": "b", "slice": [0]}]}, r"slice=\[0\]: expected \[start, end\]"),
        ({"_target_": "x.Linear", "sources": [{"name": "b", "dim": 0}]}, r"dim=0: .* batch"),
    ],
)
def test_what_cannot_be_read_is_said(component: object, message: str) -> None:
    faults = read_old_config(agent({"a": component})).faults
    assert len(faults) == 1
    with pytest.raises(AssertionError, match=message):
        raise AssertionError(faults[0])


def test_headers() -> None:
    assert "components is empty." in read_old_config(agent({})).faults
    faults = read_old_config(agent({"a": old("x.Linear")}, observations=3, clip_range="much")).faults
    assert len(faults) == 2
