"""Every preset of the registry learns on the arena, is saved, and acts from the file as it did in the trainer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import TypeAdapter

from metta.agent.policies.registry import NETWORKS
from metta.agent.policy import build_policy
from metta.agent.policy_config import PolicyConfig
from metta.checkpoint.manager import CheckpointManager, load_trained
from metta.common.run_dir import RunDir
from metta.envs.env_config import make_env
from metta.mettagrid.builder.envs import make_arena
from metta.mettagrid.vec_env_config import VecEnvConfig
from metta.rl.trainer import Trainer
from metta.rl.trainer_config import TrainerConfig

CONFIG = TrainerConfig().replace(
    {"total_timesteps": 192, "batch_size": 96, "minibatch_size": 48, "bptt_horizon": 8, "update_epochs": 1}
)
SMALL: dict[str, Any] = {
    "latent_dim": 16,
    "core_size": 16,
    "core_heads": 2,
    "latent_heads": 2,
    "memory_size": 8,
    "bag_width": 16,
    "conv1_channels": 8,
    "conv2_channels": 8,
    "lstm_size": 16,
    "hidden_sizes": (16,),
}


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.parametrize("preset", sorted(set(NETWORKS) - {"network"}))
def test_it_learns_is_saved_and_comes_back(preset: str, tmp_path: Path) -> None:
    parse: Any = TypeAdapter(PolicyConfig).validate_python
    fields = type(parse({"type": preset})).model_fields
    config = parse({"type": preset, **{key: value for key, value in SMALL.items() if key in fields}})
    kind = "box" if preset == "mlp" else "tokens"
    game = make_arena(6).replace({"game.max_steps": 12, "game.obs.kind": kind})
    env = make_env(VecEnvConfig(env=game, num_envs=2, num_threads=1), seed=0)
    policy = build_policy(config, env.spec, seed=7)
    before = {key: value.clone() for key, value in policy.state_dict().items()}
    run_dir = RunDir.at(tmp_path, preset).create()
    trainer = Trainer(CONFIG, env, policy, run_dir, seed=7)
    trainer.train_epoch()
    trainer.train_epoch()
    assert [key for key, value in policy.state_dict().items() if not torch.equal(value, before[key])]
    uri = CheckpointManager(run_dir).save_policy(policy, epoch=2, agent_step=192)
    loaded = load_trained(uri, env.spec)
    assert loaded.config == config
    data = {key: trainer.experience.buffer[key][:6] for key in ("env_obs", "first", "action", "action_mask")}
    memory = {f"memory/{name}": trainer.experience.buffer[f"memory/{name}"][:6] for name in policy.memory_spec}
    one, two = (each.evaluate(data | memory) for each in (policy, loaded))
    assert all(torch.equal(one[key], two[key]) for key in one)
    env.close()
