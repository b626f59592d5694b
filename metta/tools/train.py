"""Trains a policy. The same command goes on with a run that was stopped, to the very bits of an undisturbed one."""

from __future__ import annotations

import contextlib
import logging
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from pydantic import Field, PrivateAttr, field_validator, model_validator

from metta.agent.policy_config import PolicyConfig, default_policy_config
from metta.checkpoint.config import CheckpointerConfig
from metta.common.atomic import remove_leftovers
from metta.common.errors import ConfigError, ExitCode, InterruptedBySignal
from metta.common.log import get_logger, setup_logging
from metta.common.run_dir import RunDir, RunLock, check_run_name
from metta.common.seeding import derive_seed
from metta.common.uri import artifact_name
from metta.envs.env_config import EnvConfig
from metta.rl.control.phases_config import PhaseConfig
from metta.rl.monitor.metrics_config import MetricsConfig
from metta.rl.trainer_config import TrainerConfig
from metta.rl.world import SOLO, World
from metta.sim.evaluator_config import EvaluatorConfig
from metta.tools.tool import Tool
from metta.tools.train_ranks import (
    SilentConsole,
    device_of_rank,
    in_world,
    launch_ranks,
    must_launch,
    ranks_of,
    sized_for_rank,
    threads_of_rank,
)
from metta.tools.train_resume import check_policies, check_same_run, default_run_name, note_machine
from metta.tools.train_sizes import FITTED, fit_sizes, keep_sizes, put_in, take_out
from metta.tracking.config import WandbConfig

if TYPE_CHECKING:
    import torch

    from metta.agent.policy import Policy
    from metta.checkpoint.trainer_state import TrainerSnapshot
    from metta.common.env_spec import EnvSpec
    from metta.common.vector_env import VectorEnv
    from metta.rl.control.commands import ControlBox
    from metta.rl.out_of_memory import MemoryGuard
    from metta.rl.signals import StopFlag
    from metta.rl.trainer import Trainer
    from metta.tracking.console import ConsoleLogger

_log = get_logger(__name__)


