"""TrainingPhaseWrapper: phases, noise that comes back bit for bit."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from metta.agent.components.linear import LinearModule
from metta.agent.components.lstm import LSTM
from metta.agent.container import ComponentContainer
from metta.agent.control.training_control import TrainingControl
from metta.agent.wrappers.training_phase import TrainingPhaseWrapper
from metta.common.errors import ConfigError


def phased(policy: LinearModule, **behavior: float) -> TrainingPhaseWrapper:
    return TrainingPhaseWrapper(policy, {"training": behavior, "evaluation": {}}, "policy", seed=7)


def run(wrapper: TrainingPhaseWrapper, features: Tensor) -> Tensor:
    return wrapper._compute({"features": features})["logits"]


def test_phases_come_from_the_trainer(make_network: Callable[[], ComponentContainer]) -> None:
    network = make_network()
    behaviors = {"warmup": {"input_noise": 0.5}, "evaluation": {}}
    wrapper = network.wrap_component("policy", "training_phase", {"phase_behaviors": behaviors})
    assert isinstance(wrapper, TrainingPhaseWrapper)
    seen = []
    for phase in ("warmup", "unheard of", "evaluation", "unheard of"):
        network.controller.apply(TrainingControl(training_phase=phase))
        seen.append(dict(wrapper.current_behavior))
    assert seen == [{"input_noise": 0.5}, {"input_noise": 0.5}, {}, {}]


def test_input_noise_has_its_size_and_spares_the_caller(policy: LinearModule) -> None:
    with torch.no_grad():
        policy.linear.weight.zero_()[:3] = torch.eye(3)
    td = {"features": torch.zeros(20_000, 3)}
    out = phased(policy, input_noise=0.3)._compute(td)["logits"].detach()
    assert float(out[:, :3].std()) == pytest.approx(0.3, rel=0.02)
    assert not td["features"].any()
    assert not out[:, 3].any()


def test_output_dropout_keeps_the_mean(policy: LinearModule, features: Tensor) -> None:
    wrapper = phased(policy, output_dropout=0.25)
    bare = policy._compute({"features": features})["logits"]
    out = torch.stack([run(wrapper, features) for _ in range(2000)])
    assert float((out == 0).float().mean()) == pytest.approx(0.25, abs=0.01)
    torch.testing.assert_close(out.mean(0), bare, rtol=0.1, atol=0.02)
    assert not run(phased(policy, output_dropout=1.0), features).any()


def test_smoothing_is_the_exponential_mean_of_calls(policy: LinearModule, features: Tensor) -> None:
    wrapper = phased(policy, output_smoothing=0.9).eval()
    bare = [policy._compute({"features": factor * features})["logits"] for factor in (1, 2, 3)]
    out = [run(wrapper, factor * features) for factor in (1, 2, 3)]
    torch.testing.assert_close(out[0], bare[0])
    torch.testing.assert_close(out[1], 0.9 * bare[0] + 0.1 * bare[1])
    torch.testing.assert_close(out[2], 0.9 * out[1] + 0.1 * bare[2])
    torch.testing.assert_close(run(wrapper, features[:2]), bare[0][:2])  # another batch, another stream
    out[2].sum().backward()  # the past is no part of the graph


def test_exploration_only_while_acting(policy: LinearModule, features: Tensor) -> None:
    bare = policy._compute({"features": features})["logits"]
    for behavior in ({"exploration_noise": 0.3}, {"epsilon": 0.5}):
        wrapper = phased(policy.train(), **behavior)
        assert torch.equal(run(wrapper, features), bare)
        with torch.no_grad():
            assert not torch.equal(run(wrapper, features), bare)
            assert torch.equal(run(wrapper.eval(), features), bare)


def test_epsilon_mixes_in_uniform_choice(policy: LinearModule, features: Tensor) -> None:
    bare = policy._compute({"features": features})["logits"].softmax(-1)
    with torch.no_grad():
        mixed = run(phased(policy, epsilon=0.8), features).softmax(-1)
    torch.testing.assert_close(mixed, 0.2 * bare + 0.2)


def test_evaluation_is_clean(policy: LinearModule, features: Tensor) -> None:
    wrapper = phased(policy, input_noise=1.0, output_dropout=0.5, output_smoothing=0.5)
    wrapper.signals.training_phase = "evaluation"
    assert torch.equal(run(wrapper, features), policy._compute({"features": features})["logits"])


def test_noise_comes_back_bit_for_bit(policy: LinearModule, features: Tensor) -> None:
    """From a saved state, from copies and from pickles; and no other generator is touched."""
    wrapper = phased(policy, input_noise=0.3, output_dropout=0.2, output_smoothing=0.5)
    before = torch.get_rng_state()
    run(wrapper, features)
    state = {key: value.clone() for key, value in wrapper.wrapper_state().items()}
    copies = [copy.deepcopy(wrapper), pickle.loads(pickle.dumps(wrapper))]  # noqa: S301 - our own bytes
    resumed = TrainingPhaseWrapper(policy, wrapper.phase_behaviors, seed=99)
    resumed.load_wrapper_state(state)
    expected = [run(wrapper, features) for _ in range(3)]
    for other in (*copies, resumed):
        for one in expected:
            assert torch.equal(run(other, features), one)
    assert torch.equal(torch.get_rng_state(), before)


def test_seeds_follow_torch_and_the_name(policy: LinearModule, features: Tensor) -> None:
    def noise(torch_seed: int, name: str) -> Tensor:
        torch.manual_seed(torch_seed)
        return run(TrainingPhaseWrapper(policy, {"training": {"input_noise": 1.0}}, name), features)

    assert torch.equal(noise(1, "a"), noise(1, "a"))
    assert not torch.equal(noise(1, "a"), noise(1, "b"))
    assert not torch.equal(noise(1, "a"), noise(2, "a"))


def test_memory_and_integers_are_left_alone() -> None:
    torch.manual_seed(0)
    lstm = LSTM(3, 4)
    wrapper = TrainingPhaseWrapper(lstm, {"training": {"output_dropout": 1.0}})
    td = {"features": torch.randn(2, 3), "first": torch.ones(2).bool()}
    td |= {key: torch.zeros(2, 1, 4) for key in ("memory/lstm_h", "memory/lstm_c")}
    out = wrapper._compute(td)
    assert not out["core"].any()
    assert out["next_memory/lstm_h"].any()


def test_all_faults_of_the_behaviors_at_once(policy: LinearModule) -> None:
    with pytest.raises(
        ConfigError, match=r"a.input_nose is no behaviour.*b.epsilon is 2; expected a number from 0 to 1"
    ):
        TrainingPhaseWrapper(policy, {"a": {"input_nose": 0.1}, "b": {"epsilon": 2}})
