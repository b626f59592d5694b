"""The sum of the losses: names of metrics, losses with parameters of their own, what is state."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from metta.agent.policy import build_policy
from metta.agent.policy_config import MlpConfig
from metta.common.errors import KeyContractError
from metta.rl.experience import Experience
from metta.rl.loss.base import Loss, LossOutput, LossSetting, build_losses, masked_mean
from metta.rl.loss.ppo_actor_config import PPOActorConfig
from metta.rl.objective import Objective, normalize
from metta.rl.optim import build_optimizer
from metta.rl.schedule import Clock
from metta.rl.trainer_config import TrainerConfig


class Probe(Loss[PPOActorConfig]):
    """Regresses the rewards from the policy's hidden state with a layer of its own."""

    reads = ("actor_hidden",)
    batch_reads = ("rewards", "valid", "next_values")

    def __init__(self, cfg: PPOActorConfig, setting: LossSetting) -> None:
        super().__init__(cfg, setting)
        key, width = setting.latent()
        assert key == "actor_hidden"
        self.head = nn.Linear(width, 1)
        self.steps = 0

    def forward(self, batch: Mapping[str, Tensor], output: Mapping[str, Tensor]) -> LossOutput:
        error = (self.head(output["actor_hidden"]).squeeze(-1) - batch["rewards"]).square()
        return LossOutput(masked_mean(error, batch["valid"]), {"error": error.mean().detach()})

    def after_step(self) -> None:
        self.steps += 1


@pytest.fixture
def setting(corridor: Callable[..., Any], small: TrainerConfig) -> LossSetting:
    env = corridor(4)
    policy = build_policy(MlpConfig(hidden_sizes=(8,)), env.spec, seed=1)
    return LossSetting(policy, small, env.num_rows, torch.device("cpu"), seed=3)


def experience_of(setting: LossSetting, env: Any) -> Experience:
    made = Experience(env.spec, setting.config, env.num_rows, has_action_mask=True, next_values=True)
    generator = torch.Generator().manual_seed(0)
    for key in ("rewards", "returns", "advantages", "env_obs"):
        made.buffer[key].copy_(torch.randn(made.buffer[key].shape, generator=generator))
    made.timelines["valid"].fill_(True)
    made.timelines["action_mask"].fill_(True)
    return made


def with_probe(setting: LossSetting, weight: float = 1.0) -> Objective:
    losses: dict[str, Loss[Any]] = build_losses(setting.config.losses, setting)
    probe = Probe(PPOActorConfig(weight=weight), setting)
    setting.policy.provide(probe.policy_reads, "the test")
    return Objective(setting.policy, {**losses, "probe": probe}, setting.config)


def test_total_is_the_weighted_sum_and_metrics_are_told_apart(
    setting: LossSetting, corridor: Callable[..., Any]
) -> None:
    batch = experience_of(setting, corridor(4)).buffer
    plain = Objective(setting.policy, build_losses(setting.config.losses, setting), setting.config)(batch)[0]
    total, metrics = with_probe(setting, weight=0.25)(batch)
    assert total.item() == pytest.approx(plain.item() + 0.25 * metrics["losses/probe/error"].item(), rel=1e-5)
    assert {"losses/policy_loss", "losses/value_loss", "losses/probe/error"} <= set(metrics)


def test_own_parameters_are_trained_and_saved(setting: LossSetting, corridor: Callable[..., Any]) -> None:
    objective = with_probe(setting)
    optimizer = build_optimizer(setting.config.optimizer, setting.policy, objective.own_parameters())
    assert [group["name"] for group in optimizer.param_groups][-1] == "loss.probe"
    before = objective.state()["probe/state/head.weight"].clone()
    objective(experience_of(setting, corridor(4)).buffer)[0].backward()
    optimizer.step()
    objective.after_step()
    after = objective.state()
    assert not torch.equal(before, after["probe/state/head.weight"])
    probe = objective.losses["probe"]
    assert isinstance(probe, Probe)
    assert probe.steps == 1
    other = with_probe(setting)
    other.load_state(after)
    assert torch.equal(other.state()["probe/state/head.weight"], after["probe/state/head.weight"])
    assert [name for name, _ in objective.named_own_parameters()] == ["loss.probe.head.weight", "loss.probe.head.bias"]


