"""The older networks that were published build on the arena, act, learn and go into artifacts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from metta.agent.network_config import load_network
from metta.agent.policy import build_policy
from metta.agent.policy_config import NetworkPolicyConfig
from metta.checkpoint.manager import CheckpointManager, load_trained
from metta.common.run_dir import RunDir
from metta.envs.env_config import make_env
from metta.mettagrid.builder.envs import make_arena
from metta.mettagrid.vec_env_config import VecEnvConfig
from metta.rl.trainer import Trainer
from metta.rl.trainer_config import TrainerConfig
from tests.agent.legacy.old_configs import PUBLISHED

ARENA = VecEnvConfig(env=make_arena(6).replace({"game.max_steps": 24}), num_envs=2)
TWO_EPOCHS = TrainerConfig().replace(
    {"total_timesteps": 12 * 4 * 2, "batch_size": 12 * 4, "minibatch_size": 24, "bptt_horizon": 4, "update_epochs": 1}
)


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.parametrize("name", PUBLISHED)
def test_two_epochs_on_the_arena_and_back_from_the_artifact(name: str, tmp_path: Path) -> None:
    env = make_env(ARENA, seed=0)
    config = NetworkPolicyConfig(network=load_network(f"legacy/{name}"))
    policy = build_policy(config, env.spec, seed=0)
    before = {key: tensor.clone() for key, tensor in policy.state_dict().items()}
    run_dir = RunDir.at(tmp_path, "old").create()
    trainer = Trainer(TWO_EPOCHS, env, policy, run_dir, seed=0)
    trainer.train()
    assert trainer.state.epoch == 2
    after = policy.state_dict()
    # Planes 12 to 22 were those of another environment: on the arena that tower sees next to nothing, and stays.
    still = [key for key, tensor in before.items() if torch.equal(tensor, after[key]) and ".world_cnn" not in key]
    assert still == []
    again = load_trained(
        CheckpointManager(run_dir).save_policy(policy, epoch=2, agent_step=96), env.spec, torch.device("cpu")
    )
    obs = torch.as_tensor(env.recv(0).observations)
    inputs = {"env_obs": obs, "first": torch.ones(len(obs), dtype=torch.bool)}
    for one in (policy.eval(), again.eval()):
        one.init_memory(len(obs))
    assert torch.equal(policy.values_only(inputs), again.values_only(inputs))
    env.close()


def test_reference_design_clips_its_weights_as_it_says() -> None:
    spec = make_env(ARENA, seed=0).spec
    network = load_network("legacy/reference_design")
    policy = build_policy(NetworkPolicyConfig(network=network), spec, seed=0)
    encoded: Any = policy.network["encoded_obs"]
    weight = encoded.linear.weight
    largest = float(weight.detach().abs().max())
    policy.after_step()
    with torch.no_grad():
        weight[0, 0] = 100.0
    policy.after_step()
    assert weight[0, 0].item() == pytest.approx(3 * largest)
