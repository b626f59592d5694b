"""One walk: a network from YAML, trained on the arena, steered while it trains, exported clean, loaded again."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import torch
from safetensors.torch import load_file

from metta.agent.network_builder import NetworkBuilder
from metta.checkpoint.artifact import load_artifact
from metta.checkpoint.manager import load_trained


def command(process: Any, *words: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "metta.cli.main", *words, f"system.data_dir={process.root.parent}"]
    return subprocess.run(line, capture_output=True, text=True, check=False, timeout=200)


def test_from_yaml_to_a_clean_export(start: Callable[..., Any]) -> None:
    process = start("trainer.total_timesteps=10_000_000", policy=("network=actor_critic",))
    process.wait_until(lambda: process.rows >= 2)
    wrong = command(process, "control", "run=demo", "frozen_components=[encodr]")
    assert wrong.returncode == 2
    assert "Did you mean 'encoder'?" in wrong.stderr
    steered = command(process, "control", "run=demo", "frozen_components=[encoder]", "component_lr.policy=1e-5")
    assert steered.returncode == 0, steered.stderr
    frozen_at = process.rows
    process.wait_until(lambda: process.rows >= frozen_at + 7)  # two policies are saved meanwhile
    assert command(process, "control", "run=demo", "stop").returncode == 0
    process.finish()
    rows = [json.loads(line) for line in (process.root / "metrics.jsonl").read_text().splitlines()]
    assert not rows[1].get("control/encoder/frozen")
    assert rows[-1]["control/encoder/frozen"] == 1

    first, last = sorted((process.root / "checkpoints").glob("*.mpt"), key=lambda path: int(path.stem.split("v")[-1]))[
        -2:
    ]
    (before, _), (after, meta) = load_artifact(first), load_artifact(last)
    changed = {name.split(".")[1] for name in after if not after[name].equal(before[name])}
    assert "encoder" not in changed
    assert {"trunk", "policy", "critic"} <= changed

    exported = command(process, "export", f"policy_uri=file://{last}")
    assert exported.returncode == 0, exported.stderr
    (folder,) = (process.root / "exports").iterdir()
    policy = load_trained(f"file://{last}", None)
    network = NetworkBuilder().build_from_config(meta.architecture["network"], meta.env_spec)
    network.load_state_dict(load_file(folder / "weights.safetensors"))
    obs = torch.randint(0, 255, (5, *meta.env_spec.obs_shape), dtype=torch.uint8)
    data = {"env_obs": obs, "first": torch.zeros(5, dtype=torch.bool)}
    expected = policy.network(dict(data))
    assert network(dict(data))["logits"].equal(expected["logits"])
    description = json.loads((folder / "export.json").read_text())
    graph = torch.export.load(folder / "network.pt2").module()
    logits = dict(zip([tensor["key"] for tensor in description["outputs"]], graph(obs), strict=True))["logits"]
    torch.testing.assert_close(logits, expected["logits"], rtol=1e-4, atol=1e-5)
