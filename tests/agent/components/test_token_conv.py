"""TokenConv: the convolution from tokens against the dense one, its gradients, its bits."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from metta.agent.components.feature_table import FeatureTable
from metta.agent.components.obs_to_box import ObsToBox
from metta.agent.components.token_conv import TokenConv, fits
from metta.common import _kernels
from metta.common.env_spec import EnvSpec, FeatureSpec

MakeTokens = Callable[..., Tensor]

SPEC = EnvSpec(
    name="small",
    obs_kind="tokens",
    obs_shape=(6, 3),
    obs_dtype="uint8",
    window=(3, 4),
    features=(
        FeatureSpec(id=0, name="type", kind="categorical", scope="cell", num_values=3),
        FeatureSpec(id=1, name="count", kind="numeric", scope="cell", normalization=4, zero_point=2),
        FeatureSpec(id=2, name="time", kind="numeric", scope="global", normalization=8),
        FeatureSpec(id=3, name="last", kind="categorical", scope="global", num_values=2),
    ),
    action_names=("noop",),
    num_agents=1,
)
BYTES = st.sampled_from([0x00, 0x01, 0x02, 0x03, 0x12, 0x21, 0x22, 0x30, 0xFE, 0xFF])
TOKENS = st.lists(st.tuples(BYTES, st.sampled_from([0, 1, 2, 3, 4, 0xFF]), st.integers(0, 9)), max_size=6)


def layers(
    spec: EnvSpec, width: int, kernel: int, stride: int, *, relu: bool = False
) -> tuple[TokenConv, ObsToBox, nn.Conv2d]:
    torch.manual_seed(0)
    features = FeatureTable.from_spec(spec, "log")
    box = ObsToBox(features, spec.obs_shape[0])
    channels = features.num_cell_channels + features.num_global_channels
    return TokenConv.of(features, kernel, stride, relu=relu), box, nn.Conv2d(channels, width, kernel, stride)


def check_against_dense(sparse: TokenConv, box: ObsToBox, conv: nn.Conv2d, obs: Tensor) -> None:
    """Output and both gradients, against the box and the same convolution in double precision."""
    assert conv.bias is not None
    conv.zero_grad()
    out = sparse(obs, conv.weight, conv.bias)
    # As of a loss that is a mean: the sums stay of the size of their numbers.
    grad_out = torch.randn(out.shape, generator=torch.Generator().manual_seed(1)) / out[:, 0].numel()
    out.backward(grad_out)
    weight, bias = (tensor.detach().double().requires_grad_() for tensor in (conv.weight, conv.bias))
    expected = nn.functional.conv2d(box({"env_obs": obs})["box"].double(), weight, bias, conv.stride)
    expected = expected.relu() if sparse.relu else expected
    expected.backward(grad_out.double())
    for got, want in ((out, expected), (conv.weight.grad, weight.grad), (conv.bias.grad, bias.grad)):
        assert got is not None
        assert want is not None
        torch.testing.assert_close(got, want.float(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("kernel", "stride"), [(1, 1), (3, 1), (3, 2), (5, 3), (5, 2), (7, 1)])
@pytest.mark.parametrize("width", [1, 16, 20, 64])
def test_equals_the_dense_convolution(
    token_spec: EnvSpec, make_tokens: MakeTokens, width: int, kernel: int, stride: int
) -> None:
    for relu in (False, True):
        check_against_dense(*layers(token_spec, width, kernel, stride, relu=relu), make_tokens(65))


def test_sums_over_many_observations(token_spec: EnvSpec, make_tokens: MakeTokens) -> None:
    """Several parts of the gradient's sum."""
    check_against_dense(*layers(token_spec, 16, 5, 3), make_tokens(700))


SMALL = layers(SPEC, 5, 2, 1)


