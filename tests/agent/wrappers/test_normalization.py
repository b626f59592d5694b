"""NormalizationWrapper."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from metta.agent.components.linear import LinearModule
from metta.agent.components.lstm import LSTM
from metta.agent.container import ComponentContainer
from metta.agent.wrappers.normalization import NormalizationWrapper
from metta.common.errors import ConfigError, KeyContractError


def test_l2_rows_have_length_one_and_keep_their_direction(policy: LinearModule, features: Tensor) -> None:
    bare = policy._compute({"features": features})["logits"]
    out = NormalizationWrapper(policy, "l2")._compute({"features": features})["logits"]
    torch.testing.assert_close(out * bare.norm(dim=-1, keepdim=True), bare)
    torch.testing.assert_close(out.norm(dim=-1), torch.ones(6))


def test_layer_rows_have_mean_zero_and_variance_one(policy: LinearModule, features: Tensor) -> None:
    out = NormalizationWrapper(policy, "layer", epsilon=1e-12)({"features": features[:, None]})["logits"]
    torch.testing.assert_close(out.mean(-1), torch.zeros(6, 1), atol=1e-6, rtol=0)
    torch.testing.assert_close(out.var(-1, correction=0), torch.ones(6, 1), atol=1e-4, rtol=0)


def test_running_statistics_are_those_of_all_rows_seen(policy: LinearModule) -> None:
    wrapper = NormalizationWrapper(policy, "running", epsilon=0.0)
    batches = [torch.randn(size, 3) for size in (4, 1, 9)] + [torch.randn(2, 5, 3)]
    for batch in batches:
        wrapper._compute({"features": batch})
    everything = torch.cat([policy._compute({"features": batch})["logits"].reshape(-1, 4) for batch in batches])
    state = wrapper.wrapper_state()
    assert state["logits/count"] == 24
    torch.testing.assert_close(state["logits/mean"], everything.detach().mean(0))
    torch.testing.assert_close(state["logits/variance"], everything.detach().var(0, correction=0))
    with torch.no_grad():
        out = wrapper._compute({"features": torch.cat([batch.reshape(-1, 3) for batch in batches])})["logits"]
    torch.testing.assert_close(out.mean(0), torch.zeros(4), atol=1e-5, rtol=0)
    torch.testing.assert_close(out.std(0, correction=0), torch.ones(4), atol=1e-4, rtol=0)


def test_only_learning_passes_are_counted(policy: LinearModule, features: Tensor) -> None:
    wrapper = NormalizationWrapper(policy, "running")
    td = {"features": features}
    with torch.no_grad():
        acted = wrapper._compute(td)["logits"]
    learned = wrapper._compute(td)["logits"]
    assert torch.equal(acted, learned), "the first minibatch sees the policy that acted"
    assert wrapper.wrapper_state()["logits/count"] == 6
    wrapper.eval()
    wrapper._compute(td)
    assert wrapper.wrapper_state()["logits/count"] == 6


def test_a_frozen_component_counts_nothing(make_network: Callable[[], ComponentContainer]) -> None:
    network = make_network()
    wrapper = network.wrap_component("policy", "normalization", {"norm_type": "running"})
    network.wrap_component("policy", "no_grad")
    network({"observation": torch.randn(4, 3)})
    assert wrapper.wrapper_state()["action_logits/count"] == 0


def test_momentum_forgets(policy: LinearModule) -> None:
    wrapper = NormalizationWrapper(policy, "running", momentum=0.25)
    means = []
    for _ in range(2):
        batch = torch.randn(8, 3)
        wrapper._compute({"features": batch})
        means.append(policy._compute({"features": batch})["logits"].detach().mean(0))
    torch.testing.assert_close(wrapper.wrapper_state()["logits/mean"], 0.75 * means[0] + 0.25 * means[1])


def test_statistics_are_state(policy: LinearModule, features: Tensor) -> None:
    wrapper, other = NormalizationWrapper(policy, "running"), NormalizationWrapper(policy, "running")
    wrapper._compute({"features": features})
    other.load_wrapper_state(wrapper.wrapper_state())
    assert torch.equal(*(each.eval()._compute({"features": 2 * features})["logits"] for each in (wrapper, other)))
    assert list(wrapper.state_dict()) == ["linear.weight", "linear.bias"]


def test_outputs_without_features_have_one_mean() -> None:
    from metta.agent.components.heads import ValueHead

    wrapper = NormalizationWrapper(ValueHead(3), "running")
    wrapper._compute({"features": torch.randn(5, 3)})
    assert wrapper.wrapper_state()["values/mean"].shape == ()
    with pytest.raises(ConfigError, match=r"normalises features, but \['values'\] of ValueHead has none"):
        NormalizationWrapper(ValueHead(3), "l2")


def test_memory_is_left_alone() -> None:
    assert NormalizationWrapper(LSTM(3, 4), "l2").keys == ["core"]


def test_names_that_are_not_there_are_refused(policy: LinearModule) -> None:
    with pytest.raises(ConfigError, match="norm_type of LinearModule is 'l3'; expected one of"):
        NormalizationWrapper(policy, "l3")  # pyright: ignore[reportArgumentType]
    with pytest.raises(KeyContractError, match=r"keys \['values'\], which LinearModule does not write"):
        NormalizationWrapper(policy, keys=["values"])
    with pytest.raises(ConfigError, match="momentum of LinearModule is 2"):
        NormalizationWrapper(policy, momentum=2)
