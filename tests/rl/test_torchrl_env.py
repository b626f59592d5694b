"""TorchRL's own checker, unmodified, and what it does not look at."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torchrl.envs import EnvBase, GymWrapper, PettingZooWrapper, SerialEnv, check_env_specs

from metta.common.errors import ConfigError, EnvError, ShapeContractError
from metta.mettagrid.builder.envs import make_arena
from metta.mettagrid.maps.map_config import AsciiMapConfig
from metta.mettagrid.vec_env import make_vec_env
from metta.mettagrid.vec_env_config import VecEnvConfig
from metta.mettagrid.wrappers.gymnasium import MettaGridGymEnv
from metta.mettagrid.wrappers.pettingzoo import MettaGridPettingZooEnv
from metta.rl.torchrl_env import MettaGridTorchRLEnv

PAIRS = {"a": ["agent_0", "agent_2"], "b": ["agent_1"]}


def make(**kwargs: Any) -> MettaGridTorchRLEnv:
    return MettaGridTorchRLEnv("arena", **{"num_agents": 3, "max_steps": 15, **kwargs})


@pytest.mark.parametrize(
    "kwargs",
    [{}, {"num_envs": 4}, {"num_envs": 2, "group_map": PAIRS}, {"num_envs": 2, "action_space": "multi"}],
    ids=["one", "batch", "groups", "pairs"],
)
def test_torchrls_checker(kwargs: dict[str, Any]) -> None:
    env = make(**kwargs)
    check_env_specs(env)
    steps = env.rollout(40, break_when_any_done=False)
    assert steps["next", "done"].sum() == 2 * env.num_worlds
    env.close()


@pytest.mark.filterwarnings("ignore:PettingZoo in TorchRL is tested using version:UserWarning")
def test_torchrls_wrappers_take_our_other_environments() -> None:
    envs: list[EnvBase] = [
        PettingZooWrapper(MettaGridPettingZooEnv(num_agents=3), categorical_actions=True),
        PettingZooWrapper(MettaGridPettingZooEnv(num_agents=3), categorical_actions=True, use_mask=True),
        GymWrapper(MettaGridGymEnv(), categorical_action_encoding=True),
    ]
    for env in envs:
        check_env_specs(env)
        env.close()


def test_it_plays_what_the_engine_plays() -> None:
    env = make(num_envs=2, group_map=PAIRS, seed=4, max_steps=1000)
    batch = VecEnvConfig(env=make_arena(3), num_envs=2, num_slots=1, num_threads=1, desync_episodes=False)
    raw = make_vec_env(batch, seed=4)
    td = env.reset()
    rng = np.random.default_rng(0)
    order = [0, 2, 1]
    for _ in range(14):
        raw.recv(0)
        seen = torch.cat([td["a", "observation"], td["b", "observation"]], dim=1)
        np.testing.assert_array_equal(seen.numpy(), raw.observations.reshape(2, 3, 200, 3)[:, order])
        actions = rng.integers(0, 14, (2, 3), dtype=np.int32)
        td["a", "action"] = torch.from_numpy(actions[:, [0, 2]]).long()
        td["b", "action"] = torch.from_numpy(actions[:, [1]]).long()
        raw.send(0, actions.reshape(-1))
        td = env.step(td)["next"]
        rewards = torch.cat([td["a", "reward"], td["b", "reward"]], dim=1)[..., 0]
        raw.recv(0)
        np.testing.assert_array_equal(rewards.numpy(), raw.rewards.reshape(2, 3)[:, order])


def test_teams_are_groups() -> None:
    game = make_arena(3).replace(
        {
            "game.groups": {"red": {"id": 0}, "blue": {"id": 1}},
            "game.map": AsciiMapConfig(rows=("#####", "#RBR#", "#####"), legend={"R": "agent.red", "B": "agent.blue"}),
        }
    )
    env = MettaGridTorchRLEnv(game)
    assert env.group_map == {"red": ["agent_0", "agent_2"], "blue": ["agent_1"]}
    assert env.reset()["red", "observation"].shape == (1, 2, 200, 3)


def test_random_actions_obey_the_masks() -> None:
    env = make(num_envs=4)
    td = env.reset()
    for _ in range(10):
        td = env.rand_action(td)
        assert td["agent", "action_mask"].gather(-1, td["agent", "action"].unsqueeze(-1)).all()
        td = env.step(td)["next"]


def test_what_was_returned_never_changes() -> None:
    env = make(num_envs=2)
    kept: list[tuple[torch.Tensor, torch.Tensor]] = []
    td = env.reset()
    for _ in range(12):
        kept += [(td["agent", key], td["agent", key].clone()) for key in ("observation", "action_mask", "done")]
        td = env.step(env.rand_action(td))["next"]
    for tensor, copied in kept:
        assert torch.equal(tensor, copied)


def test_worlds_are_reset_one_by_one() -> None:
    env = make(num_envs=2)
    td = env.rand_action(env.reset())
    before = env.step(td)["next"].exclude(("agent", "reward"))
    before["_reset"] = torch.tensor([[True], [False]])
    after = env.reset(before.clone())
    assert torch.equal(after["agent", "observation"][1], before["agent", "observation"][1])
    assert not torch.equal(after["agent", "observation"][0], before["agent", "observation"][0])
    assert [env._vec.step_count(i) for i in range(2)] == [0, 1]


def test_seeds_repeat() -> None:
    env = make(num_envs=2)
    env.set_seed(3)
    first = env.reset()["agent", "observation"].clone()
    assert not torch.equal(env.reset()["agent", "observation"], first)
    env.set_seed(3)
    assert torch.equal(env.reset()["agent", "observation"], first)


def test_serial_env_of_batches() -> None:
    env = SerialEnv(2, lambda: make(num_envs=2))
    assert env.rollout(3).batch_size == (2, 2, 3)
    env.close()


def test_mistakes_are_named() -> None:
    with pytest.raises(ConfigError, match="group_map names"):
        make(group_map={"a": ["agent_0"]})
    env = make()
    with pytest.raises(EnvError, match="came before reset"):
        env.step(env.fake_tensordict())
    td = env.reset()
    td["agent", "action"] = torch.zeros(1, 3)
    with pytest.raises(ShapeContractError, match=r"\('agent', 'action'\) is torch.float32\[1, 3\] on cpu"):
        env.step(td)
    td["agent", "action"] = torch.zeros(1, 3, 2, dtype=torch.int64)
    with pytest.raises(ShapeContractError, match=r"int64\[1, 3, 2\] on cpu, expected integers \[1, 3\]"):
        env.step(td)
    td["agent", "action"] = torch.tensor([[0, 0, 2**32]])
    with pytest.raises(EnvError, match=r"actions\[2\] = 2147483647 is no action"):
        env.step(td)
    done = env.rollout(20)[:, -1]["next"]
    with pytest.raises(EnvError, match="world 0 has ended and was not reset"):
        env.step(env.rand_action(done))
    env.close()
    with pytest.raises(EnvError, match="was closed"):
        env.reset()
