"""Networks as data: spellings, names of files, nothing of torch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from metta.agent.network_config import NETWORKS_DIR, NetworkConfig, load_network, read_network
from metta.agent.symbols import ShapeVariable
from metta.common.errors import ConfigError

ENCODER: dict[str, Any] = {"name": "encoder", "class": "LinearModule", "in_keys": "observation", "out_keys": ["f"]}


def test_a_config_survives_json_and_yaml() -> None:
    shape = (ShapeVariable("batch", [(">=", 1)]), "seq_len <= 2048", 512)
    network = NetworkConfig.model_validate(
        {"input_shapes": {"observation": shape}, "components": [ENCODER | {"config": {"sizes": (1, 2)}}]}
    )
    assert network.input_shapes == {"observation": ("batch", "seq_len", 512)}
    assert network.symbols == {"batch": ((">=", 1),), "seq_len": (("<=", 2048),)}
    assert network.components[0].in_keys == ("observation",)
    dumped = network.model_dump(mode="json")
    assert dumped["components"][0]["class"] == "LinearModule"
    assert NetworkConfig.model_validate(dumped) == network


def test_symbols_may_stand_apart() -> None:
    data = {"input_shapes": {"x": ["seq", 4]}, "symbols": {"seq": ">= 1, <= 64"}, "components": [ENCODER]}
    assert NetworkConfig.model_validate(data).symbols == {"seq": ((">=", 1), ("<=", 64))}
    with pytest.raises(ConfigError, match=r"input_shapes.x=64 is no list of sizes"):
        NetworkConfig.model_validate({"input_shapes": {"x": 64}, "components": [ENCODER]})


def test_replace_reaches_into_components() -> None:
    network = NetworkConfig.model_validate({"components": [ENCODER]})
    assert network.replace({"components.0.config.out_features": 3}).components[0].config == {"out_features": 3}


def test_files_are_found_by_name_and_by_path(tmp_path: Path) -> None:
    by_name = load_network("actor_critic")
    assert by_name == load_network(str(NETWORKS_DIR / "actor_critic.yaml")) == read_network("actor_critic")
    assert read_network(by_name) is by_name
    with pytest.raises(ConfigError, match=r"no network 'actor_critc'.*Did you mean 'actor_critic'"):
        load_network("actor_critc")
    with pytest.raises(ConfigError, match="Cannot read"):
        load_network(str(tmp_path / "none.yaml"))


def test_torch_is_not_imported() -> None:
    code = "import sys, metta.agent.network_config; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
