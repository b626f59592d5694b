"""Episodes in a DuckDB file: four tables, bulk inserts, files that merge.

::

    policies(policy_id, uri, sha256)
    simulations(simulation_id, policy_id, suite, name, seed, greedy, num_episodes, config)
    episodes(episode_id, simulation_id, env, episode, length, terminated, truncated)
    agent_metrics(episode_id, agent_id, group_id, metric, value)      long format: a row a number
    game_metrics(episode_id, metric, value)

Identifiers are hashes of content (policy bytes, simulation config, seed), so the same evaluation has the same
identifiers everywhere: writing it twice, or merging two files that both hold it, adds nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import duckdb
import numpy as np
from numpy.typing import NDArray

from metta.common.errors import MettaError, ShapeContractError
from metta.common.vector_env import EpisodeRecord

if TYPE_CHECKING:
    from metta.sim.simulation_config import SimulationConfig

SCHEMA_VERSION = 1

_SCHEMA = """
CREATE TABLE IF NOT EXISTS policies (policy_id VARCHAR PRIMARY KEY, uri VARCHAR NOT NULL, sha256 VARCHAR NOT NULL);
CREATE TABLE IF NOT EXISTS simulations (
  simulation_id VARCHAR PRIMARY KEY, policy_id VARCHAR NOT NULL, suite VARCHAR NOT NULL, name VARCHAR NOT NULL,
  seed BIGINT NOT NULL, greedy BOOLEAN NOT NULL, num_episodes INTEGER NOT NULL, config JSON NOT NULL);
CREATE TABLE IF NOT EXISTS episodes (
  episode_id VARCHAR PRIMARY KEY, simulation_id VARCHAR NOT NULL, env INTEGER NOT NULL, episode INTEGER NOT NULL,
  length INTEGER NOT NULL, terminated BOOLEAN NOT NULL, truncated BOOLEAN NOT NULL);
CREATE TABLE IF NOT EXISTS agent_metrics (
  episode_id VARCHAR NOT NULL, agent_id INTEGER NOT NULL, group_id INTEGER NOT NULL, metric VARCHAR NOT NULL,
  value DOUBLE NOT NULL);
