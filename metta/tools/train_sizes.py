"""Sizes that nobody set: from the machine, the game and the length of the training. Knows no torch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from math import ceil, gcd, lcm
from typing import TYPE_CHECKING, Any, TypeVar

from metta.agent.policy_config import default_policy_config
from metta.common.accelerator import will_use_gpu
from metta.common.config import Config
from metta.common.run_dir import RunDir
from metta.envs.gym_env_config import GymEnvConfig
from metta.mettagrid.vec_env_config import VecEnvConfig
from metta.rl.trainer_config import TrainerConfig
from metta.sim.evaluator_config import EvaluatorConfig
from metta.tools.resolved import load_resolved

if TYPE_CHECKING:
    from metta.tools.train import TrainTool

    TrainToolT = TypeVar("TrainToolT", bound=TrainTool)

FEWEST_EPOCHS = 8
"""A short training gets smaller batches, so that it still has some eight epochs."""
FITTED = "fitted to machine and length"
"""Origin of such a size in ``config.yaml``."""
KEPT = (
    *("training_env.num_envs", "training_env.num_slots"),
    *("trainer.batch_size", "trainer.minibatch_size", "trainer.update_epochs"),
)
"""Sizes that a run keeps, however much longer it becomes."""


@dataclass(frozen=True, slots=True)
class MachineSizes:
    """What a machine does well. Units: ``rows`` agents at a time, ``steps`` of each of them in a batch.

    ``minibatches`` a batch is cut into, and ``passes`` over them.

    ``slots``: on a CPU stepping takes a few percent of a rollout, and inference on all rows at once saves more than
    overlapping would; a GPU infers for one half while the CPU steps the other.
    """

    rows: int
    steps: int
    minibatches: int
    passes: int
    slots: int


CPU = MachineSizes(rows=384, steps=64, minibatches=4, passes=3, slots=1)
CPU_SMALL_STEPS = replace(CPU, minibatches=16, passes=1)
"""For policies with ``small_steps``: a third as much arithmetic for what is learnt."""
CUDA = MachineSizes(rows=2048, steps=64, minibatches=8, passes=3, slots=2)


def fit_sizes(tool: TrainTool) -> dict[str, dict[str, Any]]:
    """Values for the sizes that ``tool`` leaves open, by section; what is set, by recipe or user, stays.

    ``num_envs`` makes as many agents as the machine does well; a batch holds 64 steps of each. Both shrink where
    ``total_timesteps`` would not fill eight batches. The evaluation comes at the latest with the last epoch, and plays
    no more than half of what is trained (but two episodes a simulation).
    """
    machine = _machine(tool)
    trainer, env, evaluator = tool.trainer, tool.training_env, tool.evaluator
    fitted: dict[str, dict[str, Any]] = {}
    rows = env.num_rows
    per_epoch = max(1, trainer.total_timesteps // FEWEST_EPOCHS)
    if isinstance(env, VecEnvConfig) and "num_envs" not in env.model_fields_set:
        wanted = machine.rows
        if "batch_size" not in trainer.model_fields_set:
            wanted = min(wanted, per_epoch // trainer.bptt_horizon)
        segments = env.env.game.num_agents * max(1, machine.steps // trainer.bptt_horizon)
        unit = lcm(2, 4 // gcd(segments, 4))  # equal slots, four equal minibatches
        agents = env.env.game.num_agents
        num_envs = unit * max(1, round(wanted / agents / unit))
        fitted["training_env"] = {"num_envs": num_envs}
        if "num_slots" not in env.model_fields_set:
            fitted["training_env"]["num_slots"] = machine.slots
        rows = num_envs * agents
    steps = min(machine.steps, max(1, per_epoch // rows))
    sizes = {**batch_sizes(trainer, rows, steps, machine.minibatches), "update_epochs": _passes(trainer, machine)}
    fitted["trainer"] = {name: size for name, size in sizes.items() if name not in trainer.model_fields_set}
    fitted["evaluator"] = _evaluation(evaluator, trainer.total_timesteps, sizes["batch_size"])
    return fitted


def _machine(tool: TrainTool) -> MachineSizes:
    if will_use_gpu(tool.system.device):
        return CUDA
    policy, env = tool.policy_architecture, tool.training_env
    if policy is None and tool.initial_policy_uri is None and isinstance(env, VecEnvConfig):
        policy = default_policy_config(env.env.game.obs.kind)
    return CPU_SMALL_STEPS if policy is not None and policy.small_steps else CPU


def _passes(trainer: TrainerConfig, machine: MachineSizes) -> int:
    tuning = trainer.update_epochs_autotune
    if not tuning.is_on:
        return machine.passes
    return min(max(machine.passes, tuning.min_update_epochs), tuning.max_update_epochs)


def batch_sizes(trainer: TrainerConfig, rows: int, steps: int, minibatches: int) -> dict[str, int]:
    """``batch_size`` and ``minibatch_size`` for ``rows`` that each bring about ``steps``; set ones as they are."""
    horizon, given = trainer.bptt_horizon, trainer.model_fields_set
    plain = TrainerConfig.for_rows(rows, horizon=horizon, segments=max(1, steps // horizon), minibatches=minibatches)
    batch, minibatch = plain.batch_size, plain.minibatch_size
    if "minibatch_size" in given:
        minibatch = trainer.minibatch_size
    if "batch_size" in given:
        batch = trainer.batch_size
    elif batch % minibatch:
        both = lcm(rows * horizon, minibatch)
        batch = both * max(1, round(batch / both))
    if batch % minibatch and "minibatch_size" not in given:
        minibatch = TrainerConfig.minibatch_near(batch, minibatch, horizon)
    return {"batch_size": batch, "minibatch_size": minibatch}


def put_in(tool: TrainTool, fitted: Mapping[str, Mapping[str, Any]]) -> None:
    """Write ``fitted`` into the sections of ``tool``, while it is being built."""
    for section, values in fitted.items():
        if values:
            object.__setattr__(tool, section, getattr(tool, section).model_copy(update=dict(values)))


def take_out(tool: TrainToolT, fitted: Iterable[str]) -> TrainToolT:
    """``tool`` with the sizes at ``fitted`` open again: what is built from it is fitted anew."""
    made = tool.model_copy()
    for section in dict.fromkeys(path.partition(".")[0] for path in fitted):
        part: Config = getattr(made, section).model_copy()
        names = {path.partition(".")[2] for path in fitted if path.startswith(f"{section}.")}
        part.__pydantic_fields_set__ = set(part.model_fields_set) - names
        object.__setattr__(made, section, part)
    return made


def keep_sizes(tool: TrainTool, run_dir: RunDir) -> TrainTool:
    """``tool`` with the sizes of the run that it goes on with, where it sets none itself."""
    if not run_dir.config_path.is_file():
        return tool
    saved = load_resolved(run_dir.config_path)
    found = {path: value for path in tool.fitted if path in KEPT and (value := _at(saved, path)) is not None}
    return tool.resized(found) if found else tool


def _evaluation(evaluator: EvaluatorConfig, total: int, batch_size: int) -> dict[str, Any]:
    fitted: dict[str, Any] = {}
    default = EvaluatorConfig.model_fields["epoch_interval"].default
    if "epoch_interval" not in evaluator.model_fields_set:
        fitted["epoch_interval"] = min(default, ceil(total / batch_size))
    if "num_episodes" not in evaluator.model_fields_set and evaluator.simulations:
        round_of_all = sum(
            simulation.env.game.max_steps * simulation.env.game.num_agents
            for simulation in evaluator.simulations
            if not isinstance(simulation.env, GymEnvConfig)
        )
        most = max(simulation.num_episodes for simulation in evaluator.simulations)
        affordable = max(2, total // (2 * round_of_all)) if round_of_all else most
        fitted["num_episodes"] = affordable if affordable < most else None
    return fitted


def _at(tree: Mapping[str, Any], path: str) -> Any:
    node: Any = tree
    for part in path.split("."):
        node = node.get(part) if isinstance(node, Mapping) else None
    return node
