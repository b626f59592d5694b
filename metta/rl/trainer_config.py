"""Settings of the trainer. Knows no torch, so that help and mistakes are answered at once."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from metta.common.config import Config
from metta.common.errors import ConfigError
from metta.rl.control.rules.rules_config import RulesConfig
from metta.rl.loss.registry import Losses, default_losses
from metta.rl.optim_config import OptimizerConfig
from metta.rl.rewards_config import RewardsConfig
from metta.rl.sampling_config import SamplingConfig
from metta.rl.update_epochs_config import UpdateEpochsAutotuneConfig

_MSG_MULTIPLE = (
    "trainer.{big}={big_value} is no multiple of trainer.{small}={small_value}: {reason}. "
    "Nearest that fits: trainer.{big}={nearest}."
)


class TrainerConfig(Config):
    """Proximal policy optimisation over batches of ``batch_size`` agent-steps. The defaults are tuned on the arena.

    Units: every size is in agent-steps (environment steps x agents), except ``bptt_horizon``: steps of one agent.
    """

    total_timesteps: int = Field(default=50_000_000, ge=1, description="train for this many agent-steps")
    batch_size: int = Field(default=24_576, ge=1, description="agent-steps gathered before each update")
    minibatch_size: int = Field(default=6_144, ge=1, description="agent-steps in one optimizer step")
    bptt_horizon: int = Field(default=32, ge=1, description="steps of a segment: as far as gradients go back in time")
    update_epochs: int = Field(default=3, ge=1, description="passes over the batch in each update")
    gamma: float = Field(default=0.98, gt=0, le=1, description="discount of a step")
    gae_lambda: float = Field(default=0.9, ge=0, le=1, description="lambda of generalised advantage estimation")
    normalize_advantages: bool = Field(
        default=True, description="mean 0, deviation 1 within each minibatch, over all ranks"
    )
    target_kl: float | None = Field(
        default=None, gt=0, description="no further pass over the batch after one whose approx_kl is above; null = off"
    )
    update_epochs_autotune: UpdateEpochsAutotuneConfig = UpdateEpochsAutotuneConfig()
    sampling: SamplingConfig = SamplingConfig()
    rewards: RewardsConfig = RewardsConfig()
    max_grad_norm: float = Field(default=0.5, ge=0, description="clip the gradient's global norm to this; 0 = off")
    precision: Literal["fp32", "bf16"] = Field(
        default="fp32", description="of the network's arithmetic; bf16: torch's autocast. Losses are fp32 either way"
    )
    optimizer: OptimizerConfig = OptimizerConfig()
    losses: Losses = Field(
        default_factory=default_losses,
        description="what is minimised, by name; ppo_actor and ppo_critic are there unless enabled: false",
    )
    scale_batches_by_world_size: bool = Field(
        default=False,
        description="several ranks: false = each gathers batch_size from its own num_envs; true = they share both",
    )
    check_weights_every: int = Field(
        default=10, ge=0, description="several ranks: compare their weights after every so many epochs; 0 = never"
    )
    rules: RulesConfig = Field(default_factory=RulesConfig, description="what a training does of itself")

    @model_validator(mode="after")
    def _check_sizes(self) -> Self:
        _check_multiple(
            ("minibatch_size", self.minibatch_size),
            ("bptt_horizon", self.bptt_horizon),
            "a minibatch consists of whole segments",
        )
        self._follow_the_one_that_is_set()
        _check_multiple(
            ("batch_size", self.batch_size),
            ("minibatch_size", self.minibatch_size),
            "an update goes over the batch in whole minibatches",
        )
        tuning = self.update_epochs_autotune
        if tuning.is_on and not tuning.min_update_epochs <= self.update_epochs <= tuning.max_update_epochs:
            raise ValueError(
                f"trainer.update_epochs={self.update_epochs} is where update_epochs_autotune starts, but it goes from "
                f"{tuning.min_update_epochs} to {tuning.max_update_epochs}."
            )
        return self

    def _follow_the_one_that_is_set(self) -> None:
        """Where only one of batch and minibatch is set, the other is the nearest to its default that fits."""
        batch, minibatch, given = self.batch_size, self.minibatch_size, self.model_fields_set
        if batch % minibatch == 0 or batch % self.bptt_horizon:
            return
        if "minibatch_size" not in given:
            object.__setattr__(self, "minibatch_size", self.minibatch_near(batch, minibatch, self.bptt_horizon))
        elif "batch_size" not in given:
            object.__setattr__(self, "batch_size", _nearest_multiple(batch, minibatch))

    @property
    def num_segments(self) -> int:
        """Segments ``S`` of one batch."""
        return self.batch_size // self.bptt_horizon

    @classmethod
    def for_rows(cls, num_rows: int, *, horizon: int = 32, segments: int = 2, minibatches: int = 4) -> Self:
        """The defaults, sized for ``num_rows`` agent rows: each brings about ``segments`` of ``horizon`` steps.

        There are at most ``minibatches`` equal ones; few rows get fewer, but four where they can: one has some twelve
        segments.

        >>> TrainerConfig.for_rows(384) == TrainerConfig()
        True
        >>> TrainerConfig.for_rows(400).batch_size
        25600
        """
        whole = 4 * max(1, round(segments * num_rows / 4))
        while whole % num_rows:
            whole += 4
        wanted = max(whole / minibatches, min(12, whole / 4))
        minibatch = next(size for size in range(1, whole + 1) if size >= wanted and whole % size == 0)
        return cls(batch_size=whole * horizon, minibatch_size=minibatch * horizon, bptt_horizon=horizon)

    @staticmethod
    def minibatch_near(batch_size: int, wanted: int, horizon: int) -> int:
        """The largest minibatch of whole segments that divides ``batch_size`` and is not larger than ``wanted``."""
        segments = batch_size // horizon
        fitting = (size for size in range(1, max(1, wanted // horizon) + 1) if segments % size == 0)
        return horizon * max(fitting)

    def for_rank(self, world_size: int) -> Self:
        """Sizes of one rank of ``world_size``: as they stand, or its share of them.

        Raises:
            ConfigError: they cannot be shared evenly.
        """
        if world_size == 1 or not self.scale_batches_by_world_size:
            return self
        whole = world_size * self.bptt_horizon
        for name in ("batch_size", "minibatch_size"):
            if (size := getattr(self, name)) % whole:
                raise ConfigError(
                    f"trainer.{name}={size} cannot be shared by {world_size} ranks in whole segments of "
                    f"trainer.bptt_horizon={self.bptt_horizon} steps (trainer.scale_batches_by_world_size=true). "
                    f"Nearest that fits: trainer.{name}={_nearest_multiple(size, whole)}."
                )
        return self.replace(
            {"batch_size": self.batch_size // world_size, "minibatch_size": self.minibatch_size // world_size}
        )

    def check_rows(self, num_rows: int) -> None:
        """Refuse a batch that ``num_rows`` agent rows (environments x agents) cannot fill evenly.

        Raises:
            ConfigError: fewer segments than rows, or not the same number for each row.
        """
        if self.num_segments < num_rows:
            raise ConfigError(
                f"trainer.batch_size={self.batch_size} holds {self.num_segments} segments of "
                f"trainer.bptt_horizon={self.bptt_horizon} steps, but {num_rows} agents need one each. "
                f"Set {self._fit_for(num_rows)}, or fewer training_env.num_envs."
            )
        if self.num_segments % num_rows:
            raise ConfigError(
                f"trainer.batch_size={self.batch_size} holds {self.num_segments} segments of "
                f"trainer.bptt_horizon={self.bptt_horizon} steps, which {num_rows} agents (training_env.num_envs x "
                f"agents) cannot share evenly. Nearest that fits: {self._fit_for(num_rows)}."
            )

    def _fit_for(self, num_rows: int) -> str:
        """The overrides nearest to the present sizes that ``num_rows`` rows can fill."""
        batch_size = _nearest_multiple(self.batch_size, num_rows * self.bptt_horizon)
        if batch_size % self.minibatch_size == 0:
            return f"trainer.batch_size={batch_size}"
        segments, wanted = batch_size // self.bptt_horizon, self.minibatch_size // self.bptt_horizon
        fitting = (size for size in range(1, segments + 1) if segments % size == 0)
        minibatch_size = self.bptt_horizon * min(fitting, key=lambda size: abs(size - wanted))
        return f"trainer.batch_size={batch_size} trainer.minibatch_size={minibatch_size}"


def _check_multiple(big: tuple[str, int], small: tuple[str, int], reason: str) -> None:
    if big[1] % small[1]:
        raise ValueError(
            _MSG_MULTIPLE.format(
                big=big[0],
                big_value=big[1],
                small=small[0],
                small_value=small[1],
                reason=reason,
                nearest=_nearest_multiple(big[1], small[1]),
            )
        )


def _nearest_multiple(value: int, step: int) -> int:
    return max(step, round(value / step) * step)