CREATE TABLE IF NOT EXISTS game_metrics (episode_id VARCHAR NOT NULL, metric VARCHAR NOT NULL, value DOUBLE NOT NULL);
CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL);
"""
_TABLES = ("policies", "simulations", "episodes", "agent_metrics", "game_metrics")


@dataclass(frozen=True, slots=True)
class PolicyIdentity:
    """A policy as the store knows it: where it was read from and the SHA-256 of its bytes (mock policies: its URI)."""

    uri: str
    sha256: str

    @property
    def policy_id(self) -> str:
        return _digest("policy", self.uri, self.sha256)


class EpisodeStore:
    """A DuckDB file of episodes; a context manager.

    Raises:
        MettaError: the file is no DuckDB file, has a newer schema, or another process has it open.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._connection = duckdb.connect(str(path))
        except duckdb.Error as error:
            raise MettaError(
                f"cannot open the episode store {path}: {error} It must be a DuckDB file that no other process has "
                "open. Choose another output_dir=, or move the file away."
            ) from error
        try:
            self._prepare()
        except BaseException:
            self._connection.close()
            raise

    def _prepare(self) -> None:
        self._connection.execute(_SCHEMA)
        row = self._connection.execute("SELECT max(version) FROM schema_version").fetchone()
        found = row[0] if row else None
        if found is None:
            self._connection.execute("INSERT INTO schema_version VALUES (?)", [SCHEMA_VERSION])
        elif found != SCHEMA_VERSION:
            raise MettaError(
                f"{self.path} has schema version {found}, this program writes {SCHEMA_VERSION}. "
                "Choose another output_dir=, or read it with the version of metta that wrote it."
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._connection.close()

    def query(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Rows of a statement, for analysis and tests."""
        return self._connection.execute(sql, list(parameters)).fetchall()

    def add_simulation(
        self,
        simulation: SimulationConfig,
        policy: PolicyIdentity,
        episodes: Sequence[EpisodeRecord],
        *,
        seed: int,
        greedy: bool,
    ) -> str:
        """Write one simulation of one policy in one transaction; returns its id. Nothing changes if it is there."""
        simulation_id = _digest(policy.policy_id, simulation.digest(), str(seed), str(greedy))
        if self.query("SELECT 1 FROM simulations WHERE simulation_id = ?", [simulation_id]):
            return simulation_id
        ids = np.array([_digest(simulation_id, str(e.env), str(e.episode)) for e in episodes], dtype=object)
        config = json.dumps(simulation.model_dump(mode="json"), sort_keys=True)
        self._connection.begin()
        try:
            self._connection.execute(
                "INSERT OR IGNORE INTO policies VALUES (?, ?, ?)", [policy.policy_id, policy.uri, policy.sha256]
            )
            self._connection.execute(
                "INSERT INTO simulations VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                [simulation_id, policy.policy_id, simulation.suite, simulation.name, seed, greedy, len(ids), config],
            )
            self._insert("episodes", _episode_columns(simulation_id, ids, episodes))
            self._insert("agent_metrics", _agent_columns(ids, episodes))
            self._insert("game_metrics", _game_columns(ids, episodes))
            self._connection.commit()
        except BaseException:
            self._connection.rollback()
            raise
        return simulation_id

    def _insert(self, table: str, columns: Mapping[str, NDArray[Any]]) -> None:
        """Insert whole columns: DuckDB scans the arrays where they lie, no row passes through Python."""
        if not len(next(iter(columns.values()))):
            return
        self._connection.register("new_rows", dict(columns))
        try:
            self._connection.execute(f"INSERT INTO {table} ({', '.join(columns)}) SELECT * FROM new_rows")
        finally:
            self._connection.unregister("new_rows")

    def merge(self, other: Path) -> None:
        """Add everything from the store at ``other`` that is not here yet; ``other`` is only read.

        Raises:
            MettaError: ``other`` is missing, is no episode store or has another schema version.
        """
        if not other.is_file():
            raise MettaError(f"cannot merge {other}: there is no such file.")
        quoted = str(other).replace("'", "''")
        try:
            self._connection.execute(f"ATTACH '{quoted}' AS source (READ_ONLY)")
        except duckdb.Error as error:
            raise MettaError(f"cannot merge {other}: {error}") from error
        try:
            self._merge_attached(other)
        finally:
            self._connection.execute("DETACH source")

    def _merge_attached(self, other: Path) -> None:
        try:
            row = self._connection.execute("SELECT max(version) FROM source.schema_version").fetchone()
        except duckdb.Error as error:
            raise MettaError(f"cannot merge {other}: it is no episode store ({error}).") from error
        if not row or row[0] != SCHEMA_VERSION:
            raise MettaError(f"cannot merge {other}: schema version {row and row[0]}, expected {SCHEMA_VERSION}.")
        self._connection.begin()
        try:
            for table in ("agent_metrics", "game_metrics"):  # before episodes: they tell what is new
                self._connection.execute(
                    f"INSERT INTO {table} SELECT m.* FROM source.{table} m "
                    "WHERE m.episode_id NOT IN (SELECT episode_id FROM episodes)"
                )
            for table in ("policies", "simulations", "episodes"):
                self._connection.execute(f"INSERT OR IGNORE INTO {table} SELECT * FROM source.{table}")
            self._connection.commit()
        except BaseException:
            self._connection.rollback()
            raise

    def counts(self) -> dict[str, int]:
        """Rows per table."""
        return {table: int(self.query(f"SELECT count(*) FROM {table}")[0][0]) for table in _TABLES}


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:24]


def _episode_columns(
    simulation_id: str, ids: NDArray[Any], episodes: Sequence[EpisodeRecord]
) -> dict[str, NDArray[Any]]:
    return {
        "episode_id": ids,
        "simulation_id": np.full(len(ids), simulation_id, dtype=object),
        "env": np.array([e.env for e in episodes], dtype=np.int32),
        "episode": np.array([e.episode for e in episodes], dtype=np.int32),
        "length": np.array([e.length for e in episodes], dtype=np.int32),
        "terminated": np.array([e.terminated for e in episodes], dtype=np.bool_),
        "truncated": np.array([e.truncated for e in episodes], dtype=np.bool_),
    }


def _agent_columns(ids: NDArray[Any], episodes: Sequence[EpisodeRecord]) -> dict[str, NDArray[Any]]:
    """Long format, ordered by (episode, metric, agent). ``reward`` is a metric like the others.

    Agents that never entered their episode have no rows.
    """
    blocks: list[tuple[NDArray[Any], ...]] = []
    for episode_id, episode in zip(ids, episodes, strict=True):
        stats = {"reward": episode.rewards.astype(np.float64), **episode.agent_stats}
        names, num_agents = sorted(stats), len(episode.rewards)
        if wrong := {name: len(values) for name, values in stats.items() if len(values) != num_agents}:
            raise ShapeContractError(f"agent_stats hold {wrong} numbers, expected one for each of {num_agents} agents.")
        groups = np.zeros(num_agents, dtype=np.int32) if episode.group_ids is None else episode.group_ids
        agents = episode.of_those_who_entered(np.arange(num_agents, dtype=np.int32))
        blocks.append(
            (
                np.full(len(names) * len(agents), episode_id, dtype=object),
                np.tile(agents, len(names)),
                np.tile(groups.astype(np.int32)[agents], len(names)),
                np.repeat(np.array(names, dtype=object), len(agents)),
                np.concatenate([stats[name][agents] for name in names]),
            )
        )
    keys = ("episode_id", "agent_id", "group_id", "metric", "value")
    return {key: np.concatenate(parts) for key, parts in zip(keys, zip(*blocks, strict=True), strict=True)}


def _game_columns(ids: NDArray[Any], episodes: Sequence[EpisodeRecord]) -> dict[str, NDArray[Any]]:
    rows = [(i, name, float(e.game_stats[name])) for i, e in zip(ids, episodes, strict=True) for name in e.game_stats]
    return {
        "episode_id": np.array([row[0] for row in rows], dtype=object),
        "metric": np.array([row[1] for row in rows], dtype=object),
        "value": np.array([row[2] for row in rows], dtype=np.float64),
    }
