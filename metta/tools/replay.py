"""Records an episode and shows it, or shows a recording."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Self

from pydantic import Field, model_validator

from metta.agent.policies.policy_uri import check_policy_uris
from metta.common.errors import ExitCode
from metta.mettagrid.config.game import MettaGridConfig
from metta.sim.simulation_config import SimulationConfig
from metta.tools.tool import Tool

if TYPE_CHECKING:
    from metta.mettagrid.replay.format import Replay
    from metta.mettagrid.replay.reader import ReplayPlayer


class ReplayTool(Tool):
    """Record one episode of a policy, write the replay file and show it in the terminal.

    In a terminal the replay can be played, paused and stepped through; into a pipe plain frames are printed.
    """

    simulation: SimulationConfig = Field(description="the game; its num_episodes is not used")
    policy_uri: str = Field(
        default="mock://random", description="who plays: file:// (a folder means its latest), mock://"
    )
    greedy: bool = Field(default=False, description="take the likeliest action instead of sampling")
    max_steps: int | None = Field(default=None, ge=1, description="stop recording after so many steps")
    replay: str | None = Field(default=None, description="show this replay file instead of recording one")
    replay_path: str | None = Field(
        default=None, description="where to write the recording; absent: replays/ under the policy's run"
    )
    show: bool = Field(default=True, description="show the replay after recording")
    steps_per_second: float = Field(default=20.0, gt=0, le=500, description="speed of playing at first")
    frame_every: int = Field(default=100, ge=1, description="steps between printed frames where there is no terminal")

    @model_validator(mode="after")
    def _needs_our_game(self) -> Self:
        if not isinstance(self.simulation.env, MettaGridConfig):
            raise ValueError("replay records MettaGrid games; simulation.env is a Gymnasium environment. Use evaluate.")
        return self

    def invoke(self) -> int:
        """Record or read, check, show.

        Raises:
            ReplayError: the file is damaged or does not play back.
            CheckpointError: the policy is missing, damaged or made for another game.
        """
        from metta.mettagrid.replay.reader import ReplayPlayer, read_replay
        from metta.mettagrid.replay.writer import write_replay

        if self.replay is not None:
            path = Path(self.replay).expanduser()
            replay = read_replay(path)
        else:
            check_policy_uris("policy_uri", [self.policy_uri])  # before torch is loaded
            replay, path = self._record()
            write_replay(path, replay)
        player = ReplayPlayer(replay)
        try:
            player.verify()
            self._show(player)
        finally:
            player.close()
        header = replay.header
        print(
            f"{path}: {header.num_steps} steps, {header.num_agents} agents, {path.stat().st_size:,} bytes; "
            "played again, every recorded hash agrees"
        )
        return ExitCode.OK

    def _show(self, player: ReplayPlayer) -> None:
        import sys

        from rich.console import Console

        from metta.sim.terminal.replay_session import ReplaySession, print_replay, run_replay

        if self.show and sys.stdin.isatty() and sys.stdout.isatty():
            run_replay(ReplaySession(player, steps_per_second=self.steps_per_second), Console())
        elif self.show:
            print_replay(player, Console(), frame_every=self.frame_every)

    def _record(self) -> tuple[Replay, Path]:
        from metta.checkpoint.manager import load_policy
        from metta.common.uri import parse_policy_uri
        from metta.eval.scorecard import resolve_policies
        from metta.mettagrid.replay.format import SUFFIX
        from metta.rl.torch_setup import setup_torch
        from metta.sim.output_place import place_for
        from metta.sim.replay_log_writer import record_episode

        system, simulation = self.system, self.simulation
        assert isinstance(simulation.env, MettaGridConfig)  # the validator has seen to it
        device = str(setup_torch(seed=system.seed, threads=system.torch_threads, device=system.device))
        (policy,) = resolve_policies((self.policy_uri,))
        recording = record_episode(
            simulation.env,
            lambda spec: load_policy(policy.uri, spec, device),
            seed=system.seed,
            greedy=self.greedy,
            policy=policy.uri,
            max_steps=self.max_steps,
        )
        if self.replay_path is not None:
            return recording, Path(self.replay_path).expanduser().absolute()
        place, label = place_for(parse_policy_uri(policy.uri), system.data_dir)
        name = f"{simulation.suite}-{simulation.name}-{label}-seed{system.seed}{SUFFIX}"
        return recording, place / "replays" / name
