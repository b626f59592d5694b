"""evaluate_policies with real policies on real games."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from metta.agent.policy import build_policy
from metta.agent.policy_config import BagConfig
from metta.checkpoint.manager import CheckpointManager
from metta.common.errors import CheckpointError, ConfigError
from metta.common.run_dir import RunDir
from metta.eval.scorecard import (
    Scorecard,
    evaluate_policies,
    policy_scorer,
    resolve_policies,
    write_scorecard,
)
from metta.eval.statistics import MetricSummary
from metta.mettagrid.builder.envs import make_arena
from metta.mettagrid.spec import env_spec
from metta.sim.simulation_config import SimulationConfig
from metta.sim.stats.episode_store import EpisodeStore

GAME = make_arena(4).replace({"game.max_steps": 40})
SIMULATION = SimulationConfig(suite="arena", name="small", env=GAME, num_episodes=6)


@pytest.fixture
def run(tmp_path: Path) -> RunDir:
    """A run with the policies of two epochs."""
    run_dir = RunDir.at(tmp_path, "demo").create()
    manager = CheckpointManager(run_dir)
    for epoch in (2, 10):
        policy = build_policy(BagConfig(bag_width=8, hidden_sizes=(8,)), env_spec(GAME), seed=epoch)
        manager.save_policy(policy, epoch, agent_step=epoch)
    return run_dir


def test_a_folder_means_its_latest_and_names_are_kept_once(run: RunDir) -> None:
    latest = f"file://{run.checkpoints}/demo:v10.mpt"
    found = resolve_policies([str(run.checkpoints), latest, f"file://{run.root}", "mock://random", "mock://random"])
    assert [policy.uri for policy in found] == [latest, "mock://random"]
    assert found[0].sha256 != found[1].sha256


def test_a_missing_policy_is_refused_before_anything_is_played(run: RunDir) -> None:
    with pytest.raises(CheckpointError, match="v99"):
        resolve_policies([str(run.checkpoints / "demo:v99.mpt")])


def test_numbers_are_means_of_the_episodes(run: RunDir, tmp_path: Path) -> None:
    evaluation = evaluate_policies((SIMULATION,), [str(run.checkpoints), "mock://random"], seed=3)
    assert list(evaluation.scorecard.policies) == [f"file://{run.checkpoints}/demo:v10.mpt", "mock://random"]
    for result in evaluation.results:
        row = evaluation.scorecard.policies[result.policy.uri]["arena/small"]
        assert row["reward"].n == len(result.episodes) == 6
        assert row["reward"].mean == pytest.approx(np.mean([e.rewards.mean() for e in result.episodes]))
        hearts = np.mean([e.agent_stats["heart.gained"].mean() for e in result.episodes])
        assert row["heart.gained"].mean == pytest.approx(hearts)
        assert row["reward"].low <= row["reward"].mean <= row["reward"].high
    evaluation.save_episodes(tmp_path / "stats.duckdb")
    with EpisodeStore(tmp_path / "stats.duckdb") as store:
        assert store.counts()["episodes"] == 12
        assert store.counts()["policies"] == 2


def test_all_policies_meet_the_same_worlds(run: RunDir) -> None:
    """The objects on the maps, which only the world's seed decides, are the same for both."""
    evaluation = evaluate_policies((SIMULATION,), ["mock://noop", "mock://random"], seed=3)
    first, second = (
        [{k: v for k, v in e.game_stats.items() if k.startswith("objects.")} for e in result.episodes]
        for result in evaluation.results
    )
    assert first == second
    assert first[0]


def test_it_repeats_and_leaves_global_randomness_alone(run: RunDir) -> None:
    torch.manual_seed(1)
    np.random.seed(1)
    before = torch.random.get_rng_state(), str(np.random.get_state())
    first = evaluate_policies((SIMULATION,), [str(run.checkpoints)], seed=3).scorecard
    assert torch.equal(torch.random.get_rng_state(), before[0])
    assert str(np.random.get_state()) == before[1]
    assert evaluate_policies((SIMULATION,), [str(run.checkpoints)], seed=3).scorecard == first


def test_the_hook_gets_means(run: RunDir) -> None:
    scores = policy_scorer((SIMULATION,))(str(run.checkpoints), 3)
    card = evaluate_policies((SIMULATION,), [str(run.checkpoints)], seed=3).scorecard
    assert scores == card.means(f"file://{run.checkpoints}/demo:v10.mpt")
    assert isinstance(scores["arena/small"]["reward"], float)


def test_progress_names_policy_and_simulation() -> None:
    seen: list[tuple[str, str, float]] = []
    evaluate_policies((SIMULATION,), ["mock://noop"], seed=0, on_progress=lambda *call: seen.append(call))
    assert seen[-1] == ("mock://noop", "arena/small", 1.0)


def test_the_same_key_twice_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"\['arena/small'\] occur twice"):
        evaluate_policies((SIMULATION, SIMULATION), ["mock://noop"], seed=0)


def test_the_file_is_the_documented_json(tmp_path: Path) -> None:
    summary = MetricSummary(mean=1.5, low=1.0, high=2.0, n=10)
    scorecard = Scorecard(policies={"file:///x/demo:v3.mpt": {"arena/basic": {"reward": summary}}})
    path = tmp_path / "new" / "scorecard.json"
    write_scorecard(path, scorecard)
    assert json.loads(path.read_text()) == {
        "policies": {
            "file:///x/demo:v3.mpt": {"arena/basic": {"reward": {"mean": 1.5, "low": 1.0, "high": 2.0, "n": 10}}}
        }
    }
    assert Scorecard.model_validate_json(path.read_text()) == scorecard
