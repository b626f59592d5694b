"""The scorecard: policies x simulations x metrics, each a mean over episodes with its interval."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from metta.checkpoint.manager import load_policy
from metta.common.atomic import write_atomic
from metta.common.config import Config
from metta.common.errors import ConfigError
from metta.common.uri import PolicyUri, parse_policy_uri, resolve_latest, to_uri
from metta.common.vector_env import EpisodeRecord
from metta.eval.statistics import MetricSummary, summarize_episodes
from metta.sim.simulation import run_simulation
from metta.sim.simulation_config import SimulationConfig
from metta.sim.stats.episode_store import EpisodeStore, PolicyIdentity

Progress = Callable[[str, str, float], None]
"""Called with (policy URI, simulation key, fraction done)."""


class Scorecard(Config):
    """``policies[uri]["suite/name"][metric]`` -> ``MetricSummary``; ``scorecard.json`` is this model's JSON."""

    policies: dict[str, dict[str, dict[str, MetricSummary]]]

    def means(self, uri: str) -> dict[str, dict[str, float]]:
        """``{"suite/name": {metric: mean}}`` of one policy: what a training run logs."""
        return {
            simulation: {metric: summary.mean for metric, summary in metrics.items()}
            for simulation, metrics in self.policies[uri].items()
        }


@dataclass(frozen=True, slots=True)
class SimulationResult:
    """The episodes that one policy played on one simulation."""

    policy: PolicyIdentity
    simulation: SimulationConfig
    episodes: tuple[EpisodeRecord, ...]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Everything that an evaluation found: the summary and the episodes behind it."""

    scorecard: Scorecard
    results: tuple[SimulationResult, ...]
    seed: int
    greedy: bool

    def save_episodes(self, path: Path) -> None:
        """Add the episodes to the DuckDB file at ``path``."""
        with EpisodeStore(path) as store:
            for result in self.results:
                store.add_simulation(
                    result.simulation, result.policy, result.episodes, seed=self.seed, greedy=self.greedy
                )


def resolve_policies(uris: Iterable[str]) -> tuple[PolicyIdentity, ...]:
    """What the URIs mean now: folders become their latest policy; one that is named twice is kept once.

    Raises:
        CheckpointError: a folder or file that holds no policy.
        ConfigError: a URI that cannot be read.
    """
    found: dict[str, PolicyIdentity] = {}
    for text in uris:
        uri = parse_policy_uri(text)
        identity = _identify(uri)
        found.setdefault(identity.uri, identity)
    return tuple(found.values())


def _identify(uri: PolicyUri) -> PolicyIdentity:
    if uri.path is None:
        return PolicyIdentity(str(uri), hashlib.sha256(str(uri).encode()).hexdigest())
    path = resolve_latest(uri.path)
    with path.open("rb") as file:
        return PolicyIdentity(to_uri(path), hashlib.file_digest(file, "sha256").hexdigest())


def evaluate_policies(
    simulations: Sequence[SimulationConfig],
    policy_uris: Iterable[str],
    *,
    seed: int,
    greedy: bool = False,
    device: str = "cpu",
    on_progress: Progress | None = None,
) -> Evaluation:
    """Play every simulation with every policy and summarise.

    All policies meet the same worlds, because these depend on ``seed`` and the simulation only. Every policy acts
    for all agents of an environment. Touches no global random state.

    Raises:
        ConfigError: two simulations of the same ``suite/name``.
        CheckpointError: a policy is missing, damaged, or made for another game.
    """
    keys = [simulation.key for simulation in simulations]
    if twice := sorted({key for key in keys if keys.count(key) > 1}):
        raise ConfigError(f"simulations {twice} occur twice; each suite/name is one key of the scorecard. Rename one.")
    results: list[SimulationResult] = []
    for identity in resolve_policies(policy_uris):
        for simulation in simulations:
            episodes = run_simulation(
                simulation,
                lambda spec, uri=identity.uri: load_policy(uri, spec, device),
                seed=seed,
                greedy=greedy,
                on_progress=_bound(on_progress, identity.uri, simulation.key),
            )
            results.append(SimulationResult(identity, simulation, tuple(episodes)))
    return Evaluation(_score(results, seed), tuple(results), seed, greedy)


def _bound(progress: Progress | None, uri: str, key: str) -> Callable[[float], None] | None:
    return None if progress is None else lambda fraction: progress(uri, key, fraction)


def _score(results: Iterable[SimulationResult], seed: int) -> Scorecard:
    policies: dict[str, dict[str, dict[str, MetricSummary]]] = {}
    for result in results:
        row = policies.setdefault(result.policy.uri, {})
        row[result.simulation.key] = summarize_episodes(result.episodes, seed)
    return Scorecard(policies=policies)


def policy_scorer(
    simulations: Sequence[SimulationConfig], *, greedy: bool = False, device: str = "cpu"
) -> Callable[[str, int], dict[str, dict[str, float]]]:
    """``(uri, seed) -> {"suite/name": {metric: mean}}``: what EvaluationHook is handed. Writes nothing."""

    def score(uri: str, seed: int) -> dict[str, dict[str, float]]:
        evaluation = evaluate_policies(simulations, (uri,), seed=seed, greedy=greedy, device=device)
        (resolved,) = evaluation.scorecard.policies
        return evaluation.scorecard.means(resolved)

    return score


def write_scorecard(path: Path, scorecard: Scorecard) -> None:
    """Write ``scorecard.json`` atomically."""
    write_atomic(path, (scorecard.model_dump_json(indent=2) + "\n").encode())
