"""Steering: collects what phases, rules, code and people want, has the policy carry it out, and reports."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from metta.agent.control.training_control import ControlReport, TrainingControl
from metta.agent.wrappers.training_phase import TrainingPhaseWrapper
from metta.common.errors import CheckpointError, ConfigError
from metta.common.log import TELL, get_logger
from metta.common.suggest import did_you_mean
from metta.rl.context import check_stop
from metta.rl.control.commands import Answer, Command, ControlBox, Logged
from metta.rl.control.phases import Phases
from metta.rl.control.phases_config import PhaseConfig
from metta.rl.control.rates import set_rates
from metta.rl.control.report import control_metrics, summary
from metta.rl.control.rules.base import EpochView, Rule
from metta.rl.world import SOLO, World

if TYPE_CHECKING:
    import torch

    from metta.agent.policy import Policy
    from metta.rl.context import TrainerState
    from metta.rl.signals import StopFlag
    from metta.rl.trainer_config import OptimizerConfig

POLL_SECONDS = 0.1
"""How often a paused training looks for commands."""
_HISTORY = 1000

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Intent:
    """Something that somebody wants of the next epoch."""

    source: str
    control: TrainingControl
    determined: bool = True


@dataclass(slots=True)
class Outside:
    """What the trainer does when told from outside: ``checkpoint`` returns what it saved, as text."""

    stop: StopFlag
    checkpoint: Callable[[], str]
    announce: Callable[[str], None] = field(default=lambda phase: None)


class Steering:
    """The trainer's side of control. At each epoch's start, in this order: phase, rules and code, commands (those of
    the log first); the newest word counts. Everything that decides is part of ``state_dict``: a resumed run goes the
    same way.
    """

    def __init__(
        self,
        policy: Policy,
        optimizer: torch.optim.Optimizer,
        config: OptimizerConfig,
        phases: Mapping[str, PhaseConfig],
        rules: Sequence[Rule[Any]],
        box: ControlBox | None = None,
        world: World = SOLO,
    ) -> None:
        self.policy, self.optimizer, self.config, self.box = policy, optimizer, config, box
        self.world = world
        self.phases, self.rules = Phases(phases), [rule for rule in rules if rule.name != "not_a_number"]
        self.history: list[dict[str, Any]] = []
        self._pending: list[Intent] = []
        self._rates: dict[str, float] = {}
        self._replay: list[Logged] = []
        self._replayed_until = -1
        self._paused = False
        self._check_phases()

    # --- intent ---------------------------------------------------------------------------------------------------

    def submit(self, control: TrainingControl, source: str = "code") -> None:
        """Ask for ``control`` at the next epoch's start.

        Raises:
            ConfigError: it does not fit this policy.
        """
        self.policy.network.controller.check(control)
        self._pending.append(Intent(source, control))

    def begin(self, state: TrainerState, outside: Outside) -> None:
        """At an epoch's start: carry out what is wanted, then hear commands, and wait while paused.

        Raises:
            StopRequested: a signal came, or the command ``stop``.
        """
        if (entered := self.phases.begin(state.epoch, state.agent_step)) is not None:
            self._apply(Intent("phase", entered), state)
        pending, self._pending = self._pending, []
        for intent in pending:
            if intent.determined:
                self._apply(intent, state)
        replayed = [entry for entry in self._replay if entry.epoch == state.epoch]
        for intent in pending:
            known = any(entry.source == intent.source for entry in replayed)
            if not intent.determined and not known and self._recorded(intent, state):
                self._apply(intent, state)
        for entry in replayed:
            self._apply(Intent(entry.source, entry.control), state)
        self._replay = [entry for entry in self._replay if entry.epoch > state.epoch]
        self._hear(state, outside)

    def set_rates(self, progress: float, agent_step: int) -> float:
        """Set the optimizer's rates when ``progress`` of the training is done; returns that of components that ask for
        none.
        """
        fraction = self.config.fraction_at(progress)
        wanted = self.policy.control_report.component_lr_actual
        self._rates = set_rates(self.optimizer, wanted, self.config.learning_rate, fraction)
        self.policy.network.signals.step = agent_step
        return self.config.learning_rate * fraction

    # --- the epoch's end ------------------------------------------------------------------------------------------

    @property
    def wants_norms(self) -> bool:
        """Whether somebody reads the components' gradient norms."""
        return bool(self.rules or self.history or self.phases.names or self.policy.network.wrappers())

    def end(self, metrics: Mapping[str, float], state: TrainerState) -> dict[str, float]:
        """After the update: average populations whose turn it is; let phases and rules look at the epoch, with
        ``state`` behind it. Returns report rows.
        """
        self.policy.after_epoch()
        norms = {
            name: metrics[key]
            for name in self.policy.component_parameters()
            if (key := f"control/{name}/grad_norm") in metrics
        }
        signals = self.policy.network.signals
        signals.gradient_norms = dict(norms)
        signals.performance = {name: value for name, value in metrics.items() if name.startswith("overview/")}
        learning = {name: norm for name, norm in norms.items() if not self.policy.network.controller.is_frozen(name)}
        view = EpochView(state.epoch, learning, self._rates, metrics)
        for rule in self.rules:
            control = rule.observe(view)
            if not rule.determined:  # by what this machine measures: on all ranks, what rank 0's says
                control = self._of_master(control, rule.name)
            if control is not None and (rule.determined or state.epoch > self._replayed_until):
                self._pending.append(Intent(rule.name, control, rule.determined))
        rows: dict[str, float] = {}
        if self.wants_norms:
            rows = control_metrics(self.policy, self.optimizer, norms)
            if self.phases.current is not None:
                rows["control/phase"] = float(self.phases.names.index(self.phases.current))
        self.phases.observe({**metrics, **rows}, state.epoch, state.agent_step)
        return rows

    # --- state ----------------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Everything that decides what comes next, as plain JSON; tensors are in ``policy.wrapper_state()``."""
        signals = self.policy.network.signals
        return {
            "controller": self.policy.control_state(),
            "phases": self.phases.state_dict(),
            "rules": {rule.name: rule.state_dict() for rule in self.rules},
            "pending": [
                {"source": intent.source, "control": intent.control.stated(), "determined": intent.determined}
                for intent in self._pending
            ],
            "history": list(self.history),
            "signals": {
                "step": signals.step,
                "gradient_norms": dict(signals.gradient_norms),
                "performance": dict(signals.performance),
            },
        }

    def load_state_dict(self, state: Mapping[str, Any], tensors: Mapping[str, Any]) -> None:
        """Go back to a saved state."""
        self.policy.load_control_state(state["controller"], tensors)
        self.phases.load_state_dict(state["phases"])
        for rule in self.rules:
            if rule.name in state["rules"]:
                rule.load_state_dict(state["rules"][rule.name])
        self._pending = [
            Intent(entry["source"], TrainingControl.from_fields(entry["control"]), entry["determined"])
            for entry in state["pending"]
        ]
        self.history = [dict(entry) for entry in state["history"]]
        signals = self.policy.network.signals
        for name, value in state["signals"].items():
            setattr(signals, name, value)

    def open(self, state: TrainerState) -> None:
        """Before the first epoch: read what was logged from here on, and tell the world that this training listens.

        Raises:
            ConfigError: the log names components that this policy does not have.
        """
        if self.box is None:
            return
        try:
            dropped = self.box.open()
        except OSError as error:
            raise ConfigError(
                f"cannot use {self.box.root}: {error.strerror or error}. The run needs space and permission there; "
                "or set system.data_dir to another place."
            ) from error
        for id in dropped:
            _log.warning("control: command %s came while no training ran; it was dropped.", id)
        self._replay = [entry for entry in self.box.read_log() if entry.epoch >= state.epoch]
        self._replayed_until = max((entry.epoch for entry in self._replay), default=-1)
        faults = [fault for entry in self._replay if (fault := self._fault_of(entry.control))]
        if faults:
            raise ConfigError(f"the control log {self.box.log_path} cannot be replayed: {' '.join(faults)}")
        self._publish(state)

    def close(self) -> None:
        """The training listens no more."""
        if self.box is not None:
            self.box.close()

    # --- commands -------------------------------------------------------------------------------------------------

    def _hear(self, state: TrainerState, outside: Outside) -> None:
        while True:
            if who := outside.stop.take_checkpoint_request():
                self._checkpoint_for(who, outside)
            if self.box is None:
                return
            for command in self.box.take():
                answer = self._carry_out(command, state, outside)
                answer.status = self.status(state)
                self._answer(command.id if isinstance(command, Command) else command[0], answer)
            check_stop(outside.stop)
            if not self._paused:
                return
            time.sleep(POLL_SECONDS)

    def _carry_out(self, command: Command | tuple[str, str], state: TrainerState, outside: Outside) -> Answer:
        if not isinstance(command, Command):
            return self._refused(command[0], command[1], state)
        told: list[str] = []
        if command.control is not None:
            if fault := self._fault_of(command.control):
                return self._refused(command.id, fault, state)
            try:
                assert self.box is not None
                self.box.record([Logged(state.epoch, command.id, command.control)])
            except OSError as error:
                return self._refused(command.id, f"it cannot be recorded: {error.strerror or error}", state)
            self._apply(Intent("command", command.control), state)
            told.append(f"in force from epoch {state.epoch + 1} on")
        if command.verb is not None:
            try:
                told.append(self._do(command.verb, outside))
            except CheckpointError as error:
                return self._refused(command.id, "; ".join([*told, str(error)]), state)
        self._publish(state)
        return Answer(True, "; ".join(told), state.epoch)

    def _do(self, verb: str, outside: Outside) -> str:
        if verb == "checkpoint":
            return outside.checkpoint()
        if verb == "stop":
            outside.stop.ask("the command stop")
            return "stopping; the state is saved, and the command that started the run goes on with it"
        if verb in ("pause", "resume"):
            before, self._paused = self._paused, verb == "pause"
            outside.announce("paused" if self._paused else "collecting")
            words = "paused" if self._paused else "going on"
            _log.info("control: %s", words, extra=TELL)
            return words if before != self._paused else f"it was {words} already"
        return "running" if not self._paused else "paused"

    def _checkpoint_for(self, who: str, outside: Outside) -> None:
        try:
            _log.info("%s: %s", who, outside.checkpoint(), extra=TELL)
        except CheckpointError as error:  # the regular saves decide when failing is too much
            _log.warning("%s asked for a checkpoint: %s Training goes on.", who, error)

    def _answer(self, id: str, answer: Answer) -> None:
        assert self.box is not None
        try:
            self.box.answer(id, answer)
        except OSError as error:
            _log.warning("control: the answer to %s cannot be written (%s): %s", id, error, answer.message)

    def _refused(self, id: str, why: str, state: TrainerState) -> Answer:
        _log.warning("control: command %s is refused: %s", id, why)
        return Answer(False, why, state.epoch)

    def _recorded(self, intent: Intent, state: TrainerState) -> bool:
        """Put what the machine decided into the log; where that fails it is not done, for it could not be repeated."""
        if self.box is None:
            return True
        try:
            self.box.record([Logged(state.epoch, intent.source, intent.control, intent.source)])
        except OSError as error:
            _log.warning("control: %s cannot be recorded (%s), so it is not applied", intent.source, error)
            return False
        return True

    def _of_master(self, control: TrainingControl | None, what: str) -> TrainingControl | None:
        stated = self.world.broadcast(None if control is None else control.stated(), what)
        return None if stated is None else TrainingControl.from_fields(stated)

    # --- inside ---------------------------------------------------------------------------------------------------

    def _apply(self, intent: Intent, state: TrainerState) -> None:
        control = intent.control
        if intent.source != "phase" and self.phases.names and control.training_phase is not None:
            self.phases.jump(control.training_phase)
            entered = self.phases.begin(state.epoch, state.agent_step)
            assert entered is not None, "a jump was made"
            self.policy.apply_control(entered)
        self.policy.apply_control(control)
        stated = control.stated()
        self.history = [*self.history, {"epoch": state.epoch, "source": intent.source, "control": stated}][-_HISTORY:]
        _log.info("control: %s at epoch %d: %s", intent.source, state.epoch + 1, summary(stated), extra=TELL)

    def _fault_of(self, control: TrainingControl) -> str:
        try:
            self.policy.network.controller.check(control)
            known = self._known_phases()
            if control.training_phase is not None and control.training_phase not in known:
                raise ConfigError(
                    f"training_phase={control.training_phase}: nothing in this run knows it; there are {known}."
                    f"{did_you_mean(control.training_phase, known)}"
                )
        except ConfigError as error:
            return str(error)
        return ""

    def _known_phases(self) -> list[str]:
        """Phases of the run; without any, what phase-aware wrappers listen to."""
        listened = [
            phase
            for wrapper in self.policy.network.wrappers()
            if isinstance(wrapper, TrainingPhaseWrapper)
            for phase in wrapper.phase_behaviors
        ]
        return list(self.phases.names) or sorted({*listened, *(["training"] if listened else [])})

    def _check_phases(self) -> None:
        faults: list[str] = []
        for name, control in self.phases.controls().items():
            try:
                self.policy.network.controller.check(control)
            except ConfigError as error:
                faults.append(f"training_phases.{name}: {error}")
        if faults:
            raise ConfigError("\n".join(faults))

    def status(self, state: TrainerState) -> dict[str, Any]:
        """What this training is and what is in force."""
        report: ControlReport = self.policy.control_report
        network = self.policy.network
        names = list(self.policy.component_parameters())
        return {
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "epoch": state.epoch,
            "agent_step": state.agent_step,
            "paused": self._paused,
            "phase": self.phases.current or network.signals.training_phase,
            "phases": self.phases.names,
            "components": list(network.keys()),
            "learning": {name: not network.controller.is_frozen(name) for name in names},
            "rates": {name: report.component_lr_actual.get(name, self.config.learning_rate) for name in names},
            "outputs": [str(key) for key in network.out_keys],
            "report": report.model_dump(mode="json"),
            "history": self.history[-20:],
        }

    def _publish(self, state: TrainerState) -> None:
        if self.box is not None:
            try:
                self.box.publish(self.status(state))
            except OSError as error:
                _log.warning("control: %s cannot be written (%s)", self.box.status_path, error)
