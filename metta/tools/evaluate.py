"""Scores policies on simulations."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field, field_validator

from metta.agent.policies.policy_uri import check_policy_uris
from metta.common.errors import ExitCode
from metta.sim.simulation_config import SimulationConfig
from metta.tools.tool import Tool

if TYPE_CHECKING:
    from metta.eval.scorecard import Evaluation
    from metta.sim.stats.episode_store import PolicyIdentity


class EvaluateTool(Tool):
    """Score policies on simulations; prints a table, writes ``scorecard.json`` and ``stats.duckdb``.

    >>> from metta.mettagrid.builder.envs import make_arena
    >>> simulation = SimulationConfig(suite="arena", name="basic", env=make_arena(6))
    >>> EvaluateTool(simulations=(simulation,), policy_uris="mock://random").policy_uris
    ('mock://random',)
    """

    simulations: tuple[SimulationConfig, ...] = Field(min_length=1, description="what is played")
    policy_uris: tuple[str, ...] = Field(
        default=("mock://random",),
        min_length=1,
        description="file:// policies (a folder means its latest), mock://random, mock://arena_teacher, ...",
    )
    num_episodes: int | None = Field(default=None, ge=1, description="episodes a simulation, instead of its own number")
    greedy: bool = Field(default=False, description="take the likeliest action instead of sampling")
    output_dir: str | None = Field(
        default=None, description="where the results go; absent: evaluations/ under the first file policy's run"
    )

    @field_validator("policy_uris", mode="before")
    @classmethod
    def _one_is_a_list(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    def invoke(self) -> int:
        """Evaluate, print, write.

        Raises:
            CheckpointError: a policy is missing, damaged or made for another game.
        """
        check_policy_uris("policy_uris", self.policy_uris)  # before torch is loaded
        from rich.console import Console

        from metta.eval.scorecard import resolve_policies, write_scorecard
        from metta.eval.table import print_scorecard

        policies = resolve_policies(self.policy_uris)
        output_dir = self._resolve_output_dir(policies)
        evaluation = self._evaluate(policies)
        self.save_resolved(output_dir / "config.yaml")
        write_scorecard(output_dir / "scorecard.json", evaluation.scorecard)
        evaluation.save_episodes(output_dir / "stats.duckdb")
        console = Console()
        print_scorecard(console, evaluation.scorecard)
        for name in ("scorecard.json", "stats.duckdb"):
            console.print(str(output_dir / name), soft_wrap=True, highlight=False, markup=False)
        return ExitCode.OK

    def _evaluate(self, policies: tuple[PolicyIdentity, ...]) -> Evaluation:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

        from metta.eval.scorecard import evaluate_policies
        from metta.rl.torch_setup import setup_torch

        device = str(setup_torch(seed=self.system.seed, threads=self.system.torch_threads, device=self.system.device))
        simulations = self.simulations
        if self.num_episodes is not None:
            simulations = tuple(sim.replace({"num_episodes": self.num_episodes}) for sim in simulations)
        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
        with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
            tasks: dict[tuple[str, str], Any] = {}

            def show(uri: str, key: str, fraction: float) -> None:
                if (uri, key) not in tasks:
                    label = f"{uri.rsplit('/', 1)[-1]} on {key}"
                    tasks[uri, key] = progress.add_task(label, total=1.0)
                progress.update(tasks[uri, key], completed=fraction)

            return evaluate_policies(
                simulations,
                [policy.uri for policy in policies],
                seed=self.system.seed,
                greedy=self.greedy,
                device=device,
                on_progress=show,
            )

    def _resolve_output_dir(self, policies: tuple[PolicyIdentity, ...]) -> Path:
        """``<run>/evaluations/<suites>-<version>``: the same evaluation finds the same place again."""
        from metta.common.uri import parse_policy_uri
        from metta.sim.output_place import place_for

        if self.output_dir is not None:
            return Path(self.output_dir).expanduser().absolute()
        suites = "+".join(sorted({simulation.suite for simulation in self.simulations}))
        uris = [parse_policy_uri(policy.uri) for policy in policies]
        first = next((uri for uri in uris if uri.path is not None), uris[0])
        base, label = place_for(first, self.system.data_dir)
        return base / "evaluations" / f"{suites}-{label}"
