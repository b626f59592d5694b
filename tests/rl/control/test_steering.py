"""Steering a real trainer on a corridor: phases, rules, code, commands; resumed equals undisturbed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from metta.agent.control.training_control import TrainingControl
from metta.agent.network_config import NetworkConfig
from metta.agent.policy import build_policy
from metta.agent.policy_config import MlpConfig, NetworkPolicyConfig
from metta.checkpoint.trainer_state import TrainerStateStore
from metta.common.errors import ConfigError, InterruptedBySignal
from metta.common.run_dir import RunDir
from metta.rl.context import TrainerContext, UpdateStats
from metta.rl.control.commands import ControlBox, Logged
from metta.rl.control.phases_config import PhaseConfig
from metta.rl.hooks.base import TrainerHook
from metta.rl.signals import StopFlag
from metta.rl.trainer import Trainer
from metta.rl.trainer_config import TrainerConfig

PHASES = {
    "warmup": {"component_lr": {"actor": 1e-2}, "until": {"epochs": 2}},
    "late": {"_frozen_components": ["trunk"], "_gradient_accumulation": {"critic": 3}, "gradient_clip": {"actor": 0.1}},
}


class Rows(TrainerHook):
    """Keeps the rows; sends what ``script`` has for an epoch once that epoch has ended, before the next one begins."""

    name = "rows"

    def __init__(self, box: ControlBox | None, script: dict[int, list[Any]] | None = None) -> None:
        self.box, self.script = box, script or {}
        self.rows: list[dict[str, float]] = []
        self.sent: list[str] = []

    def on_epoch_end(self, ctx: TrainerContext, stats: UpdateStats) -> None:
        self.rows.append(dict(stats.metrics))
        for wanted in self.script.get(ctx.state.epoch, []):
            assert self.box is not None
            is_verb = isinstance(wanted, str)
            self.sent.append(self.box.send(wanted if is_verb else None, None if is_verb else wanted))  # type: ignore[arg-type]


@pytest.fixture
def make(corridor: Callable[..., Any], small: TrainerConfig, tmp_path: Path) -> Callable[..., Trainer]:
    def make(
        run: str = "one",
        phases: dict[str, Any] | None = None,
        script: dict[int, list[Any]] | None = None,
        changes: dict[str, Any] | None = None,
        **more: Any,
    ) -> Trainer:
        env = corridor(4)
        policy = build_policy(MlpConfig(hidden_sizes=(8,), shared_trunk=True), env.spec, seed=3)
        run_dir = RunDir.at(tmp_path, run).create()
        box = ControlBox(run_dir.control)
        sizes = {"total_timesteps": 384, "optimizer.learning_rate": 1e-2, **(changes or {})}
        return Trainer(
            small.replace(sizes),
            env,
            policy,
            run_dir,
            (Rows(box, script),),
            seed=3,
            state_store=TrainerStateStore(run_dir),
            training_phases={name: PhaseConfig.model_validate(phase) for name, phase in (phases or {}).items()},
            control_box=box,
            **more,
        )

    return make


def rows_of(trainer: Trainer) -> list[dict[str, float]]:
    (hook,) = trainer.hooks
    assert isinstance(hook, Rows)
    return hook.rows


def answers_of(trainer: Trainer) -> list[Any]:
    (hook,) = trainer.hooks
    assert isinstance(hook, Rows)
    assert hook.box is not None
    return [hook.box.fetch(id) for id in hook.sent]


def column(trainer: Trainer, name: str) -> list[float | None]:
    return [row.get(name) for row in rows_of(trainer)]


def resumed(make: Callable[..., Trainer], **arguments: Any) -> Trainer:
    trainer = make(**arguments)
    assert trainer.state_store is not None
    snapshot = trainer.state_store.load_newest()
    assert snapshot is not None
    trainer.load_state(snapshot)
    return trainer


def assert_same_state(one: Trainer, two: Trainer) -> None:
    left, right = (
        {name: torch.as_tensor(value) for name, value in trainer.state_dict().tensors.items()} for trainer in (one, two)
    )
    assert left.keys() == right.keys()
    assert not [name for name in left if not torch.equal(left[name], right[name])]
    assert one.state_dict().data["control"] == two.state_dict().data["control"]


def weights(trainer: Trainer, name: str) -> list[Tensor]:
    return [parameter.detach().clone() for parameter in trainer.policy.network[name].parameters()]


def test_phases_follow_one_another_and_compose_with_the_schedule(make: Callable[..., Trainer]) -> None:
    trainer = make(phases=PHASES)
    trainer.train()
    assert column(trainer, "control/phase") == [0, 0, 1, 1, 1, 1]
    assert column(trainer, "control/trunk/frozen") == [0, 0, 1, 1, 1, 1]
    assert column(trainer, "control/critic/accumulation") == [None, None, 3, 3, 3, 3]
    schedule = [1e-2 * (1 - epoch / 6) for epoch in range(6)]
    assert column(trainer, "control/actor/lr") == pytest.approx(schedule)
    assert column(trainer, "control/trunk/grad_norm")[2:] == [0.0] * 4
    assert trainer.policy.network.signals.training_phase == "late"


def test_nothing_is_reported_and_nothing_costs_without_control(make: Callable[..., Trainer]) -> None:
    trainer = make()
    trainer.train()
    assert [name for row in rows_of(trainer) for name in row if name.startswith("control/")] == []


def test_unknown_components_are_named_before_training_starts(make: Callable[..., Trainer]) -> None:
    with pytest.raises(ConfigError) as caught:
        make(phases={"a": {"frozen_components": ["bag"]}, "b": {"component_lr": {"mlp": 1.0}}})
    assert "training_phases.a: " in str(caught.value)
    assert "training_phases.b: " in str(caught.value)
    assert "there are ['trunk', 'actor', 'critic']" in str(caught.value)


def test_a_command_holds_from_the_next_epoch_on_and_is_answered(make: Callable[..., Trainer]) -> None:
    commands = [
        TrainingControl(frozen_components=("trunk",), component_lr={"actor": 5e-3}),
        TrainingControl(frozen_components=("trunc",)),
        TrainingControl(training_phase="lat"),
        "status",
    ]
    trainer = make(script={2: commands})
    trainer.train()
    assert column(trainer, "control/trunk/frozen") == [None, None, 1, 1, 1, 1]
    assert column(trainer, "control/actor/lr")[2] == pytest.approx(5e-3 * 4 / 6)
    taken, refused, unheard, status = answers_of(trainer)
    assert "nothing in this run knows it" in unheard.message
    assert (taken.ok, taken.epoch, taken.message) == (True, 2, "in force from epoch 3 on")
    assert taken.status["learning"] == {"trunk": False, "actor": True, "critic": True}
    assert taken.status["rates"]["actor"] == 5e-3
    assert not refused.ok
    assert "Did you mean 'trunk'" in refused.message
    assert (status.ok, status.message) == (True, "running")
    assert len(ControlBox(trainer.run_dir.control).read_log()) == 1, "what was refused is not recorded"
    assert ControlBox(trainer.run_dir.control).read_status() is None, "nobody is at home any more"


def test_a_steered_run_that_was_cut_goes_on_to_the_same_bytes(make: Callable[..., Trainer]) -> None:
    """Phases, a command and collected gradients; the epoch of the command is done again from the log."""
    script = {3: [TrainingControl(component_lr={"actor": 1e-3}, gradient_accumulation={"critic": 3})]}
    whole = make(phases=PHASES, script=script)
    whole.train()
    for stop_after in (3, 4):
        run = f"cut{stop_after}"
        stop = StopFlag()
        first = make(run=run, phases=PHASES, script=script, stop=stop, commit_interval=2)
        heard = first.steering.begin

        def begin(state: Any, outside: Any, heard: Any = heard, stop: StopFlag = stop, after: int = stop_after) -> None:
            heard(state, outside)
            if state.epoch == after:
                stop.set(15)

        first.steering.begin = begin  # type: ignore[method-assign]
        with pytest.raises(InterruptedBySignal):
            first.train()
        second = resumed(make, run=run, phases=PHASES)
        assert second.state.epoch == stop_after
        second.train()
        assert_same_state(whole, second)
        assert rows_of(whole)[stop_after:] == rows_of(second)


def test_another_run_replays_the_log(make: Callable[..., Trainer]) -> None:
    script = {1: [TrainingControl(component_lr={"all": 1e-3})], 4: [TrainingControl(frozen_components=("actor",))]}
    steered = make(script=script)
    steered.train()
    twin = make(run="two")
    twin.steering.box.adopt(steered.run_dir.root)  # type: ignore[union-attr]
    twin.train()
    assert_same_state(steered, twin)
    assert rows_of(steered) == rows_of(twin)


def test_a_log_for_another_policy_is_refused(make: Callable[..., Trainer]) -> None:
    trainer = make()
    box = trainer.steering.box
    assert box is not None
    box.record([Logged(2, "1-1", TrainingControl(frozen_components=("bag",)))])
    with pytest.raises(ConfigError, match=r"cannot be replayed.*'bag'"):
        trainer.train()


def test_code_can_steer_too(make: Callable[..., Trainer]) -> None:
    trainer = make()
    trainer.steering.submit(TrainingControl(frozen_components=("actor", "critic")))
    before = weights(trainer, "actor")
    trainer.train()
    assert all(torch.equal(*pair) for pair in zip(before, weights(trainer, "actor"), strict=True))
    with pytest.raises(ConfigError, match="'bag'"):
        trainer.steering.submit(TrainingControl(frozen_components=("bag",)))


def test_everything_frozen_trains_nothing_and_goes_on(make: Callable[..., Trainer]) -> None:
    trainer = make(changes={"optimizer.type": "adamw", "optimizer.weight_decay": 0.1})
    trainer.steering.submit(TrainingControl(frozen_components=("all",)))
    before = {name: value.clone() for name, value in trainer.policy.state_dict().items()}
    trainer.train()
    assert all(torch.equal(before[name], value) for name, value in trainer.policy.state_dict().items())


def test_a_phase_can_be_entered_by_command(make: Callable[..., Trainer]) -> None:
    phases = {"a": {"component_lr": {"actor": 1e-3}}, "b": {"frozen_components": ["trunk"]}}
    trainer = make(
        phases=phases, script={3: [TrainingControl(training_phase="b"), TrainingControl(training_phase="c")]}
    )
    trainer.train()
    assert column(trainer, "control/phase") == [0, 0, 0, 1, 1, 1]
    assert column(trainer, "control/actor/lr")[3] == pytest.approx(1e-2 * 3 / 6), "the phase's own rate went with it"
    assert not answers_of(trainer)[1].ok


def test_checkpoint_and_stop(make: Callable[..., Trainer]) -> None:
    trainer = make(script={1: ["checkpoint"], 3: ["stop"]}, commit_interval=100)
    with pytest.raises(InterruptedBySignal, match="by the command stop at epoch 3") as caught:
        trainer.train()
    assert caught.value.exit_code == 143
    saved, stopped = answers_of(trainer)
    assert saved.message == "saved the state of epoch 1"
    assert stopped.ok
    store = TrainerStateStore(trainer.run_dir)
    assert store.newest_epoch() == 3
    second = resumed(make)
    second.train()
    undisturbed = make(run="two")
    undisturbed.train()
    assert_same_state(undisturbed, second)


def test_a_paused_training_hears_commands(make: Callable[..., Trainer], monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = make(script={2: ["pause"]})
    (hook,) = trainer.hooks
    assert isinstance(hook, Rows)
    waits: list[float] = []

    def wait(seconds: float) -> None:
        """What a person does while the training sleeps."""
        waits.append(seconds)
        assert hook.box is not None
        assert trainer.state.epoch == 2
        if len(waits) == 1:
            hook.sent.append(hook.box.send(None, TrainingControl(frozen_components=("actor",))))
        if len(waits) == 3:
            hook.sent.append(hook.box.send("resume", None))

    monkeypatch.setattr("metta.rl.control.steering.time.sleep", wait)
    trainer.train()
    assert [answer.message for answer in answers_of(trainer)] == ["paused", "in force from epoch 3 on", "going on"]
    assert len(waits) == 3
    assert column(trainer, "control/actor/frozen") == [None, None, 1, 1, 1, 1]


def test_rules_act_and_are_part_of_the_state(make: Callable[..., Trainer]) -> None:
    changes = {
        "rules.exploding_gradients.enabled": True,
        "rules.exploding_gradients.threshold": 1e-6,
        "rules.exploding_gradients.factor": 0.5,
    }
    whole = make(changes=changes)
    whole.train()
    expected = [1e-2 * 0.5**epoch * (1 - epoch / 6) for epoch in range(6)]
    assert column(whole, "control/actor/lr") == pytest.approx(expected)
    first = make(run="two", changes=changes)
    for _ in range(3):
        first.train_epoch()
    second = resumed(make, run="two", changes=changes)
    second.train()
    assert_same_state(whole, second)


def test_what_the_machine_decided_is_repeated(make: Callable[..., Trainer], monkeypatch: pytest.MonkeyPatch) -> None:
    changes = {
        "rules.memory_pressure": {"enabled": True, "limit": 0.8, "control": {"frozen_components": ["trunk"]}},
    }
    shares = iter([0.1, 0.9, 0.9, 0.9, 0.9, 0.9])
    monkeypatch.setattr("metta.rl.control.rules.memory_pressure.memory_in_use", lambda: next(shares))
    whole = make(changes=changes)
    whole.train()
    assert column(whole, "control/trunk/frozen") == [0, 0, 1, 1, 1, 1]
    monkeypatch.setattr("metta.rl.control.rules.memory_pressure.memory_in_use", lambda: 0.0)
    twin = make(run="two", changes=changes)
    twin.steering.box.adopt(whole.run_dir.root)  # type: ignore[union-attr]
    twin.train()
    assert rows_of(whole) == rows_of(twin)


class Pairs:
    """Makes corridors in which two rows are the agents of one environment."""

    def __init__(self, make: Callable[..., Any]) -> None:
        self.make = make

    def __call__(self, rows: int) -> Any:
        env = self.make(rows)
        env.spec = env.spec.replace({"num_agents": 2})
        return env


@pytest.fixture
def make_populated(corridor: Callable[..., Any], small: TrainerConfig, tmp_path: Path) -> Callable[..., Trainer]:
    def head(out_key: str, name: str, size: int) -> dict[str, Any]:
        inner = {"class": "LinearModule", "config": {"out_features": size, "activation": "tanh"}}
        config = {"populations": ["scouts", "guards"], "inner": inner}
        in_key = "env_obs" if name == "encoder" else "features"
        return {"name": name, "class": "PerPopulation", "config": config, "in_keys": [in_key], "out_keys": [out_key]}

    critic = {"name": "critic", "class": "ValueHead", "in_keys": ["features"]}
    network = {"components": [head("features", "encoder", 8), head("logits", "actor", 3), critic]}
    phases = {
        "apart": {"_agent_populations": {"guards": 2}, "_sync_frequency": {"actor": 2}, "until": {"epochs": 3}},
        "together": {"_parameter_sharing": {"encoder": "all_agents"}, "_sync_frequency": {"all": 2}},
    }

    def make(run: str = "one", **more: Any) -> Trainer:
        env = Pairs(corridor)(4)
        config = NetworkPolicyConfig(network=NetworkConfig.model_validate(network))
        run_dir = RunDir.at(tmp_path, run).create()
        return Trainer(
            small.replace({"total_timesteps": 448, "optimizer.learning_rate": 1e-2}),
            env,
            build_policy(config, env.spec, seed=3),
            run_dir,
            (Rows(None),),
            seed=3,
            state_store=TrainerStateStore(run_dir),
            training_phases={name: PhaseConfig.model_validate(phase) for name, phase in phases.items()},
            **more,
        )

    return make


@pytest.mark.parametrize("epoch", [1, 3, 5])
def test_populations_and_averaging_cut_and_resumed(make_populated: Callable[..., Trainer], epoch: int) -> None:
    whole = make_populated("whole")
    whole.train()
    cut = make_populated("cut")
    for _ in range(epoch):
        cut.train_epoch()
    again = resumed(make_populated, run="cut")
    assert again.state.epoch == epoch
    again.train()
    assert_same_state(whole, again)
    assert rows_of(whole)[epoch:] == rows_of(again)


def test_populations_learn_apart_and_meet_in_their_mean(make_populated: Callable[..., Trainer]) -> None:
    def copies(name: str) -> list[Tensor]:
        component: Any = trainer.policy.network[name]
        return [torch.cat([p.detach().flatten() for p in one.parameters()]) for one in component.copies.values()]

    def present() -> set[int]:
        return set(trainer.experience.timeline("population").flatten().tolist())

    trainer = make_populated()
    start = copies("encoder")
    trainer.train_epoch()
    assert torch.equal(copies("encoder")[0], start[0])  # nobody is a scout
    assert not torch.equal(copies("encoder")[1], start[1])
    assert present() == {1}
    assert not torch.equal(*copies("actor"))
    trainer.train_epoch()
    assert torch.equal(*copies("actor"))
    assert not torch.equal(*copies("encoder"))
    for _ in range(3):
        trainer.train_epoch()
    assert present() == {0, 1}
    assert torch.equal(*copies("encoder"))
