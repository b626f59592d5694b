"""The epoch loop: rollout, advantages, update, hooks, commit."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch

from metta.checkpoint.save_attempts import SaveAttempts
from metta.checkpoint.trainer_state import TrainerSnapshot, TrainerStateStore
from metta.common.errors import CheckpointError, InterruptedBySignal, NotANumberError
from metta.common.log import FILE_ONLY, get_logger
from metta.common.run_dir import RunDir
from metta.common.seeding import derive_seed
from metta.common.stopwatch import Stopwatch
from metta.common.vector_env import VectorEnv
from metta.rl import data_parallel
from metta.rl.advantage import fill_advantages
from metta.rl.context import RolloutStats, StopRequested, TrainerContext, TrainerState, UpdateStats, check_stop
from metta.rl.control.commands import ControlBox
from metta.rl.control.phases_config import PhaseConfig
from metta.rl.control.rules.registry import build_rules
from metta.rl.control.steering import Outside, Steering
from metta.rl.diagnosis import save_diagnosis
from metta.rl.distributed import agreed_stop
from metta.rl.experience import Experience
from metta.rl.interruption import saved_in_words
from metta.rl.learning_rules import LearningRules
from metta.rl.loss.base import LossSetting, build_losses
from metta.rl.objective import Objective
from metta.rl.optim import build_optimizer
from metta.rl.out_of_memory import is_out_of_memory, release
from metta.rl.rollout import collect
from metta.rl.schedule import Clock
from metta.rl.signals import StopFlag
from metta.rl.trainer_config import TrainerConfig
from metta.rl.trainer_snapshot import (
    flatten_optimizer,
    foreign_states_are_told,
    part,
    restore_optimizer,
    saved_by_such_a_world,
    with_prefix,
)
from metta.rl.update import update
from metta.rl.world import SOLO, World

if TYPE_CHECKING:
    from metta.agent.policy import Policy
    from metta.rl.hooks.base import TrainerHook

_log = get_logger(__name__)


class Trainer:
    """Trains ``policy`` on ``env``; hooks look on through :class:`TrainerContext`.

    The unit of work is the epoch. Its start is kept in memory as a :class:`TrainerSnapshot`; a signal, a failing hook
    or a NaN in the middle leaves that state on disk, and the epoch is done again, to the same bytes, by the next start.

    ``commit_interval``: epochs between two states written to ``state_store``; the last one is always written.
    ``training_phases`` and what comes in through ``control_box`` steer it (``steering``, docs/training_control.md).
    ``world``: the other ranks of a training in several processes; all call the same methods (docs/cluster.md).
    """

    def __init__(
        self,
        config: TrainerConfig,
        env: VectorEnv,
        policy: Policy,
        run_dir: RunDir,
        hooks: Sequence[TrainerHook] = (),
        *,
        device: torch.device | str = "cpu",
        seed: int = 0,
        state_store: TrainerStateStore | None = None,
        commit_interval: int = 1,
        stop: StopFlag | None = None,
        world: World = SOLO,
        training_phases: Mapping[str, PhaseConfig] | None = None,
        control_box: ControlBox | None = None,
        announce: Callable[[str], None] = lambda phase: None,
    ) -> None:
        config.check_rows(env.num_rows)
        self.config, self.env, self.policy, self.run_dir = config, env, policy, run_dir
        self.world = world
        self.hooks = [hook for hook in hooks if world.is_master or hook.ranks == "all"]
        self.device, self.seed = torch.device(device), seed
        self.state_store, self.commit_interval = state_store, commit_interval
        self.stop = StopFlag() if stop is None else stop  # an unset flag is false
        self._agreed_stop = agreed_stop(world, self.stop)
        self.state = TrainerState()
        setting = LossSetting(policy, config, env.num_rows, self.device, seed)
        self.objective = Objective(policy, build_losses(config.losses, setting), config)
        self._averaged = data_parallel.AveragedObjective(self.objective, world)
        self.optimizer = build_optimizer(config.optimizer, policy, self.objective.own_parameters())
        self.objective.sum_over_ranks = world.sum if world.size > 1 else None
        self.rules = LearningRules(config, env.num_rows, device=device, world=world)
        watching = build_rules(config.rules)
        self.steering = Steering(
            policy, self.optimizer, config.optimizer, training_phases or {}, watching, control_box, world
        )
        self._outside = Outside(self._agreed_stop, self._checkpoint_now, announce)
        self.stopwatch = Stopwatch()
        self.action_rng, self.shuffle_rng = torch.Generator(self.device), torch.Generator()
        policy.precision = config.precision
        self._start_anew()
        self.experience = self._build_experience()
        self.context = TrainerContext(
            state=self.state,
            config=config,
            policy=policy,
            optimizer=self.optimizer,
            env=env,
            experience=self.experience,
            run_dir=run_dir,
            stopwatch=self.stopwatch,
            stop=self.stop,
            seed=seed,
            device=self.device,
        )
        self._epoch_start: TrainerSnapshot | None = None
        self._saved_epoch = -1
        self._state_saves = SaveAttempts("trainer state")

    @property
    def finished(self) -> bool:
        """True when ``total_timesteps`` are done, or a hook asked for an early end: ``train`` would run no epoch."""
        return self.state.agent_step >= self.config.total_timesteps or bool(self.context.shared.end_reason)

    def train(self) -> None:
        """Run epochs until ``config.total_timesteps``.

        Raises:
            InterruptedBySignal: after the state of the cut epoch's start was saved, or its message says why not.
            NotANumberError: after that state and ``nan_diagnosis.json`` were saved.
            Exception: whatever a hook raised, after the state was saved and every hook's ``on_failure`` ran.
        """
        self.steering.open(self.state)
        try:
            self._call_hooks("on_training_start")
            self._epoch_start = self.state_dict()
            while not self.finished:
                self.train_epoch()
            self._call_hooks("on_training_end")
            self._epoch_start = self.state_dict()
            self._save(self._epoch_start)
        except StopRequested:
            interrupted = self._interrupted()
            self._tell_hooks(interrupted)
            raise interrupted from None
        except Exception as error:
            self._fail(error)
            raise
        finally:
            self.steering.close()

    def train_epoch(self) -> UpdateStats:
        """One epoch, hooks and commit included."""
        check_stop(self._agreed_stop)
        self.steering.begin(self.state, self._outside)
        self.stopwatch.lap()
        progress = self.state.agent_step / self.config.total_timesteps
        learning_rate = self.steering.set_rates(progress, self.state.agent_step)
        scheduled = self.objective.begin_epoch(Clock(progress, self.state.agent_step, self.state.epoch))
        with self.stopwatch("rollout"), self.world.together("rollout"):
            rollout = collect(
                self.env,
                self.policy,
                self.experience,
                generator=self.action_rng,
                stopwatch=self.stopwatch,
                stop=self.stop,
                acting=self.objective.acting,
            )
        rollout = data_parallel.share_rollout(self.world, rollout)
        self._call_hooks("on_rollout_end", UpdateStats(metrics={}, rollout=rollout, seconds={}))
        with self.stopwatch("advantage"):
            shaped = data_parallel.share_metrics(self.world, self.rules.rewards.apply(self.experience))
            with self.world.together("advantages"):
                fill_advantages(self.experience, self.config.gamma, self.config.gae_lambda)
                self.objective.prepare(self.experience)
        with self.stopwatch("update"), self.world.contact("gradients"):
            metrics = self._update(progress) | shaped
        self.state.epoch += 1
        self.state.agent_step += rollout.agent_steps
        self.state.env_step += rollout.agent_steps // self.env.spec.num_agents
        metrics |= {"hyperparameters/learning_rate": learning_rate, "experience/episodes": float(rollout.num_episodes)}
        metrics |= scheduled
        metrics |= self.steering.end({**metrics, **rollout.episodes}, self.state)
        self.objective.end_epoch({**metrics, **rollout.episodes})
        stats = self._stats(metrics, rollout)
        self._call_hooks("on_epoch_end", stats)
        data_parallel.share_state(self.world, self.context.shared)
        data_parallel.check_weights(self.world, self.objective, self.state.epoch, self.config.check_weights_every)
        self.commit()
        return stats

    def commit(self) -> None:
        """Make the present state the one to fall back to; write it when ``commit_interval`` says so.

        Raises:
            CheckpointError: the third save in a row failed.
        """
        self._epoch_start = start = self.state_dict()
        if self.state.epoch % self.commit_interval == 0:
            self._state_saves.run(lambda: self._save(start))

    def state_dict(self) -> TrainerSnapshot:
        """Copy of everything that the next epoch depends on."""
        rng = {
            "actions": self.action_rng.get_state(),
            "minibatches": self.shuffle_rng.get_state(),
            "torch": torch.get_rng_state(),
        }
        env_state = self.env.snapshot()
        tensors = {
            **with_prefix("policy", self.policy.state_dict()),
            **with_prefix("optimizer", flatten_optimizer(self.optimizer)),
            **with_prefix("losses", self.objective.state()),
            **with_prefix("memory", self.policy.memory_state()),
            **with_prefix("wrappers", self.policy.wrapper_state()),
            **with_prefix("env", env_state or {}),
            **with_prefix("rules", self.rules.tensors()),
            **with_prefix("rng", rng),
        }
        data = {
            "counters": {key: getattr(self.state, key) for key in ("epoch", "agent_step", "env_step")},
            "env_is_exact": env_state is not None,
            "shared": self.context.shared.to_json(),
            "control": self.steering.state_dict(),
            "rules": self.rules.state_dict(),
            "schedules": self.objective.schedule_state(),
            "hooks": {hook.name: hook.state_dict() for hook in self.hooks},
        }
        return TrainerSnapshot(epoch=self.state.epoch, tensors=tensors, data=json.loads(json.dumps(data)))

    @foreign_states_are_told()
    def load_state(self, snapshot: TrainerSnapshot) -> None:
        """Go on from ``snapshot``, bit for bit where the environment can be restored.

        Raises:
            CheckpointError: the snapshot belongs to another policy, or lacks a part.
        """
        tensors, data = snapshot.tensors, snapshot.data
        try:
            self.policy.load_state_dict(part("policy", tensors))
        except RuntimeError as error:
            raise CheckpointError(
                f"the saved weights do not fit this policy: {error} "
                "Was policy_architecture changed since the run began?"
            ) from error
        restore_optimizer(self.optimizer, part("optimizer", tensors))
        for name, counter in data["counters"].items():
            setattr(self.state, name, counter)
        if same_world := saved_by_such_a_world(snapshot, self.world):
            self._restore_env(snapshot)
        else:
            self._start_anew(self.state.epoch)
        self.objective.load_state(part("losses", tensors))
        self.rules.load_state(part("rules", tensors), data.get("rules", {}), rows=same_world)
        self.objective.load_schedule_state(data.get("schedules", {}))
        if data["control"] is not None:  # states of version 1 may have none: nothing was in force
            self.steering.load_state_dict(data["control"], part("wrappers", tensors))
        self.context.shared.restore(data["shared"])
        for hook in self.hooks:
            if hook.name in data["hooks"]:
                hook.load_state_dict(data["hooks"][hook.name])
        if same_world:
            rng = part("rng", tensors)  # last: nothing after this may draw
            self.action_rng.set_state(rng["actions"])
            self.shuffle_rng.set_state(rng["minibatches"])
            torch.set_rng_state(rng["torch"])
        self._saved_epoch = snapshot.epoch

    def _start_anew(self, *since: int) -> None:
        """New episodes, an empty memory, and random streams of this rank's own."""
        seed = self.world.seed(self.seed)
        self.action_rng.manual_seed(derive_seed(seed, "actions", *since))
        self.shuffle_rng.manual_seed(derive_seed(seed, "minibatches", *since))
        self.policy.init_memory(self.env.num_rows)
        self.env.reset(derive_seed(seed, "episodes", *since))

    def _restore_env(self, snapshot: TrainerSnapshot) -> None:
        if snapshot.data["env_is_exact"]:
            env_state = part("env", snapshot.tensors)
            self.env.restore({k: v.numpy() if isinstance(v, torch.Tensor) else v for k, v in env_state.items()})
            self.policy.load_memory_state(part("memory", snapshot.tensors))
            return
        self.env.reset(derive_seed(self.world.seed(self.seed), "episodes", self.state.epoch))
        self.policy.init_memory(self.env.num_rows)
        _log.warning(
            "%s cannot be saved between two steps: the run goes on from epoch %d with new episodes, "
            "so it will not equal an uninterrupted one bit for bit.",
            self.env.spec.name,
            self.state.epoch,
        )

    def _build_experience(self) -> Experience:
        return Experience(
            self.env.spec,
            self.config,
            self.env.num_rows,
            device=self.device,
            has_action_mask=self.env.recv(0).action_mask is not None,
            policy_spec={**self.policy.experience_spec, **self.objective.experience_spec},
            memory_spec=self.policy.memory_spec,
            next_values=self.objective.reads("next_values"),
            prepared_spec=self.objective.prepared_spec,
        )

    def _update(self, progress: float) -> dict[str, float]:
        metrics = update(
            self.objective,
            self.optimizer,
            self.experience,
            self.config,
            generator=self.shuffle_rng,
            stop=self._agreed_stop,
            epoch=self.state.epoch,
            norms=self.steering.wants_norms,
            rules=self.rules,
            progress=progress,
            averaged=self._averaged,
        )
        data_parallel.share_statistics(self.world, self.policy)
        return metrics

    def _checkpoint_now(self) -> str:
        """Policy and state of this epoch's start, on disk now: somebody asked for it."""
        with self.world.together("a checkpoint"):
            saved = [text for hook in self.hooks if (text := hook.on_checkpoint_request(self.context))]
        start = self.state_dict() if self._epoch_start is None else self._epoch_start
        self._save(start)
        return "saved " + ", ".join([*saved, f"the state of epoch {start.epoch}"])

    def _stats(self, metrics: dict[str, float], rollout: RolloutStats) -> UpdateStats:
        return UpdateStats(
            metrics=dict(sorted({**metrics, **rollout.episodes}.items())), rollout=rollout, seconds=self.stopwatch.lap()
        )

    def _save(self, snapshot: TrainerSnapshot) -> None:
        if self.state_store is not None:
            self.state_store.save(snapshot, snapshot.epoch)
            self._saved_epoch = snapshot.epoch

    def _interrupted(self) -> InterruptedBySignal:
        signum = self.stop.signum
        assert signum is not None, "StopRequested comes from a set flag"
        where, told = "before the first epoch", "nothing was saved"
        if (start := self._epoch_start) is not None:
            where = f"at epoch {start.epoch}, agent step {start.data['counters']['agent_step']:,}"
            if self.state_store is not None:
                told = saved_in_words(self._save_epoch_start, self._saved_epoch, self.run_dir.run)
        return InterruptedBySignal(signum, f"run={self.run_dir.run} by {self.stop.asked_by} {where}: {told}.")

    def _call_hooks(self, event: str, *args: Any) -> None:
        """On this rank; all ranks wait until the hooks of each are done, and stop if one of them failed."""
        with self.world.together(event):
            for hook in self.hooks:
                call: Callable[..., None] = getattr(hook, event)
                try:
                    call(self.context, *args)
                except StopRequested:
                    raise
                except Exception as error:
                    error.add_note(f"raised by {type(hook).__name__}.{event} at epoch {self.state.epoch}")
                    raise

    def _fail(self, error: Exception) -> None:
        """Keep the last good state, then let every hook know; trouble on the way is logged, ``error`` stays the one."""
        notes = "; ".join([str(error), *getattr(error, "__notes__", [])])
        _log.error("training failed: %s", notes, extra=FILE_ONLY)  # the command line tells the error itself
        if is_out_of_memory(error):
            release(self, error)
        if self.world.has_agreed_on(error):  # else the other ranks are somewhere else, or gone
            self._attempt("saving the state", self._save_epoch_start)
        if isinstance(error, NotANumberError):
            self._attempt("saving the diagnosis", lambda: save_diagnosis(self.context, error))
        self._tell_hooks(error)

    def _tell_hooks(self, error: Exception) -> None:
        for hook in self.hooks:
            self._attempt(f"hook {hook.name!r}: on_failure", lambda hook=hook: hook.on_failure(self.context, error))

    @staticmethod
    def _attempt(what: str, step: Callable[[], object]) -> None:
        try:
            step()
        except Exception as second:  # noqa: BLE001 - the failure that came first is the one to be raised
            _log.error("%s failed too: %s", what, second)

    def _save_epoch_start(self) -> None:
        if self._epoch_start is not None and self._epoch_start.epoch != self._saved_epoch:
            self._save(self._epoch_start)