class TrainTool(Tool):
    """Train a policy in ``training_env``; writes ``<data_dir>/<run>``. The same ``run=`` again goes on where it was.

    >>> from metta.mettagrid.builder.envs import make_arena
    >>> from metta.mettagrid.vec_env_config import VecEnvConfig
    >>> TrainTool(run="demo", training_env=VecEnvConfig(env=make_arena(6))).trainer.gamma
    0.98
    """

    run: str | None = Field(default=None, description="name of the run; absent: local.<user>.<date>.<time>")
    trainer: TrainerConfig = Field(default_factory=TrainerConfig, description="length, batches, losses, optimizer")
    training_env: EnvConfig = Field(description="the environments to train in")
    policy_architecture: PolicyConfig | None = Field(
        default=None, description="network preset; absent: bag for token observations, mlp for boxes"
    )
    initial_policy_uri: str | None = Field(
        default=None, description="start from this policy's weights and architecture instead of random ones"
    )
    training_phases: dict[str, PhaseConfig] = Field(
        default_factory=dict[str, PhaseConfig], description="what holds in each phase of the training, in their order"
    )
    control_log: str | None = Field(
        default=None, description="replay the commands of another run: its folder, or its control/log.jsonl"
    )
    checkpointer: CheckpointerConfig = Field(default_factory=CheckpointerConfig, description="what is saved when")
    evaluator: EvaluatorConfig = Field(default_factory=EvaluatorConfig, description="scores during training")
    metrics: MetricsConfig = Field(default_factory=MetricsConfig, description="what is watched and where it is told")
    wandb: WandbConfig = Field(default_factory=WandbConfig, description="Weights & Biases; off by default")

    _fitted: tuple[str, ...] = PrivateAttr(default=())

    @field_validator("run")
    @classmethod
    def _run_is_a_name(cls, run: str | None) -> str | None:
        return None if run is None else check_run_name(run)

    @field_validator("training_env")
    @classmethod
    def _resets_in_the_next_step(cls, env: EnvConfig) -> EnvConfig:
        """What an episode's last row bootstraps from must be in the rollout itself (docs/decisions/0002)."""
        if env.type == "mettagrid" and env.autoreset != "next_step":
            raise ValueError(
                f"training_env.autoreset={env.autoreset!r}, but the trainer reads an episode's final observation from "
                "the rollout itself. Set training_env.autoreset=next_step."
            )
        return env

    @model_validator(mode="after")
    def _sizes_that_nobody_set(self) -> Self:
        fitted = fit_sizes(self)
        put_in(self, fitted)
        self._fitted = tuple(f"{section}.{name}" for section, values in fitted.items() for name in values)
        return self

    @property
    def fitted(self) -> tuple[str, ...]:
        """Dotted paths of the sizes that nobody set."""
        return self._fitted

    def as_made(self) -> Self:
        return take_out(self, self._fitted)

    def replace(self, changes: Mapping[str, Any]) -> Self:
        """A new tool with ``changes`` applied; sizes that nobody set are fitted to them."""
        return super(TrainTool, self.as_made()).replace(changes)

    def with_origins(self, origins: Mapping[str, str], heading: str = "") -> Self:
        """The same tool, remembering where its values came from."""
        return super().with_origins({**origins, **dict.fromkeys(self._fitted, FITTED)}, heading)

    def invoke(self) -> int:
        """Train until ``trainer.total_timesteps``.

        Raises:
            RunOwnedError: another live process trains this run.
            ConfigError: the run was started with other settings.
            InterruptedBySignal: SIGINT, SIGTERM or SIGHUP came; the state is saved.
            NotANumberError: training broke; a diagnosis is saved.
        """
        from metta.rl.signals import ignore_checkpoint_requests

        ignore_checkpoint_requests()
        sized_for_rank(self, ranks_of(self))  # refuses what does not fit, before torch is loaded and a folder is made
        check_policies(self)
        if must_launch(self):
            return launch_ranks(self._named(self.run or default_run_name()))
        return in_world(self, self._train)

    def _train(self, world: World) -> int:
        tool = self._named(world.broadcast(self.run or default_run_name(), "the run's name"))
        assert tool.run is not None
        run_dir = RunDir.at(tool.system.data_dir, tool.run)
        with contextlib.ExitStack() as stack:
            with world.together("opening the run"):
                run_dir.create()
                if world.is_master:
                    stack.enter_context(_owned(run_dir))
            logging.raiseExceptions = False  # a full disk must not turn each log line into a traceback on stderr
            setup_logging(run_dir.log_path, verbose=_log.isEnabledFor(logging.DEBUG))
            return _Training(tool, run_dir, world).run()

    def resized(self, sizes: Mapping[str, int]) -> Self:
        """The same training with ``sizes``, by dotted path."""
        return self.replace(sizes).with_origins(self._origins, self._heading)

    def _named(self, run: str) -> Self:
        return self.replace({"run": run}).with_origins(self._origins, self._heading)


@contextlib.contextmanager
def _owned(run_dir: RunDir) -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(RunLock(run_dir))
        except OSError as error:
            raise ConfigError(
                f"cannot lock {run_dir.lock_path}: {error.strerror or error}. Set system.data_dir to a writable place."
            ) from error
        yield


