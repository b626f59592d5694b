"""SafeWrapper: faults are named where they happen."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from metta.agent.components.linear import LinearModule
from metta.agent.container import ComponentContainer
from metta.agent.module import MettaModule, TensorMap
from metta.agent.wrappers.safe import SafeModule, SafeWrapper
from metta.common.errors import ConfigError, KeyContractError, NotANumberError, ShapeContractError


class Says(MettaModule):
    """Writes what it is told to."""

    def __init__(self, **outputs: Tensor) -> None:
        super().__init__(["x"], list(outputs))
        self.outputs = outputs

    def _compute(self, td: TensorMap) -> dict[str, Tensor]:
        return dict(self.outputs)


X = {"x": torch.zeros(2, 3)}


def test_what_is_in_order_passes_unchanged(policy: LinearModule, features: Tensor) -> None:
    out = SafeWrapper(policy, {"features": (3,)}, {"logits": (4,)})({"features": features})
    assert torch.equal(out["logits"], policy._compute({"features": features})["logits"])


@pytest.mark.parametrize(
    ("bad", "counted"), [(torch.nan, "1 NaN and 0 infinite"), (-torch.inf, "0 NaN and 1 infinite")]
)
def test_nan_and_infinity_are_named_by_component_and_key(bad: float, counted: str) -> None:
    spoilt = torch.tensor([[0.0, bad, 1.0]])
    with pytest.raises(NotANumberError, match=f"input 'x' of component 'actor' holds {counted} numbers of 3"):
        SafeWrapper(Says(y=torch.zeros(1)), component_name="actor")({"x": spoilt})
    with pytest.raises(NotANumberError, match=f"output 'y' of component 'actor' holds {counted} .* in its weights"):
        SafeWrapper(Says(y=spoilt), component_name="actor")(X)
    assert SafeWrapper(Says(y=spoilt), nan_check=False)(X)["y"] is spoilt


def test_the_component_at_fault_is_found_in_a_network(make_network: Callable[[], ComponentContainer]) -> None:
    network = make_network()
    for name in network:
        network.wrap_component(name, "safe")
    with torch.no_grad():
        network["policy"].linear.weight[0, 0] = torch.nan  # pyright: ignore
    with pytest.raises(NotANumberError, match="output 'action_logits' of component 'policy'"):
        network._compute({"observation": torch.randn(2, 3)})


def test_numbers_that_cannot_be_nan_are_not_looked_at() -> None:
    assert SafeWrapper(Says(y=torch.tensor([1])))({"x": torch.zeros(2, 3).byte()})["y"] == 1


def test_missing_keys_and_wrong_shapes() -> None:
    with pytest.raises(KeyContractError, match="actor reads 'x', which is missing"):
        SafeWrapper(Says(y=torch.zeros(1)), component_name="actor")._compute({"z": torch.zeros(1)})
    silent = Says(y=torch.zeros(1))
    silent.outputs = {}
    with pytest.raises(KeyContractError, match="Says declares to write 'y', which is missing"):
        SafeWrapper(silent)(X)
    with pytest.raises(ShapeContractError, match=r"Says reads 'x' with shape \[..., 4\], got \(2, 3\)"):
        SafeWrapper(Says(y=torch.zeros(1)), input_specs={"x": (4,)})(X)
    with pytest.raises(ShapeContractError, match=r"'y' with shape \[..., any, 2\]"):
        SafeWrapper(Says(y=torch.zeros(2)), output_specs={"y": (None, 2)})(X)


def test_actions_are_clipped_others_are_not() -> None:
    component = Says(move_action=torch.tensor([-3.0, 0.5, 3.0]), other=torch.tensor([9.0]))
    out = SafeModule(component, action_bounds=(-1.0, 1.0))(X)
    assert out["move_action"].tolist() == [-1.0, 0.5, 1.0]
    assert out["other"] == 9


def test_extreme_values_are_logged_now_and_then(caplog: pytest.LogCaptureFixture) -> None:
    wrapper = SafeWrapper(Says(state_value=torch.tensor([5.0, -2000.0])), component_name="critic")
    with caplog.at_level(logging.WARNING, "metta"):
        for _ in range(12):
            wrapper(X)
    assert [record.getMessage().split(" (")[0] for record in caplog.records] == [
        "extreme estimates in output 'state_value' of component 'critic': [-2000.00, 5.00], limit 1000"
    ] * 2
    assert wrapper.report() == {"_extreme_values": 12}
    assert wrapper(X)["_extreme_values"] == {"critic": 13}


def test_settings_that_cannot_be_are_refused(policy: LinearModule) -> None:
    with pytest.raises(ConfigError, match=r"action_bounds of LinearModule are \[1.0, -1.0\]"):
        SafeWrapper(policy, action_bounds=(1, -1))
    with pytest.raises(
        KeyContractError, match=r"input_specs of SafeWrapper name \['x'\]; LinearModule has \['features'\]"
    ):
        SafeWrapper(policy, input_specs={"x": (1,)})
