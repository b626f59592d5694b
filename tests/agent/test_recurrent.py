"""Every recurrent component: one step after the other, whole segments, and resets are the same recurrence."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor

from metta.agent.components.axon import Axon
from metta.agent.components.causal_conv import CausalConv
from metta.agent.components.cortex import Cortex
from metta.agent.components.gru import GRU
from metta.agent.components.lstm import LSTM
from metta.agent.components.mamba import Mamba, MambaMixer
from metta.agent.components.memory_encoder import MemoryAugmentedEncoder
from metta.agent.components.mlstm import MLSTM
from metta.agent.components.registry import COMPONENTS
from metta.agent.components.slstm import SLSTM
from metta.agent.components.transformer_xl import TransformerXL, XLAttention
from metta.agent.module import MEMORY_PREFIX, NEXT_MEMORY_PREFIX, MettaModule
from metta.agent.recurrent import RecurrentModule, forget, steps_since_reset
from metta.common.errors import ShapeContractError

ROWS, HORIZON, SIZE = 3, 9, 8
MODULES: dict[str, Callable[[], MettaModule]] = {
    "Axon": lambda: Axon(5, SIZE),
    "CausalConv": lambda: CausalConv(5, SIZE, 4),
    "Cortex": lambda: Cortex(5, SIZE, "AXMSLC", num_heads=2, memory_size=4, out_features=6),
    "GRU": lambda: GRU(5, SIZE, 2),
    "LSTM": lambda: LSTM(5, SIZE, 2),
    "MLSTM": lambda: MLSTM(5, SIZE, 2),
    "Mamba": lambda: Mamba(5, SIZE, 2, state_size=4),
    "MambaMixer": lambda: MambaMixer(5, SIZE, 4, kernel=3),
    "MemoryAugmentedEncoder": lambda: MemoryAugmentedEncoder(
        5, SIZE, 3, "features", "core", num_heads=2, memory_name="notes"
    ),
    "SLSTM": lambda: SLSTM(5, SIZE, 2),
    "TransformerXL": lambda: TransformerXL(5, SIZE, 2, memory_size=4, num_heads=2),
    "XLAttention": lambda: XLAttention(5, SIZE, 4, num_heads=2),
}


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Tensors as small as these are computed faster by one thread than handed to several."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(params=sorted(MODULES))
def module(request: pytest.FixtureRequest) -> MettaModule:
    torch.manual_seed(3)
    made = MODULES[request.param]()
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.1)  # zeros at the start hide faults
    return made


def zeros(module: MettaModule, rows: int = ROWS) -> dict[str, Tensor]:
    return {MEMORY_PREFIX + name: torch.zeros(rows, *shape) for name, shape in module.memory_shapes.items()}


def advance(module: MettaModule, td: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
    """Output, and the memory after it under the keys by which it is read."""
    out = module(dict(td))
    return out["core"], {MEMORY_PREFIX + name: out[NEXT_MEMORY_PREFIX + name] for name in module.memory_shapes}


def step_by_step(
    module: MettaModule, x: Tensor, first: Tensor, memory: dict[str, Tensor]
) -> tuple[Tensor, dict[str, Tensor]]:
    """The definition: T calls of one step each."""
    outs = []
    for t in range(x.shape[1]):
        out, memory = advance(module, {"features": x[:, t], "first": first[:, t], **memory})
        outs.append(out)
    return torch.stack(outs, 1), memory


def lived(module: MettaModule) -> dict[str, Tensor]:
    """A memory of rows that have seen seven steps, the last of them one only."""
    x, first = torch.randn(ROWS, 7, 5), torch.zeros(ROWS, 7, dtype=torch.bool)
    first[-1, -1] = True
    return {key: value.detach() for key, value in step_by_step(module, x, first, zeros(module))[1].items()}


def assert_same(one: dict[str, Tensor], other: dict[str, Tensor]) -> None:
    assert one.keys() == other.keys()
    for key, value in one.items():
        torch.testing.assert_close(value, other[key], rtol=1e-4, atol=1e-5, msg=lambda text, key=key: f"{key}: {text}")


def test_every_recurrent_component_is_tested() -> None:
    recurrent = {name for name, kind in COMPONENTS.items() if issubclass(kind, RecurrentModule)}
    assert recurrent | {"MemoryAugmentedEncoder"} == set(MODULES)


@pytest.mark.parametrize("reset_chance", [0.0, 0.3, 1.0])
def test_segments_equal_steps(module: MettaModule, reset_chance: float) -> None:
    x, first = torch.randn(ROWS, HORIZON, 5), torch.rand(ROWS, HORIZON) < reset_chance
    memory = lived(module)
    expected, expected_memory = step_by_step(module, x, first, memory)
    got, got_memory = advance(module, {"features": x, "first": first, **memory})
    torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-5)
    assert_same(got_memory, expected_memory)
    for name, shape in module.memory_shapes.items():
        assert got_memory[MEMORY_PREFIX + name].shape == (ROWS, *shape)
        assert got_memory[MEMORY_PREFIX + name].dtype == torch.float32


def test_a_segment_equals_its_parts(module: MettaModule) -> None:
    x, first = torch.randn(ROWS, HORIZON, 5), torch.rand(ROWS, HORIZON) < 0.2
    memory = lived(module)
    whole, whole_memory = advance(module, {"features": x, "first": first, **memory})
    outs = []
    for start, end in ((0, 2), (2, 3), (3, HORIZON)):
        out, memory = advance(module, {"features": x[:, start:end], "first": first[:, start:end], **memory})
        outs.append(out)
    torch.testing.assert_close(torch.cat(outs, 1), whole, rtol=1e-4, atol=1e-5)
    assert_same(memory, whole_memory)


def test_a_reset_in_the_middle_equals_a_run_of_its_own(module: MettaModule) -> None:
    x, first = torch.randn(ROWS, HORIZON, 5), torch.zeros(ROWS, HORIZON, dtype=torch.bool)
    first[:, 4] = True
    got, got_memory = advance(module, {"features": x, "first": first, **lived(module)})
    own, own_memory = advance(module, {"features": x[:, 4:], "first": first[:, 4:] & False, **zeros(module)})
    torch.testing.assert_close(got[:, 4:], own, rtol=1e-4, atol=1e-5)
    assert_same(got_memory, own_memory)


def test_gradients_go_back_in_time_as_far_as_the_episode(module: MettaModule) -> None:
    x, first = torch.randn(ROWS, HORIZON, 5, requires_grad=True), torch.zeros(ROWS, HORIZON, dtype=torch.bool)
    first[0, 6] = True
    out, _ = advance(module, {"features": x, "first": first, **lived(module)})
    out[:, -1].square().sum().backward()
    assert x.grad is not None
    reach = x.grad.abs().sum(-1) > 0
    assert reach[:, 6:].all()
    assert not reach[0, :6].any()
    assert reach[1, 5]


def test_gradients_of_segments_equal_those_of_steps(module: MettaModule) -> None:
    x, first = torch.randn(ROWS, HORIZON, 5), torch.rand(ROWS, HORIZON) < 0.2
    memory, grads = lived(module), []
    for run in (
        lambda: advance(module, {"features": x, "first": first, **memory}),
        lambda: step_by_step(module, x, first, memory),
    ):
        module.zero_grad()
        out, after = run()
        (out.square().sum() + sum(value.square().sum() for value in after.values())).backward()
        grads.append({name: parameter.grad for name, parameter in module.named_parameters()})
    assert all(grad is not None for grad in grads[0].values())
    assert_same(*({name: grad for name, grad in each.items() if grad is not None} for each in grads))


def test_a_first_step_forgets_even_nan(module: MettaModule) -> None:
    x, first = torch.randn(2, 5), torch.ones(2, dtype=torch.bool)
    clean = zeros(module, 2)
    bad = {key: torch.full_like(value, torch.nan) for key, value in clean.items()}
    assert torch.equal(
        advance(module, {"features": x, "first": first, **bad})[0],
        advance(module, {"features": x, "first": first, **clean})[0],
    )


def test_inputs_stay_as_they_were(module: MettaModule) -> None:
    td = {"features": torch.randn(2, 4, 5), "first": torch.rand(2, 4) < 0.5, **zeros(module, 2)}
    kept = {key: value.clone() for key, value in td.items()}
    advance(module, td)
    assert all(torch.equal(td[key], value) for key, value in kept.items())


def test_what_was_long_ago_is_remembered_or_not_as_designed() -> None:
    """A recurrence feels the first of 20 steps, a convolution over four does not, nor attention over its window."""
    x, first = torch.randn(1, 20, 5), torch.zeros(1, 20, dtype=torch.bool)
    other = x.clone()
    other[:, 0] += 1
    felt = set()
    for name, make in MODULES.items():
        torch.manual_seed(0)
        module = make()
        one, two = (advance(module, {"features": seq, "first": first, **zeros(module, 1)})[0] for seq in (x, other))
        if not torch.equal(one[:, -1], two[:, -1]):
            felt.add(name)
    assert set(MODULES) - felt == {"CausalConv", "TransformerXL", "XLAttention"}


def test_mismatched_first_is_refused(module: MettaModule) -> None:
    if not isinstance(module, RecurrentModule):
        pytest.skip("reads `first` of any length")
    td = {"features": torch.zeros(2, 3, 5), "first": torch.ones(2, dtype=torch.bool), **zeros(module, 2)}
    with pytest.raises(ShapeContractError, match=r"got \[2, 3, 5\] with \[2\]"):
        module(td)


def test_sizes_are_inferred(module: MettaModule) -> None:
    kind = type(module)
    assert 5 in kind.infer({}, ["x"], {"x": (5,)}, None).values()
    given = "input_dim" if isinstance(module, MemoryAugmentedEncoder) else "in_features"
    assert kind.infer({given: 7}, ["x"], {"x": (5,)}, None)[given] == 7


def test_forgetting_and_ages() -> None:
    state = torch.full((2, 3), torch.nan)
    assert forget(state, torch.tensor([True, False])).isnan().tolist() == [[False] * 3, [True] * 3]
    ages = steps_since_reset(torch.tensor([[True, False, True, False], [False, True, False, False]]))
    assert ages.tolist() == [[0, 1, 0, 1], [8, 0, 1, 2]]
