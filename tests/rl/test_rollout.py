"""What a rollout writes down: each flag and reward in the column of the action that caused it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from metta.agent.policy import Policy, build_policy
from metta.agent.policy_config import BagLstmConfig, MlpConfig
from metta.common.stopwatch import Stopwatch
from metta.common.vector_env import VectorEnv
from metta.mettagrid.builder.envs import make_arena
from metta.mettagrid.config.systems import PopulationConfig
from metta.mettagrid.maps.map_config import RandomMapConfig
from metta.mettagrid.vec_env import make_vec_env
from metta.mettagrid.vec_env_config import VecEnvConfig
from metta.rl.advantage import compute_gae
from metta.rl.context import RolloutStats, StopRequested
from metta.rl.experience import Experience
from metta.rl.loss.base import build_losses
from metta.rl.objective import normalize
from metta.rl.rollout import collect
from metta.rl.signals import StopFlag
from metta.rl.trainer_config import TrainerConfig


def make(env: VectorEnv, config: TrainerConfig) -> tuple[Policy, Experience]:
    policy = build_policy(MlpConfig(hidden_sizes=(8,)), env.spec, seed=0)
    policy.init_memory(env.num_rows)
    return policy, Experience(env.spec, config, env.num_rows, has_action_mask=True, policy_spec=policy.experience_spec)


def run(env: VectorEnv, policy: Policy, experience: Experience, seed: int = 0, stop: Any = None) -> RolloutStats:
    generator = torch.Generator().manual_seed(seed)
    return collect(env, policy, experience, generator=generator, stopwatch=Stopwatch(), stop=stop or StopFlag())


@pytest.fixture
def played(corridor: Callable[..., Any], small: TrainerConfig) -> tuple[Any, Policy, Experience, RolloutStats]:
    env = corridor(4, seed=5)
    policy, experience = make(env, small)
    return env, policy, experience, run(env, policy, experience)


def test_columns_tell_the_story_of_each_row(played: tuple[Any, Policy, Experience, RolloutStats]) -> None:
    """Walk every row with the rules of the corridor: each column must follow from the one before."""
    _, _, experience, _ = played
    line = {key: view.tolist() for key, view in experience.timelines.items()}
    ends = 0
    for row in range(4):
        cells = [round(obs[0] * 5) for obs in line["env_obs"][row]]
        for t in range(experience.num_steps - 1):
            if not line["valid"][row][t]:
                assert line["first"][row][t + 1], "after the final observation comes a new episode"
                assert line["rewards"][row][t] == 0
                assert not line["terminated"][row][t]
                continue
            action = line["action"][row][t]
            assert line["action_mask"][row][t][action]
            assert cells[t + 1] == cells[t] + (-1, 1, 0)[action]
            assert line["terminated"][row][t] == (cells[t + 1] == 4)
            ended = line["terminated"][row][t] or line["truncated"][row][t]
            assert line["valid"][row][t + 1] == (not ended)
            assert not line["first"][row][t + 1]
            assert line["rewards"][row][t] == pytest.approx(1.0 if cells[t + 1] == 4 else -0.1 * (action == 2))
            ends += ended
    assert ends > 3
    assert experience.buffer["truncated"].any(), "the test needs both kinds of ends"
    assert experience.buffer["terminated"].any()


def test_what_was_recorded_is_what_the_policy_says(played: tuple[Any, Policy, Experience, RolloutStats]) -> None:
    """Log-probability and value of the rollout equal those of `evaluate` with the same weights."""
    _, policy, experience, _ = played
    output = policy.evaluate(experience.buffer)
    for key in ("act_log_prob", "values"):
        torch.testing.assert_close(output[key].detach(), experience.buffer[key], rtol=1e-5, atol=1e-6)


def test_bootstrap_is_the_value_of_the_next_observation(played: tuple[Any, Policy, Experience, RolloutStats]) -> None:
    env, policy, experience, _ = played
    for slot in range(2):
        batch = env.recv(slot)
        values = policy.values_only({"env_obs": torch.from_numpy(batch.observations)})
        torch.testing.assert_close(experience.bootstrap[batch.rows], values)


def test_episodes_and_steps_are_counted(played: tuple[Any, Policy, Experience, RolloutStats]) -> None:
    _, _, experience, stats = played
    assert stats.agent_steps == 64
    # An end that the last column led to is recorded too: its final observation is the next rollout's first column.
    ends = int((experience.buffer["terminated"] | experience.buffer["truncated"]).sum())
    assert stats.num_episodes == ends == len(stats.records)


def test_rollouts_go_on_where_the_last_one_ended(corridor: Callable[..., Any], small: TrainerConfig) -> None:
    """Two rollouts of 16 steps see what one of 32 sees."""
    long = small.replace({"batch_size": 128})
    env, other = corridor(4, seed=5), corridor(4, seed=5)
    policy, experience = make(env, long)
    generator, again = torch.Generator().manual_seed(3), torch.Generator().manual_seed(3)
    tools: dict[str, Any] = {"stopwatch": Stopwatch(), "stop": StopFlag()}
    collect(env, policy, experience, generator=generator, **tools)
    _, short = make(other, small)
    halves = []
    for _ in range(2):
        collect(other, policy, short, generator=again, **tools)
        halves.append({key: view.clone() for key, view in short.timelines.items()})
    for key in ("env_obs", "action", "rewards", "terminated", "truncated", "valid", "first"):
        both = torch.cat([half[key] for half in halves], dim=1)
        assert torch.equal(both, experience.timeline(key)), key


def test_same_seed_same_experience(corridor: Callable[..., Any], small: TrainerConfig) -> None:
    buffers = []
    for _ in range(2):
        env = corridor(4, seed=5)
        policy, experience = make(env, small)
        run(env, policy, experience, seed=9)
        buffers.append(experience.buffer)
    assert (buffers[0] == buffers[1]).all()


def test_a_signal_stops_between_two_steps(corridor: Callable[..., Any], small: TrainerConfig) -> None:
    env = corridor(4, seed=5)
    policy, experience = make(env, small)
    stop = StopFlag()
    stop.set(15)
    with pytest.raises(StopRequested):
        run(env, policy, experience, stop=stop)


def turnover() -> VectorEnv:
    """Agents 0 and 1 from the start, 2 and 3 enter after steps 3 and 7, everybody leaves after six steps."""
    game = make_arena(4).replace(
        {
            "game.map": RandomMapConfig(width=8, height=8, objects={"mine_red": 3, "altar": 1}),
            "game.objects.mine_red.cooldown": 1,
            "game.systems.population": PopulationConfig(initial_agents=2, enter_steps=(3, 7), stay=6),
            "game.max_steps": 40,
        }
    )
    batch = VecEnvConfig(env=game, num_envs=2, num_slots=2, num_threads=1, desync_episodes=False)
    return make_vec_env(batch, seed=3)


@pytest.fixture
def turned_over(small: TrainerConfig) -> Experience:
    env = turnover()
    config = small.replace({"batch_size": 256, "bptt_horizon": 16, "minibatch_size": 64})
    policy = build_policy(BagLstmConfig(), env.spec, seed=0)
    policy.init_memory(env.num_rows)
    experience = Experience(
        env.spec,
        config,
        env.num_rows,
        has_action_mask=True,
        policy_spec=policy.experience_spec,
        memory_spec=policy.memory_spec,
    )
    run(env, policy, experience)
    env.close()
    line = experience.timeline
    compute_gae(
        line("values"),
        line("rewards"),
        line("terminated"),
        line("truncated"),
        experience.bootstrap,
        0.9,
        0.8,
        out=line("advantages"),
    )
    line("returns").copy_(line("advantages") + line("values"))
    return experience


def test_agents_that_are_away_do_not_count(turned_over: Experience) -> None:
    """Rows are valid exactly while their agent is there: row 2 enters after step 3, row 3 after step 7."""
    valid = turned_over.timeline("valid").tolist()
    first = turned_over.timeline("first").tolist()
    # All are gone after step 13, the 14th step begins anew.
    for row, (start, end) in enumerate([(0, 6), (0, 6), (3, 9), (7, 13)]):
        for env_row in (row, row + 4):
            assert [t for t in range(14) if valid[env_row][t]] == list(range(start, end))
            assert [t for t in range(1, 14) if first[env_row][t]] == ([start] if start else [])
            assert valid[env_row][14] == (row < 2)
            assert first[env_row][14]
    assert not turned_over.timeline("rewards")[~turned_over.timeline("valid")].any()


def test_what_stands_in_ignored_columns_changes_nothing(turned_over: Experience) -> None:
    """Advantages of the steps that count do not depend on values of the ones that do not."""
    line = turned_over.timeline
    valid = line("valid")
    changed = torch.where(valid, line("values"), 1e3)
    # The final observation of a truncated episode is the one ignored column whose value is needed.
    assert not line("truncated").any()
    bootstrap = turned_over.bootstrap
    advantages, _ = compute_gae(changed, line("rewards"), line("terminated"), line("truncated"), bootstrap, 0.9, 0.8)
    assert torch.equal(advantages[valid], line("advantages")[valid])
    assert bool(line("values").isfinite().all()), "an observation without any token still has a value"


def test_losses_ignore_agents_that_are_away(turned_over: Experience) -> None:
    """Rewriting the ignored columns leaves every loss and its gradient as it was."""
    env = turnover()
    policy = build_policy(BagLstmConfig(), env.spec, seed=0)
    env.close()
    found: list[list[float]] = []
    for shift in (0.0, 50.0):
        batch = turned_over.buffer.clone()
        ignored = ~batch["valid"]
        assert ignored.any()
        for key in ("advantages", "returns", "act_log_prob"):
            batch[key] = batch[key] + shift * ignored
        batch["advantages"] = normalize(batch["advantages"], batch["valid"])
        output = policy.evaluate(batch)
        total = sum(loss(batch, output).loss for loss in build_losses(TrainerConfig().losses).values())
        policy.zero_grad()
        assert isinstance(total, torch.Tensor)
        total.backward()
        grads = [float(p.grad.norm()) for p in policy.parameters() if p.grad is not None]
        assert any(grads)
        found.append([float(total.detach()), *grads])
    assert found[0] == pytest.approx(found[1], rel=1e-5, abs=1e-7)


def test_leaving_ends_no_episode(small: TrainerConfig) -> None:
    """One record per environment and episode, however many agents came and went; returns of the gone are kept."""
    env = turnover()
    policy = build_policy(BagLstmConfig(), env.spec, seed=0)
    policy.init_memory(env.num_rows)
    config = small.replace({"batch_size": 128, "bptt_horizon": 16, "minibatch_size": 64})
    experience = Experience(
        env.spec,
        config,
        env.num_rows,
        has_action_mask=True,
        policy_spec=policy.experience_spec,
        memory_spec=policy.memory_spec,
    )
    stats = run(env, policy, experience)
    env.close()
    assert stats.num_episodes == 2
    rewards = experience.timeline("rewards")[:, :13].sum(dim=1).view(2, 4)
    for record in stats.records:
        assert (record.length, record.terminated, record.truncated) == (13, True, False)
        assert record.rewards.tolist() == pytest.approx(rewards[record.env].tolist(), abs=1e-5)
