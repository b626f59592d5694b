"""The trainer on the native engine: masks hold, memory survives, resumed runs equal undisturbed ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from metta.agent.policy import build_policy
from metta.agent.policy_config import BagConfig, BagLstmConfig, FastConfig, MlpConfig, default_policy_config
from metta.checkpoint.trainer_state import TrainerStateStore
from metta.common.run_dir import RunDir
from metta.envs.env_config import make_env
from metta.mettagrid.builder.envs import make_arena
from metta.mettagrid.config.game import MettaGridConfig
from metta.mettagrid.spec import env_spec
from metta.mettagrid.vec_env_config import VecEnvConfig
from metta.rl.trainer import Trainer
from metta.rl.trainer_config import TrainerConfig

ARENA = make_arena(6).replace({"game.max_steps": 24})
CONFIG = TrainerConfig().replace(
    {"total_timesteps": 24 * 16 * 4, "batch_size": 24 * 16, "minibatch_size": 96, "bptt_horizon": 8}
)


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


Preset = BagConfig | BagLstmConfig | FastConfig | MlpConfig


def make(
    tmp_path: Path, policy: Preset, num_threads: int = 1, num_slots: int = 2, game: MettaGridConfig = ARENA
) -> Trainer:
    env = make_env(VecEnvConfig(env=game, num_envs=4, num_threads=num_threads, num_slots=num_slots), seed=0)
    network = build_policy(policy, env.spec, seed=7)
    run_dir = RunDir.at(tmp_path, "arena").create()
    return Trainer(CONFIG, env, network, run_dir, seed=7, state_store=TrainerStateStore(run_dir))


def assert_same_state(one: Trainer, two: Trainer) -> None:
    left, right = one.state_dict().tensors, two.state_dict().tensors
    assert left.keys() == right.keys()
    assert not [name for name in left if not torch.equal(torch.as_tensor(left[name]), torch.as_tensor(right[name]))]


@pytest.mark.parametrize("preset", [BagConfig(bag_width=16, hidden_sizes=(16,)), BagLstmConfig(bag_width=16)])
def test_resumed_equals_uninterrupted(tmp_path: Path, preset: BagConfig | BagLstmConfig) -> None:
    """After every epoch a new trainer takes over from the disk, and still reaches the bytes of one go."""
    whole = make(tmp_path / "whole", preset)
    whole.train()
    part = make(tmp_path / "parts", preset)
    part.train_epoch()
    while not part.finished:
        part = make(tmp_path / "parts", preset)
        assert part.state_store is not None
        snapshot = part.state_store.load_newest()
        assert snapshot is not None
        part.load_state(snapshot)
        part.train_epoch()
    assert part.state.agent_step == whole.state.agent_step
    assert_same_state(whole, part)


def test_engine_threads_change_nothing(tmp_path: Path) -> None:
    preset = BagConfig(bag_width=16, hidden_sizes=(16,))
    one, three = make(tmp_path / "1", preset, num_threads=1), make(tmp_path / "3", preset, num_threads=3)
    one.train()
    three.train()
    assert_same_state(one, three)


def test_chosen_actions_are_allowed_and_ends_are_marked(tmp_path: Path) -> None:
    trainer = make(tmp_path, BagConfig(bag_width=16, hidden_sizes=(16,)))
    episodes = 0
    for _ in range(4):
        episodes += trainer.train_epoch().rollout.num_episodes
        data = trainer.experience.buffer
        assert data["action_mask"].gather(-1, data["action"].unsqueeze(-1)).all()
        line = trainer.experience.timeline
        ended = line("terminated") | line("truncated")
        assert torch.equal(ended[:, :-1], ~line("valid")[:, 1:])
        assert torch.equal(line("first")[:, 1:], ~line("valid")[:, :-1])
        assert (line("rewards")[~line("valid")] == 0).all()
    assert episodes > 0


def test_recorded_values_equal_evaluated_ones_with_memory(tmp_path: Path) -> None:
    """A recurrent policy sees in `evaluate` what it saw in the rollout: memory at segment starts, resets inside."""
    trainer = make(tmp_path, BagLstmConfig(bag_width=16))
    trainer.train_epoch()
    data = trainer.experience.buffer
    fresh = make(tmp_path / "fresh", BagLstmConfig(bag_width=16))
    output = fresh.policy.evaluate(data)  # the weights that the rollout was made with
    assert (data["first"][:, 1:]).any(), "the test needs an episode that begins inside a segment"
    torch.testing.assert_close(output["values"].detach(), data["values"], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(output["act_log_prob"].detach(), data["act_log_prob"], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "preset", [MlpConfig(hidden_sizes=(16,)), FastConfig(lstm_size=16, encoder_size=16, conv1_kernel=3, conv1_stride=1)]
)
def test_boxes_with_a_global_state_are_trained_on(tmp_path: Path, preset: MlpConfig | FastConfig) -> None:
    """The presets that take boxes learn from the engine's; the state stands beside them, for critics that read it."""
    game = ARENA.replace(
        {"game.obs.kind": "box", "game.obs.width": 7, "game.obs.height": 7, "game.obs.global_state": True}
    )
    assert isinstance(default_policy_config(env_spec(game).obs_kind), MlpConfig)
    trainer = make(tmp_path, preset, game=game)
    before = [parameter.clone() for parameter in trainer.policy.parameters()]
    trainer.train_epoch()
    data = trainer.experience.buffer
    assert data["env_obs"].dtype == torch.uint8
    assert data["env_obs"][..., 0, 3, 3].all(), "each agent stands in the middle of its box"
    assert data["action_mask"].gather(-1, data["action"].unsqueeze(-1)).all()
    assert any(not torch.equal(old, new) for old, new in zip(before, trainer.policy.parameters(), strict=True))
