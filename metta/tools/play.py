"""Lets a person play."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Self

from pydantic import Field, model_validator

from metta.agent.policies.policy_uri import check_policy_uris
from metta.common.errors import ConfigError, ExitCode
from metta.mettagrid.config.game import MettaGridConfig
from metta.sim.simulation_config import SimulationConfig
from metta.tools.tool import Tool

if TYPE_CHECKING:
    from metta.sim.terminal.play_game import PlayGame


class PlayTool(Tool):
    """Steer one agent in the terminal with the keyboard; the policy steers the others.

    Arrow keys move (moving into an object uses it), ``a`` attacks, ``.`` waits, tab takes over another agent, space
    lets the world run or pauses it, ``q`` leaves.
    """

    simulation: SimulationConfig = Field(description="the game; its num_episodes is not used")
    policy_uri: str = Field(
        default="mock://noop", description="who steers the others: file:// (a folder means its latest), mock://"
    )
    greedy: bool = Field(default=False, description="others take the likeliest action instead of sampling")
    steps_per_second: float = Field(default=5.0, gt=0, le=100, description="speed of the running world at first")
    paused: bool = Field(default=True, description="begin paused: the world waits for each of your actions")
    replay_path: str | None = Field(default=None, description="write the last episode as a replay to this file")

    @model_validator(mode="after")
    def _needs_our_game(self) -> Self:
        if not isinstance(self.simulation.env, MettaGridConfig):
            raise ValueError("play knows MettaGrid games; simulation.env is a Gymnasium environment.")
        return self

    def invoke(self) -> int:
        """Play until the person leaves.

        Raises:
            ConfigError: standard input or output is no terminal.
            CheckpointError: the policy is missing, damaged or made for another game.
        """
        import sys

        from rich.console import Console

        if not (sys.stdin.isatty() and sys.stdout.isatty()):
            raise ConfigError(
                "play reads keys and draws a screen, but standard input or output is no terminal. "
                "Run it in a terminal, or use `replay`, which also writes to a pipe."
            )
        check_policy_uris("policy_uri", [self.policy_uri])  # before torch is loaded
        from metta.mettagrid.replay.writer import write_replay
        from metta.sim.terminal.play_session import PlaySession, run_play

        console = Console()
        game = self._make_game()
        try:
            run_play(PlaySession(game, steps_per_second=self.steps_per_second, paused=self.paused), console)
            mean = float(game.tally.total.mean())
            summary = f"{game.step} steps in episode {game.episode + 1}, mean reward {mean:.3f} per agent"
            console.print(summary, highlight=False)
            if self.replay_path is not None:
                path = Path(self.replay_path).expanduser().absolute()
                write_replay(path, game.replay())
                console.print(str(path), soft_wrap=True, highlight=False, markup=False)
        finally:
            game.close()
        return ExitCode.OK

    def _make_game(self) -> PlayGame:
        from metta.checkpoint.manager import load_policy
        from metta.eval.scorecard import resolve_policies
        from metta.rl.torch_setup import setup_torch
        from metta.sim.terminal.play_game import PlayGame

        config, system = self.simulation.env, self.system
        assert isinstance(config, MettaGridConfig)  # the validator has seen to it
        device = str(setup_torch(seed=system.seed, threads=system.torch_threads, device=system.device))
        (policy,) = resolve_policies((self.policy_uri,))
        return PlayGame(
            config,
            lambda spec: load_policy(policy.uri, spec, device),
            seed=system.seed,
            greedy=self.greedy,
            policy=policy.uri,
        )
