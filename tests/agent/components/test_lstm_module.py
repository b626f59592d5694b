"""LSTMModule: states made when absent, in both layouts, alone and in a container."""

from __future__ import annotations

import pytest
import torch
from tensordict import TensorDict

from metta.agent.components.linear import LinearModule
from metta.agent.components.lstm_module import LSTMModule
from metta.agent.container import ComponentContainer
from metta.agent.wrappers.clipping import ClippingWrapper
from metta.common.errors import KeyContractError, ShapeContractError


def test_states_are_made_when_absent_and_handed_on() -> None:
    torch.manual_seed(0)
    module, x = LSTMModule(input_size=3, hidden_size=8), torch.randn(2, 6, 3)
    td = module({"sequence": x})
    assert td["hidden_state"].shape == td["cell_state"].shape == td["new_hidden"].shape == (1, 2, 8)
    assert not td["hidden_state"].any()
    assert td["output"].shape == (2, 6, 8)
    start = module({"sequence": x[:, :2]})
    rest = module({"sequence": x[:, 2:], "hidden_state": start["new_hidden"], "cell_state": start["new_cell"]})
    torch.testing.assert_close(rest["output"], td["output"][:, 2:])
    torch.testing.assert_close(rest["new_cell"], td["new_cell"])


def test_tensordicts_keep_states_by_row() -> None:
    module, x = LSTMModule(3, 8), torch.randn(2, 6, 3)
    td = module(TensorDict({"sequence": x}, batch_size=[2]))
    assert td["hidden_state"].shape == td["new_hidden"].shape == (2, 1, 8)
    plain = module({"sequence": x})
    torch.testing.assert_close(td["output"], plain["output"])
    torch.testing.assert_close(td["new_cell"][:, 0], plain["new_cell"][0])
    unbatched = module(TensorDict({"sequence": x}, batch_size=[]))
    assert unbatched["new_hidden"].shape == (1, 2, 8)


@pytest.mark.parametrize("inputs", [None, ["observation"]])
def test_in_a_container_states_may_be_absent_too(inputs: list[str] | None) -> None:
    network = ComponentContainer(inputs)
    network.add_component("encoder", LinearModule(4, 3, "observation", "sequence"))
    network.add_component("lstm", ClippingWrapper(LSTMModule(3, 8), {"output": (-9.0, 9.0)}))
    x = torch.randn(2, 5, 4)
    assert network.in_keys == ["observation"]
    for _ in range(2):  # the first call is checked, the second runs straight through
        one = network({"observation": x})
        two = network(
            {"observation": x, "hidden_state": one["new_hidden"].detach(), "cell_state": one["new_cell"].detach()}
        )
        assert one["output"].shape == (2, 5, 8)
        assert not torch.equal(one["output"], two["output"])


def test_what_does_not_fit_is_told() -> None:
    with pytest.raises(KeyContractError, match="reads 'sequence', which is missing"):
        LSTMModule(3, 8)({"hidden_state": torch.zeros(1, 2, 8)})
    with pytest.raises(ShapeContractError, match="'hidden_state' with shape"):
        LSTMModule(3, 8)({"sequence": torch.zeros(2, 5, 3), "hidden_state": torch.zeros(1, 2, 9)})


def test_sizes_are_inferred() -> None:
    assert LSTMModule.infer({"hidden_size": 4}, ["sequence"], {"sequence": (3,)}, None) == {
        "input_size": 3,
        "hidden_size": 4,
    }