@settings(max_examples=200, deadline=None)
@given(st.lists(TOKENS, min_size=1, max_size=5))
def test_any_set_of_tokens(observations: list[list[tuple[int, int, int]]]) -> None:
    """Out-of-window, misplaced, unknown, repeated and padding tokens, also with padding between used ones."""
    padded = [tokens + [(0xFF, 0xFF, 0xFF)] * (6 - len(tokens)) for tokens in observations]
    check_against_dense(*SMALL, torch.tensor(padded, dtype=torch.uint8))


def test_without_global_or_without_cell_features(make_tokens: MakeTokens) -> None:
    for scope in ("cell", "global"):
        features = tuple(feature for feature in SPEC.features if feature.scope == scope)
        obs = torch.tensor([[[0x11, 0, 1], [0x12, 1, 3], [0xFE, 2, 4], [0xFE, 3, 1], [255] * 3, [255] * 3]])
        check_against_dense(*layers(SPEC.replace({"features": features}), 4, 3, 1), obs.to(torch.uint8))


def test_bits_do_not_depend_on_threads(token_spec: EnvSpec, make_tokens: MakeTokens) -> None:
    sparse, _, conv = layers(token_spec, 48, 5, 3)
    obs, size = make_tokens(1300), sparse.out_size[0] * sparse.out_size[1]
    kernel = conv.weight.detach().permute(1, 2, 3, 0).flatten(1, 2)
    rows = kernel[: sparse.num_cell_channels].flatten(0, 1).contiguous().numpy()
    constants = kernel[sparse.num_cell_channels :].sum(1).numpy()
    grad_out = torch.randn(1300, size, 48, generator=torch.Generator().manual_seed(2)).numpy()
    assert conv.bias is not None
    results = []
    for threads in (1, 2, 3, 7):
        out, grads = np.empty((1300, size, 48), np.float32), (np.empty_like(rows), np.empty_like(constants))
        grad_bias = np.empty(48, np.float32)
        bias = conv.bias.detach().numpy()
        _kernels.token_conv_forward(*sparse.tables, obs.numpy(), rows, constants, bias, out, 25, False, threads)
        _kernels.token_conv_backward(*sparse.tables, obs.numpy(), out, grad_out, *grads, grad_bias, 25, False, threads)
        results.append(tuple(array.tobytes() for array in (out, *grads, grad_bias)))
    assert all(result == results[0] for result in results)


def test_kernels_refuse_tables_that_lead_outside(token_spec: EnvSpec, make_tokens: MakeTokens) -> None:
    sparse, _, conv = layers(token_spec, 4, 3, 1)
    before, touches = sparse.tables[:-1], sparse.tables[-1]
    kernel, constants, bias = np.zeros((90, 4), np.float32), np.zeros((7, 4), np.float32), np.zeros(4, np.float32)
    out = np.zeros((2, 35, 4), np.float32)
    arguments = (make_tokens(2).numpy(), kernel, constants, bias)
    with pytest.raises(ValueError, match="touches of a cell must name rising outputs"):
        _kernels.token_conv_forward(*before, touches + 35, *arguments, out, 9, False, 1)
    with pytest.raises(ValueError, match="touches name tap"):
        _kernels.token_conv_forward(*before, touches, *arguments, out, 8, False, 1)
    with pytest.raises(ValueError, match=r"out: expected shape \(2,35,4,\)"):
        _kernels.token_conv_forward(*before, touches, *arguments, np.zeros((3, 35, 4), np.float32), 9, False, 1)
    # A kernel of fewer channels than the features have: what leads beyond it is left out.
    _kernels.token_conv_forward(*before, touches, *arguments, out, 9, False, 1)
    assert not out.any()
    assert fits(conv)


@pytest.mark.parametrize(
    "changed", [{"padding": 1}, {"groups": 2}, {"dilation": 2}, {"bias": False}, {"stride": (1, 2)}]
)
def test_other_convolutions_do_not_fit(changed: dict[str, object]) -> None:
    assert not fits(nn.Conv2d(4, 4, 3, **changed))  # pyright: ignore[reportArgumentType]
    assert not fits(nn.Conv2d(4, 4, 3).double())
