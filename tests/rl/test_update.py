"""One update: what is masked, clipped, weighted, shuffled, and what stops it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from metta.agent.policy import Policy, build_policy
from metta.agent.policy_config import MlpConfig
from metta.common.errors import NotANumberError
from metta.common.stopwatch import Stopwatch
from metta.rl.context import StopRequested
from metta.rl.experience import Experience
from metta.rl.loss.base import LossSetting, build_losses
from metta.rl.objective import Objective, normalize
from metta.rl.optim import build_optimizer
from metta.rl.rollout import collect
from metta.rl.signals import StopFlag
from metta.rl.trainer_config import TrainerConfig
from metta.rl.update import update


class Bench:
    """A policy, an optimizer and a filled experience; ``update`` goes over them."""

    def __init__(self, env: Any, config: TrainerConfig, **policy: Any) -> None:
        self.config = config
        self.policy: Policy = build_policy(MlpConfig(hidden_sizes=(8,), **policy), env.spec, seed=1)
        self.policy.init_memory(env.num_rows)
        self.optimizer = build_optimizer(config.optimizer, self.policy)
        self.experience = Experience(env.spec, config, env.num_rows, has_action_mask=True)
        generator = torch.Generator().manual_seed(0)
        collect(env, self.policy, self.experience, generator=generator, stopwatch=Stopwatch(), stop=StopFlag())
        noise = torch.Generator().manual_seed(1)
        for key in ("advantages", "returns"):
            self.experience.buffer[key].copy_(torch.randn(self.experience.buffer[key].shape, generator=noise))

    def update(self, stop: StopFlag | None = None) -> dict[str, float]:
        generator = torch.Generator().manual_seed(2)
        setting = LossSetting(self.policy, self.config, self.experience.num_rows, torch.device("cpu"), seed=0)
        objective = Objective(self.policy, build_losses(self.config.losses, setting), self.config)
        arguments = (objective, self.optimizer, self.experience, self.config)
        return update(*arguments, generator=generator, stop=stop or StopFlag(), epoch=7)

    def weights(self) -> Tensor:
        return torch.cat([weight.detach().flatten() for weight in self.policy.parameters()])


@pytest.fixture
def bench(corridor: Callable[..., Any], small: TrainerConfig) -> Callable[..., Bench]:
    def make(changes: dict[str, Any] | None = None, **policy: Any) -> Bench:
        return Bench(corridor(4, seed=5), small.replace(changes or {}), **policy)

    return make


def test_ignored_steps_change_nothing(bench: Callable[..., Bench]) -> None:
    """Rows whose action was ignored may hold any advantage, return or log-probability."""
    clean, dirty = bench(), bench()
    ignored = ~dirty.experience.buffer["valid"]
    assert ignored.any()
    for key in ("advantages", "returns", "act_log_prob", "values"):
        dirty.experience.buffer[key][ignored] = 50.0
    assert clean.update() == dirty.update()
    assert torch.equal(clean.weights(), dirty.weights())


def test_same_seed_same_weights(bench: Callable[..., Bench]) -> None:
    one, two = bench(), bench()
    one.update()
    two.update()
    assert torch.equal(one.weights(), two.weights())


def test_the_experience_is_only_read(bench: Callable[..., Bench]) -> None:
    for minibatch in (16, 64):
        made = bench({"minibatch_size": minibatch})
        before = made.experience.buffer.clone()
        made.update()
        assert (made.experience.buffer == before).all()


def test_losses_are_summed_by_weight(bench: Callable[..., Bench]) -> None:
    """A weight of 0 leaves the critic alone; the total is what is reported."""
    made = bench({"losses.ppo_critic.weight": 0.0, "minibatch_size": 64, "update_epochs": 1})
    value_head = {name: weight.clone() for name, weight in made.policy.named_parameters() if "critic" in name}
    metrics = made.update()
    assert value_head
    assert all(torch.equal(weight, made.policy.get_parameter(name)) for name, weight in value_head.items())
    expected = metrics["losses/policy_loss"] - 0.01 * metrics["losses/entropy"]
    assert metrics["losses/total"] == pytest.approx(expected, abs=1e-6)


def test_gradients_are_clipped_to_their_norm(bench: Callable[..., Bench]) -> None:
    made = bench({"max_grad_norm": 1e-3, "minibatch_size": 64, "update_epochs": 1})
    metrics = made.update()
    clipped = torch.cat([weight.grad.flatten() for weight in made.policy.parameters() if weight.grad is not None])
    assert metrics["losses/grad_norm"] > 1e-2, "what is reported is the norm before"
    assert clipped.norm().item() == pytest.approx(1e-3, rel=1e-3)
    free = bench({"max_grad_norm": 0, "minibatch_size": 64, "update_epochs": 1})
    assert free.update()["losses/grad_norm"] == pytest.approx(metrics["losses/grad_norm"], rel=1e-5)


def test_the_policy_clips_its_weights_after_each_step(bench: Callable[..., Bench]) -> None:
    made = bench(clip_range=0.05)
    made.update()
    heads = [weight for name, weight in made.policy.named_parameters() if name.endswith("weight")]
    assert max(weight.abs().max().item() for weight in heads) == pytest.approx(0.05)


def test_normalize_uses_valid_steps_only() -> None:
    advantages = torch.tensor([[1.0, 3.0, 1000.0]])
    normal = normalize(advantages, torch.tensor([[True, True, False]]))
    torch.testing.assert_close(normal[0, :2], torch.tensor([-1.0, 1.0]))


@pytest.mark.parametrize(
    ("key", "named"), [("rewards", "rollout's 'rewards'"), ("advantages", "rollout's 'advantages'")]
)
def test_nan_in_the_data_is_named(bench: Callable[..., Bench], key: str, named: str) -> None:
    made = bench()
    made.experience.buffer[key][0, 0] = float("nan")
    made.experience.buffer["valid"][0, 0] = True
    with pytest.raises(NotANumberError, match=f"1 of 64 numbers in the {named}.* epoch 7.*learning_rate=0.003"):
        made.update()


def test_nan_in_the_weights_is_named(bench: Callable[..., Bench]) -> None:
    made = bench()
    made.optimizer.param_groups[0]["lr"] = float("inf")
    with pytest.raises(NotANumberError, match=r"weights network\."):
        made.update()


def test_a_signal_stops_between_two_minibatches(bench: Callable[..., Bench]) -> None:
    stop = StopFlag()
    stop.set(2)
    with pytest.raises(StopRequested):
        bench().update(stop)


def test_learning_on_one_batch_raises_the_probability_of_good_actions(bench: Callable[..., Bench]) -> None:
    """Advantage +1 for "right", -1 for all others: after some updates "right" is likelier everywhere."""
    made = bench({"losses.ppo_actor.ent_coef": 0.0})
    data = made.experience.buffer
    before = made.policy.evaluate(data)["act_log_prob"][data["action"] == 1].mean().item()
    data["advantages"].copy_(torch.where(data["action"] == 1, 1.0, -1.0))
    for _ in range(5):
        made.update()
    assert made.policy.evaluate(data)["act_log_prob"][data["action"] == 1].mean().item() > before + 0.1