class _Training:
    """One invocation: from an owned run directory to a trained policy."""

    def __init__(self, tool: TrainTool, run_dir: RunDir, world: World = SOLO) -> None:
        self.tool = tool
        self.run_dir = run_dir
        self.world = world

    def run(self) -> int:
        from metta.checkpoint.trainer_state import TrainerStateStore
        from metta.rl.signals import StopFlag, stop_on_signals

        store = TrainerStateStore(self.run_dir, self.world if self.world.size > 1 else None)
        with self.world.together("looking at what is there"):
            if self.world.is_master:
                store.remove_unfinished()
                remove_leftovers(self.run_dir.root)
            if store.newest_epoch() is not None:
                self.tool = keep_sizes(self.tool, self.run_dir)
                if self.world.is_master:
                    check_same_run(self.run_dir, self.tool)
        snapshot = store.load_newest()
        if snapshot is not None and self.world.broadcast(self._is_finished(snapshot), "is it finished?"):
            return ExitCode.OK
        with self.world.together("writing the config"):
            if self.world.is_master:
                self._save_config()
        stop = StopFlag()
        with contextlib.ExitStack() as stack:
            guard = stack.enter_context(self._memory_guard())
            console = self._make_console(stop)
            stack.callback(console.close)  # also when a second Ctrl-C skips the hooks
            stack.enter_context(stop_on_signals(stop, announce=self.world.is_master and not _is_live(console)))
            box = self._control_box()
            with self.world.together("building the trainer"):
                guard.trainer = trainer = self._build(stack, store, console, stop, box)
            if snapshot is not None:
                trainer.load_state(snapshot)
            self._say_start(trainer, resumed=snapshot is not None)
            return self._train(trainer)

    def _train(self, trainer: Trainer) -> int:
        from metta.rl.torch_setup import settled

        began, first_step = time.monotonic(), trainer.state.agent_step
        try:
            with settled():
                trainer.train()
        except InterruptedBySignal as error:
            _log.info("%s", error)
            raise
        seconds, steps = time.monotonic() - began, trainer.state.agent_step - first_step
        uri = trainer.context.shared.latest_policy_uri
        _log.info("finished at epoch %d, agent step %d; policy %s", trainer.state.epoch, trainer.state.agent_step, uri)
        if not self.world.is_master:
            return ExitCode.OK
        if reason := trainer.context.shared.end_reason:
            print(f"Ended early: {reason}. Its state is saved; without the tag the same command goes on.")
        print(f"Trained {steps:,} agent-steps in {seconds:,.0f} s ({steps / max(seconds, 1e-9):,.0f}/s).")
        print(f"Policy: {uri}")
        return ExitCode.OK

    def _is_finished(self, snapshot: TrainerSnapshot) -> bool:
        done, total = int(snapshot.data["counters"]["agent_step"]), self.tool.trainer.total_timesteps
        if not self.world.is_master or done < total or self._is_incomplete(snapshot):
            return False
        text = f"run={self.run_dir.run} is finished: {done:,} of {total:,} agent-steps, epoch {snapshot.epoch}."
        _log.info("%s", text)
        print(f"{text} To train longer, set trainer.total_timesteps above {done:,}.")
        return True

    def _is_incomplete(self, snapshot: TrainerSnapshot) -> bool:
        """Whether a full disk kept the last policy or rows from being written, or a network policies from being
        uploaded: all can be made up for.
        """
        sinks = snapshot.data["hooks"].get("metrics", {}).values()
        waiting = any(isinstance(sink, dict) and sink.get("waiting") for sink in sinks)
        uploads = self.tool.checkpointer.upload_uri is not None and any(self.run_dir.uploads.glob("*.mpt"))
        return (
            waiting
            or uploads
            or not (self.run_dir.checkpoints / artifact_name(self.run_dir.run, snapshot.epoch)).is_file()
        )

    def _save_config(self) -> None:
        try:
            self.tool.save_resolved(self.run_dir.config_path)
        except OSError as error:
            raise ConfigError(
                f"cannot write {self.run_dir.config_path}: {error.strerror or error}. It needs space and permission "
                "there; or set system.data_dir to another place."
            ) from error

    def _make_console(self, stop: StopFlag) -> ConsoleLogger:
        from metta.tracking.console import make_console_logger

        if not self.world.is_master:
            return SilentConsole()
        total = self.tool.trainer.total_timesteps
        folder = os.path.relpath(self.run_dir.root)
        shown = folder if len(folder) < len(str(self.run_dir.root)) else str(self.run_dir.root)
        return make_console_logger(self.run_dir.run, total, subtitle=shown, stopping=lambda: bool(stop))

    def _build(
        self, stack: contextlib.ExitStack, store: Any, console: ConsoleLogger, stop: StopFlag, box: ControlBox
    ) -> Trainer:
        from metta.rl.torch_setup import setup_torch
        from metta.rl.trainer import Trainer
        from metta.tools.train_hooks import make_hooks

        world, seed = self.world, self.tool.system.seed
        tool = sized_for_rank(self.tool, world.size, world.local_size)
        threads = tool.system.torch_threads or (threads_of_rank(world.local_size) if world.local_size > 1 else 0)
        name = device_of_rank(tool.system.device, world)
        device = setup_torch(seed=world.seed(seed), threads=threads, device=name)
        if world.is_master:
            note_machine(self.run_dir.root / "machine.json", _machine(device))
        env = self._make_env(tool.training_env, derive_seed(world.seed(seed), "worlds"), stop)
        stack.callback(env.close)
        policy = self._make_policy(env.spec, device)
        return Trainer(
            tool.trainer,
            env,
            policy,
            self.run_dir,
            make_hooks(self.tool, self.run_dir, device, console) if world.is_master else [],
            device=device,
            seed=seed,
            state_store=store,
            commit_interval=tool.checkpointer.epoch_interval,
            stop=stop,
            training_phases=tool.training_phases,
            world=world,
            control_box=box,
            announce=console.phase,
        )

    def _memory_guard(self) -> MemoryGuard:
        from metta.rl.out_of_memory import MemoryGuard, Sizes

        env, policy = self.tool.training_env, self.tool.policy_architecture
        architecture = {} if policy is None else policy.model_dump()
        return MemoryGuard(Sizes(self.tool.trainer, env.num_envs, env.num_rows, architecture))

    def _make_env(self, config: EnvConfig, seed: int, stop: StopFlag) -> VectorEnv:
        from metta.envs.env_config import make_env
        from metta.rl.context import StopRequested, check_stop

        try:
            return make_env(config, seed, while_waiting=lambda: check_stop(stop))
        except StopRequested:
            assert stop.signum is not None
            text = f"run={self.run_dir.run} by {stop.asked_by} before the first epoch: nothing was saved."
            raise InterruptedBySignal(stop.signum, text) from None

    def _control_box(self) -> ControlBox:
        from metta.rl.control.commands import ControlBox
        from metta.rl.control.relayed_box import RelayedBox

        folder = self.run_dir.control
        box = ControlBox(folder) if self.world.size == 1 else RelayedBox(folder, self.world)
        if self.tool.control_log is not None:
            box.adopt(Path(self.tool.control_log).expanduser())
        return box

    def _make_policy(self, spec: EnvSpec, device: torch.device) -> Policy:
        from metta.agent.policy import build_policy
        from metta.checkpoint.manager import load_trained

        tool = self.tool
        if tool.initial_policy_uri is None:
            config = tool.policy_architecture or default_policy_config(spec.obs_kind)
            return build_policy(config, spec, device=device, seed=derive_seed(tool.system.seed, "policy"))
        policy = load_trained(tool.initial_policy_uri, spec, device)
        if tool.policy_architecture not in (None, policy.config):
            raise ConfigError(
                f"initial_policy_uri={tool.initial_policy_uri} has the architecture {policy.config!r}, but "
                f"policy_architecture asks for {tool.policy_architecture!r}. Drop one of the two."
            )
        return policy

    def _say_start(self, trainer: Trainer, *, resumed: bool) -> None:
        state, total, ranks = trainer.state, self.tool.trainer.total_timesteps, self.world.size
        weights = sum(parameter.numel() for parameter in trainer.policy.parameters())
        what = (
            f"{trainer.policy.config.type} policy with {weights:,} weights, {trainer.env.num_envs} environments with "
            f"{trainer.env.spec.num_agents} agents each, device {trainer.device}"
        ) + (f", on each of {ranks} ranks" if ranks > 1 else "")
        if resumed:
            where = f"epoch {state.epoch}, agent step {state.agent_step:,} of {total:,}"
            text = f"resuming run={self.run_dir.run} from {where}"
        else:
            text = f"starting run={self.run_dir.run} in {self.run_dir.root}"
        _log.info("%s: %s", text, what)
        if not self.world.is_master:
            return
        print(f"{text[0].upper()}{text[1:]}: {what}.", flush=True)


def _is_live(console: ConsoleLogger) -> bool:
    from metta.tracking.console import LineConsole

    return not isinstance(console, LineConsole)


def _machine(device: torch.device) -> dict[str, Any]:
    """What the bits of a training run depend on besides config and seed."""
    import torch

    return {
        "torch": torch.__version__,
        "torch_threads": torch.get_num_threads(),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "device": device.type if device.type == "cpu" else torch.cuda.get_device_name(device),
    }