def test_first_weights_depend_on_the_loss_alone(setting: LossSetting) -> None:
    """Another loss before it, or another random state, changes nothing."""
    torch.manual_seed(1)
    one = build_losses(setting.config.losses, setting)
    state = torch.get_rng_state()
    build_losses(setting.config.losses, setting)
    assert torch.equal(torch.get_rng_state(), state)
    assert list(one) == ["ppo_actor", "ppo_critic"]


def test_a_key_that_nobody_writes_is_named(setting: LossSetting) -> None:
    with pytest.raises(KeyContractError, match=r"the test reads \['value_quantiles'\].*'actor_hidden'"):
        setting.policy.provide(("value_quantiles",), "the test")


def test_log_probs_are_those_of_the_masked_distribution(setting: LossSetting, corridor: Callable[..., Any]) -> None:
    setting.policy.provide(("log_probs",), "the test")
    batch = experience_of(setting, corridor(4)).buffer
    batch["action_mask"][..., 0] = False
    batch["action"][:] = 1
    output = setting.policy.evaluate(batch)
    assert output["log_probs"].shape == (*batch["action"].shape, 3)
    assert torch.equal(output["log_probs"][..., 1], output["act_log_prob"])
    assert output["log_probs"][..., 0].exp().max() == 0


def test_schedules_change_coefficients_and_follow_metrics(setting: LossSetting) -> None:
    config = setting.config.replace(
        {
            "losses.ppo_actor.schedules": {"ent_coef": {"points": [[0, 0.2], [1, 0.0]]}},
            "losses.ppo_critic.schedules": {
                "weight": {"by": "metric", "metric": "overview/reward", "points": [[0, 1.0], [10, 0.5]]}
            },
        }
    )
    objective = Objective(setting.policy, build_losses(config.losses, setting), config)
    assert objective.begin_epoch(Clock(0.5, 100, 3)) == {
        "hyperparameters/ppo_actor/ent_coef": pytest.approx(0.1),
        "hyperparameters/ppo_critic/weight": 1.0,
    }
    assert objective.losses["ppo_actor"].cfg.ent_coef == pytest.approx(0.1)
    objective.end_epoch({"overview/reward": 10.0})
    objective.begin_epoch(Clock(0.75, 150, 4))
    assert objective.losses["ppo_critic"].weight == 0.5
    other = Objective(setting.policy, build_losses(config.losses, setting), config)
    other.load_schedule_state(objective.schedule_state())
    other.begin_epoch(Clock(0.75, 150, 4))
    assert other.losses["ppo_critic"].weight == 0.5


def test_advantages_are_normalised_over_all_ranks() -> None:
    """Two ranks with different steps get what one rank with all of them would."""
    noise = torch.Generator().manual_seed(0)
    advantages, valid = 3 + torch.randn(4, 5, generator=noise), torch.rand(4, 5, generator=noise) < 0.7
    meeting, said = Barrier(2), [torch.zeros(2), torch.zeros(2)]

    def normalize_on(rank: int, rows: slice) -> Tensor:
        def reduce(mine: Tensor) -> Tensor:
            said[rank] = mine
            meeting.wait(10)
            total = said[0] + said[1]
            meeting.wait(10)
            return total

        return normalize(advantages[rows], valid[rows], reduce)

    with ThreadPoolExecutor(2) as pool:
        parts = list(pool.map(normalize_on, (0, 1), (slice(0, 1), slice(1, 4))))
    torch.testing.assert_close(torch.cat(parts)[valid], normalize(advantages, valid)[valid])
