"""Older configs become present ones: order, arguments, the report, and all faults in one message."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from metta.agent.legacy.translate import translate, translate_file
from metta.agent.network_builder import NetworkBuilder
from metta.agent.network_config import NETWORKS_DIR, NetworkConfig, load_network
from metta.common.errors import ConfigError
from metta.common.yaml_file import parse_yaml
from tests.agent.legacy.old_configs import PUBLISHED, agent, heads, network_of, old, small


def by_name(tree: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {component["name"]: component for component in translate(tree).network["components"]}


def test_components_stand_in_the_order_of_their_sources() -> None:
    tree = small()
    tree["components"] = dict(reversed(tree["components"].items()))
    names = [component["name"] for component in translate(tree).network["components"]]
    assert names.index("_obs_") < names.index("cnn") < names.index("encoder") < names.index("_core_")
    assert names.index("_core_") < min(names.index("_value_"), names.index("_action_"))


def test_nodes_write_the_keys_of_policies() -> None:
    parts = by_name(small())
    assert parts["_obs_"]["in_keys"] == ["env_obs"]
    assert [parts[name]["out_keys"] for name in ("_core_", "_value_", "_action_")] == [["core"], ["values"], ["logits"]]
    # A leading underscore marks training signals, so no key has one.
    assert not [key for part in parts.values() for key in part["out_keys"] if key.startswith("_")]


def test_arguments_keep_their_meaning() -> None:
    parts = by_name(small())
    assert parts["cnn"]["config"] == {
        "out_channels": 3, "kernel_size": 3, "stride": 2, "activation": "relu", "gain": 1.0,
    }  # fmt: skip
    assert parts["encoder"]["config"] == {"out_features": 6, "activation": "tanh", "gain": 2**0.5}
    assert parts["_core_"]["config"] == {"hidden_size": 6, "num_layers": 2}
    assert parts["_action_"] == {
        "name": "_action_", "class": "BilinearActorHead", "config": {"embedding_dim": 4},
        "in_keys": ["actor_1"], "out_keys": ["logits"],
    }  # fmt: skip


def test_clipping_analysis_and_pull_to_the_first_weights_become_wrappers() -> None:
    tree = small(clip_range=3, analyze_weights_interval=50, l2_init_loss_coef=0.1, l2_init_weight_update_interval=7)
    tree["components"]["encoder"] |= {"clip_scale": 0.5, "l2_init_scale": 1.5, "effective_rank": True}
    tree["components"]["cnn"]["clip_scale"] = 0
    parts = by_name(tree)
    monitoring, pull = parts["encoder"]["wrappers"]
    assert monitoring == {"type": "weight_monitoring", "config": {"interval": 50, "clip_scale": 1.5}}
    assert pull["type"] == "regularized"
    assert pull["config"]["l2_init_scale"] == pytest.approx(0.15)
    assert pull["config"]["l2_init_update_interval"] == 7
    assert [wrapper["type"] for wrapper in parts["cnn"]["wrappers"]] == ["regularized"]
    assert "wrappers" not in by_name(small())["encoder"]


def test_the_report_names_what_has_no_meaning_any_more() -> None:
    tree = small(defaults=["_self_"], l2_init_weight_update_interval=5)
    tree["components"]["encoder"] |= {"clip_scale": 1, "l2_init_scale": 1.5}
    tree["components"]["flat"]["clip_scale"] = 1
    found = translate(tree)
    dropped = dict(found.dropped)
    assert "clip_range is 0" in dropped["components.encoder.clip_scale=1"]
    assert "trainer's config" in dropped["components.encoder.l2_init_scale=1.5"]
    assert dropped["components.flat.clip_scale=1"] == "the component has no weights"
    assert "'env_obs'" in dropped["observations.obs_key=grid_obs"]
    assert "no initial weights" in dropped["l2_init_weight_update_interval=5"]
    text = found.report()
    assert all(f"\n{name} " in text for name in tree["components"])
    assert "LinearModule encoder" in text
    assert "out_features=6, activation=tanh, gain=1.414" in text
    assert "defaults=['_self_']" in text


def test_slices_count_planes_without_the_batch() -> None:
    tree = network_of(
        {
            "part": old("merge_layer.ConcatMergeLayer", {"name": "planes", "slice": [1, 3], "dim": 1}),
            "rest": old("merge_layer.Concat", {"name": "planes", "slice": [0, 1], "dim": 1}, "part"),
            "cut": old("nn_layer_library.Flatten", {"name": "planes", "slice": [0, 2], "dim": -1}),
        },
        {"planes": [4, 5, 6]},
    )
    network = NetworkBuilder().build_from_config(tree)
    planes = torch.randn(2, 4, 5, 6)
    out = network({"planes": planes})
    assert torch.equal(out["part"], planes[:, 1:3])
    assert torch.equal(out["rest"], planes[:, [0, 1, 2]])
    assert torch.equal(out["cut"], planes[..., :2].flatten(1))


@pytest.mark.parametrize("kind", ["Add", "Subtract", "Mean"])
def test_merges(kind: str) -> None:
    parts = {"both": old(f"merge_layer.{kind}MergeLayer", "x", "y")}
    network = NetworkBuilder().build_from_config(network_of(parts, {"x": [3], "y": [3]}))
    x, y = torch.randn(2, 3), torch.randn(2, 3)
    expected = {"Add": x + y, "Subtract": x - y, "Mean": (x + y) / 2}[kind]
    torch.testing.assert_close(network({"x": x, "y": y})["both"], expected)


def test_layers_that_torch_has_and_reshapes_that_nobody_needs() -> None:
    parts = {
        "norm": old("nn_layer_library.BatchNorm1d", "x"),
        "drop": old("nn_layer_library.Dropout", "norm", nn_params={"p": 0.5}),
        "flat": old("reshape.BatchReshapeLayer", "drop"),
        "deep": old("nn_layer_library.ResNetMLP", "flat", output_size=4, nn_params={"depth": 4}),
        "same": old("nn_layer_library.Identity", "flat"),
        "xavier": old("nn_layer_library.Linear", "same", output_size=3, initialization="Xavier", nonlinearity=None),
    }
    network = NetworkBuilder().build_from_config(network_of(parts, {"x": [8]})).eval()
    out = network({"x": torch.randn(6, 8)})
    assert torch.equal(out["norm"], out["same"])
    assert out["deep"].shape == (6, 4)
    assert "flat" not in out
    xavier: Any = network["xavier"]
    assert float(xavier.linear.weight.detach().abs().max()) <= (6 / 11) ** 0.5


def test_the_shapes_of_seed_configs() -> None:
    """The two older snippets of the architecture papers: list of names, arguments beside or in ``_nn_params``."""
    one = parse_yaml(
        """
        input_shapes: {obs_processor: [64]}
        components:
          linear_1:
            _target_: metta.agent.lib.LinearModule
            in_features: 64
            out_features: 32
            sources: ["obs_processor"]
        """,
        "one",
        allow_targets=True,
    )
    other = parse_yaml(
        """
        input_shapes: {observation: [64]}
        components:
          encoder:
            _target_: metta.agent.lib.nn_layer_library.Linear
            name: encoder
            sources: [observation]
            _nn_params:
              out_features: 128
        """,
        "other",
        allow_targets=True,
    )
    for tree, key, name, width in ((one, "obs_processor", "linear_1", 32), (other, "observation", "encoder", 128)):
        network = NetworkBuilder().build_from_config(tree)
        assert network({key: torch.randn(4, 64)})[name].shape == (4, width)


def test_all_faults_in_one_message() -> None:
    tree = small(clip_rang=1, analyze_weights_interval=-1)
    parts = tree["components"]
    parts["encoder"]["_target_"] = "metta.agent.lib.nn_layer_library.Linaer"
    parts["cnn"]["nn_params"] = {"out_channels": 3, "kernel_size": 3, "strid": 2}
    parts["flat"]["sources"] = [{"name": "cn", "slcie": [0, 1]}]
    parts["actor_1"] |= {"nonlinearity": "nn.Tahn"}
    parts["_value_"]["output_size"] = 2
    parts["middle"] = old("misc.CenterPixel", "cnn")
    parts["bad"] = old("nn_layer_library.Linear", "cnn")
    parts["norms"] = old("nn_layer_library.LayerNorm", "_action_embeds_")
    parts["a"], parts["b"] = old("x.Identity", "b"), old("x.Identity", "a")
    with pytest.raises(ConfigError) as caught:
        translate(tree, "old.yaml")
    text = str(caught.value)
    for expected in (
        "old.yaml is in the older style and cannot be translated:",
        "- clip_rang: older configs have no such key; ",
        "Did you mean 'clip_range'?",
        "- analyze_weights_interval=-1: expected a whole number of 0 or more.",
        "_target_='metta.agent.lib.nn_layer_library.Linaer' is no class of older configs. Did you mean 'Linear'",
        "- components.cnn: Conv2d has no argument 'strid'; ",
        "Did you mean 'stride'?",
        "- components.flat reads 'cn', and there is no such component. Did you mean 'cnn'",
        "no 'slcie'. Did you mean 'slice'?",
        "nonlinearity='nn.Tahn' is unknown; there are",
        "Did you mean 'Tanh'?",
        "CenterPixel: picking the middle cell has no counterpart",
        "- components.bad (Linear): needs out_features; expected a whole number of 1 or more.",
        "- components.norms (LayerNorm): reads '_action_embeds_', which holds action embeddings",
        "circle: a <- b <- a",
        "- components._value_ (Linear): _value_ has output_size=2; a state has one value. Give 1.",
    ):
        assert expected in text, f"{expected}\n---\n{text}"
    assert "_core_ (" not in text  # it reads what has a fault, and is not complained about for that


def test_a_policy_needs_its_nodes() -> None:
    with pytest.raises(ConfigError, match=r"(?s)no component _action_.*no component _value_"):
        translate(agent({"one": old("x.Linear", output_size=3)}))
    with pytest.raises(ConfigError, match=r"reads one layer and one ActionEmbedding, got \['actor_1'\]"):
        translate(agent({**heads("grid_obs"), "_action_": old("actor.MettaActorBig", "actor_1")}))


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_networks_are_found_by_name_and_survive_as_yaml(name: str) -> None:
    translation = translate_file(NETWORKS_DIR / "legacy" / f"{name}.yaml")
    network = load_network(f"legacy/{name}")
    assert network == load_network(str(NETWORKS_DIR / "legacy" / f"{name}.yaml"))
    assert NetworkConfig.model_validate(parse_yaml(translation.to_yaml(), name)) == network
    with pytest.raises(ConfigError, match=f"Did you mean 'legacy/{name}'"):
        load_network(f"legacy/{name}x")


def test_torch_is_not_imported(tmp_path: Path) -> None:
    code = "import sys; from metta.agent.network_config import load_network; load_network('legacy/fast')"
    assert (
        subprocess.run([sys.executable, "-c", f"{code}; sys.exit('torch' in sys.modules)"], check=False).returncode == 0
    )
