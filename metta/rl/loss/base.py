"""What a loss is, and how the configured ones are built."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

import torch
from torch import Tensor, nn

from metta.common.errors import ConfigError, KeyContractError
from metta.common.seeding import derive_seed
from metta.rl.loss.loss_config import LossConfig
from metta.rl.schedule import Clock, Schedules

if TYPE_CHECKING:
    from metta.agent.policy import ActingPolicy, ExperienceSpec, Policy
    from metta.rl.experience import Experience
    from metta.rl.trainer_config import TrainerConfig

LossConfigT = TypeVar("LossConfigT", bound=LossConfig)


@dataclass(frozen=True, slots=True)
class LossOutput:
    """Scalar to minimise and detached scalars to log."""

    loss: Tensor
    metrics: Mapping[str, Tensor]


@dataclass(frozen=True, slots=True)
class LossSetting:
    """What a loss is built with: the training that it belongs to."""

    policy: Policy
    config: TrainerConfig
    num_rows: int
    device: torch.device
    seed: int
    """Of this loss alone: draw first weights from it."""
    name: str = ""
    """Of this loss in ``trainer.losses``: begin keys of your own in the experience with it."""

    def latent(self, output: str = "logits") -> tuple[str, int]:
        """Key and width of what the head that writes ``output`` reads: the policy's last inner state.

        Raises:
            KeyContractError: the head reads something else than one vector.
        """
        network = self.policy.network
        components = (network.get_component(name) for name in network.execution_order)
        (head,) = (component for component in components if output in component.out_keys)
        key = str(head.in_keys[0])
        shape = network.output_shapes.get(key) or head.input_shapes.get(key) or ()
        width = shape[0] if len(shape) == 1 else None
        if not isinstance(width, int):
            raise KeyContractError(
                f"this policy's head of {output!r} reads {key!r} of shape {shape}, expected one vector."
            )
        return key, width

    def load_policy(self, uri: str) -> ActingPolicy:
        """A policy for the same environments, to learn from.

        Raises:
            CheckpointError: there is none, or it does not fit.
        """
        from metta.checkpoint.manager import load_policy

        return load_policy(uri, self.policy.spec, self.device)


class Loss(nn.Module, ABC, Generic[LossConfigT]):
    """Reads a minibatch and the policy's output on it, returns a scalar.

    Steps whose action was ignored (``batch["valid"]`` false) must not count: use :func:`masked_mean`.

    Parameters of a loss are trained with the policy's, in the optimizer's group ``loss.<name>``; parameters and buffers
    are saved with the trainer's state. A teacher is no part of it: keep it out of ``nn.Module``'s sight (in a tuple).
    """

    reads: ClassVar[tuple[str, ...]] = ()
    """Policy outputs that this loss trains or reads: ``act_log_prob``, ``entropy``, ``values``, ``log_probs`` ``[s, T,
    A]`` and whatever the network writes."""
    batch_reads: ClassVar[tuple[str, ...]] = ()
    """Keys of the experience that it needs."""
    acts: ClassVar[bool] = False
    """Whether ``act`` is called in rollouts."""

    def __init__(self, cfg: LossConfigT, setting: LossSetting | None = None) -> None:
        super().__init__()
        self.cfg = cfg
        self.setting = setting
        self.schedules = Schedules(cfg.schedules)

    @property
    def weight(self) -> float:
        """Factor of this loss in the total."""
        return self.cfg.weight

    @property
    def policy_reads(self) -> tuple[str, ...]:
        """``reads``, for losses whose config names a key."""
        return self.reads

    @property
    def experience_spec(self) -> ExperienceSpec:
        """What ``act`` writes for each step: key -> (shape, dtype)."""
        return {}

    @property
    def prepared_spec(self) -> ExperienceSpec:
        """What ``prepare`` writes for each step of the experience: key -> (shape, dtype)."""
        return {}

    def begin_epoch(self, clock: Clock) -> dict[str, float]:
        """Set the scheduled coefficients; returns them."""
        values = self.schedules.values(clock)
        if values:
            self.cfg = self.cfg.model_copy(update=values)
        return values

    def end_epoch(self, metrics: Mapping[str, float]) -> None:
        """After the update, with the epoch's metrics."""
        self.schedules.observe(metrics)

    def act(self, inputs: Mapping[str, Any], td: dict[str, Any]) -> None:
        """After each ``policy.act`` of a rollout. May write its keys of ``experience_spec`` into ``td``, or another
        ``action`` (then also its ``act_log_prob``). Without gradients.

        Shapes: as ``Policy.act``; ``inputs`` are what the policy read, ``rows`` included.
        """

    def prepare(self, experience: Experience) -> None:
        """Once after the rollout; advantages and returns are there and may be changed."""

    @abstractmethod
    def forward(self, batch: Mapping[str, Tensor], output: Mapping[str, Tensor]) -> LossOutput:
        """Loss on ``batch`` and ``output``: mappings from key to tensor ``[s, T, ...]``."""

    def after_step(self) -> None:
        """After each optimizer step."""

    def rollout_state(self) -> dict[str, Tensor]:
        """What lives from one rollout to the next, such as a teacher's memory."""
        return {}

    def load_rollout_state(self, state: Mapping[str, Tensor]) -> None:
        """Go back to what ``rollout_state`` told."""


def build_losses(config: Mapping[str, LossConfig], setting: LossSetting | None = None) -> dict[str, Loss[Any]]:
    """The enabled losses by name, in the config's order; the policy is told which outputs they read.

    Raises:
        ConfigError: none is enabled.
        KeyContractError: the policy's network does not write what a loss reads.
    """
    losses: dict[str, Loss[Any]] = {}
    for name, cfg in config.items():
        if cfg.enabled:
            losses[name] = _build(name, cfg, setting)
    if not losses:
        raise ConfigError(f"every loss is switched off. Set trainer.losses.<name>.enabled=true for one of {[*config]}.")
    if setting is not None:
        for name, loss in losses.items():
            setting.policy.provide(loss.policy_reads, f"trainer.losses.{name} (type {loss.cfg.kind})")
    return losses


def _build(name: str, cfg: LossConfig, setting: LossSetting | None) -> Loss[Any]:
    module, _, class_name = cfg.implementation.partition(":")
    kind = getattr(import_module(module), class_name)
    if setting is None:
        return kind(cfg)
    own = replace(setting, seed=derive_seed(setting.seed, "loss", name), name=name)
    with torch.random.fork_rng(devices=[]):  # first weights depend on the loss's own seed alone
        torch.default_generator.manual_seed(own.seed)
        loss: Loss[Any] = kind(cfg, own)
    return loss.to(setting.device)


LED = "led"
"""Key of the experience, where a loss lets a teacher act: ``[s, T] bool``, steps whose action is not the policy's."""


def own_steps(batch: Mapping[str, Tensor]) -> Tensor:
    """``[s, T] bool``: valid steps whose action the policy itself chose, for losses whose formula supposes that."""
    valid = batch["valid"]
    return valid & ~batch[LED] if LED in batch.keys() else valid  # noqa: SIM118 - a TensorDict has no `in`


def masked_mean(values: Tensor, valid: Tensor) -> Tensor:
    """Mean of ``values`` where ``valid``; 0 where nothing is valid.

    Shapes: both ``[s, T]``; result ``()``.
    """
    return torch.where(valid, values, 0.0).sum() / valid.sum().clamp(min=1)
