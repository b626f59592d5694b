"""The episode store: what goes in comes out, writing twice and merging add nothing twice."""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import pytest

from metta.common.errors import MettaError, ShapeContractError
from metta.common.vector_env import EpisodeRecord
from metta.mettagrid.builder.envs import make_arena
from metta.sim.simulation_config import SimulationConfig
from metta.sim.stats.episode_store import SCHEMA_VERSION, EpisodeStore, PolicyIdentity

SIMULATION = SimulationConfig(suite="arena", name="basic", env=make_arena(3), num_episodes=2)
RANDOM = PolicyIdentity("mock://random", "0" * 64)
TRAINED = PolicyIdentity("file:///runs/demo/checkpoints/demo:v3.mpt", "1" * 64)


def episodes(seed: int, count: int = 2, agents: int = 3) -> list[EpisodeRecord]:
    rng = np.random.default_rng(seed)
    return [
        EpisodeRecord(
            env=index,
            episode=0,
            length=10 + index,
            rewards=rng.normal(size=agents).astype(np.float32),
            terminated=False,
            truncated=True,
            agent_stats={"heart.gained": rng.integers(0, 5, agents).astype(np.float64)},
            game_stats={"tokens_dropped": float(index)},
            group_ids=np.array([0, 0, 1][:agents]),
        )
        for index in range(count)
    ]


def test_numbers_come_back_as_they_were(tmp_path: Path) -> None:
    written = episodes(0)
    with EpisodeStore(tmp_path / "deep" / "stats.duckdb") as store:
        store.add_simulation(SIMULATION, TRAINED, written, seed=7, greedy=False)
    with EpisodeStore(tmp_path / "deep" / "stats.duckdb") as store:
        rows = store.query(
            "SELECT e.env, m.agent_id, m.group_id, m.value FROM agent_metrics m JOIN episodes e USING (episode_id) "
            "WHERE m.metric = ? ORDER BY e.env, m.agent_id",
            ["reward"],
        )
        assert rows == [
            (e.env, agent, (0, 0, 1)[agent], float(e.rewards[agent])) for e in written for agent in range(3)
        ]
        assert store.query(
            "SELECT uri, suite, name, seed, greedy FROM simulations JOIN policies USING (policy_id)"
        ) == [(TRAINED.uri, "arena", "basic", 7, False)]
        assert store.query("SELECT avg(value) FROM agent_metrics WHERE metric = 'heart.gained'")[0][0] == (
            pytest.approx(np.mean([e.agent_stats["heart.gained"] for e in written]))
        )
        assert store.query("SELECT value FROM game_metrics ORDER BY value") == [(0.0,), (1.0,)]
        assert store.query("SELECT length, terminated, truncated FROM episodes ORDER BY env")[1] == (11, False, True)


def test_the_config_can_be_read_back(tmp_path: Path) -> None:
    with EpisodeStore(tmp_path / "stats.duckdb") as store:
        store.add_simulation(SIMULATION, RANDOM, episodes(0), seed=0, greedy=False)
        (text,) = store.query("SELECT config FROM simulations")[0]
    assert SimulationConfig.model_validate_json(text) == SIMULATION


def test_writing_the_same_evaluation_twice_adds_nothing(tmp_path: Path) -> None:
    with EpisodeStore(tmp_path / "stats.duckdb") as store:
        first = store.add_simulation(SIMULATION, RANDOM, episodes(0), seed=0, greedy=False)
        counts = store.counts()
        assert store.add_simulation(SIMULATION, RANDOM, episodes(0), seed=0, greedy=False) == first
        assert store.counts() == counts
        assert store.add_simulation(SIMULATION, RANDOM, episodes(1), seed=1, greedy=False) != first
        assert store.counts()["episodes"] == 2 * counts["episodes"]
        assert store.counts()["policies"] == 1


def test_files_merge_and_overlap_is_kept_once(tmp_path: Path) -> None:
    left, right = tmp_path / "left.duckdb", tmp_path / "it's right.duckdb"
    with EpisodeStore(left) as store:
        store.add_simulation(SIMULATION, RANDOM, episodes(0), seed=0, greedy=False)
    with EpisodeStore(right) as store:
        store.add_simulation(SIMULATION, RANDOM, episodes(0), seed=0, greedy=False)
        store.add_simulation(SIMULATION, TRAINED, episodes(2), seed=0, greedy=False)
        both = store.counts()
        everything = store.query("SELECT * FROM agent_metrics ORDER BY ALL")
    with EpisodeStore(left) as store:
        store.merge(right)
        assert store.counts() == both
        assert store.query("SELECT * FROM agent_metrics ORDER BY ALL") == everything
        store.merge(right)
        assert store.counts() == both


def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    broken = episodes(0)
    broken[1].agent_stats = {"heart.gained": np.array([1.0, 2.0])}  # one agent is missing
    with EpisodeStore(tmp_path / "stats.duckdb") as store:
        with pytest.raises(ShapeContractError, match=r"'heart\.gained': 2.*3 agents"):
            store.add_simulation(SIMULATION, RANDOM, broken, seed=0, greedy=False)
        assert not any(store.counts().values())


def test_merging_something_else_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.duckdb"
    duckdb.connect(str(other)).close()
    with EpisodeStore(tmp_path / "stats.duckdb") as store:
        with pytest.raises(MettaError, match="no episode store"):
            store.merge(other)
        with pytest.raises(MettaError, match="no such file"):
            store.merge(tmp_path / "absent.duckdb")
        assert not any(store.counts().values())


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    path = tmp_path / "stats.duckdb"
    path.write_text("not a database" * 100)
    with pytest.raises(MettaError, match=r"stats\.duckdb.*output_dir="):
        EpisodeStore(path)


def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "stats.duckdb"
    with EpisodeStore(path) as store:
        store.query("UPDATE schema_version SET version = ?", [SCHEMA_VERSION + 1])
    with pytest.raises(MettaError, match=f"schema version {SCHEMA_VERSION + 1}"):
        EpisodeStore(path)


def test_thousands_of_rows_are_inserted_as_columns(tmp_path: Path) -> None:
    with EpisodeStore(tmp_path / "stats.duckdb") as store:
        store.add_simulation(SIMULATION, RANDOM, episodes(0, count=2000), seed=0, greedy=False)
        assert store.counts()["agent_metrics"] == 2000 * 3 * 2
