"""TokenCNN: equal to the box and a CNNEncoder with the same weights."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from metta.agent.components.cnn import CNNEncoder, ConvSize
from metta.agent.components.feature_table import FeatureTable
from metta.agent.components.obs_to_box import ObsToBox
from metta.agent.components.token_cnn import TokenCNN
from metta.common.env_spec import EnvSpec
from metta.common.errors import ConfigError

MakeTokens = Callable[..., Tensor]
CONVS = (ConvSize(16, 3, 2), ConvSize(8, 2, 1))


def encoder(spec: EnvSpec, convs: tuple[ConvSize, ...] = CONVS, *, native: bool = True) -> TokenCNN:
    torch.manual_seed(0)
    return TokenCNN(FeatureTable.from_spec(spec, "log"), spec.obs_shape[0], convs, 12, native=native)


def with_gradients(module: torch.nn.Module, features: Tensor) -> tuple[Tensor, ...]:
    module.zero_grad()
    features.backward(torch.randn(features.shape, generator=torch.Generator().manual_seed(1)))
    gradients = [parameter.grad for parameter in module.parameters()]
    assert all(gradient is not None for gradient in gradients)
    return features.detach(), *(gradient.clone() for gradient in gradients if gradient is not None)


@pytest.mark.parametrize("native", [True, False])
@pytest.mark.parametrize(
    "convs", [CONVS, CONVS[:1], (ConvSize(16, 3, 2), ConvSize(8, 3, 1)), (*CONVS, ConvSize(4, 2, 1))]
)
def test_equals_box_and_cnn(
    token_spec: EnvSpec, make_tokens: MakeTokens, convs: tuple[ConvSize, ...], native: bool
) -> None:
    sparse, features = encoder(token_spec, convs, native=native), FeatureTable.from_spec(token_spec, "log")
    box = ObsToBox(features, token_spec.obs_shape[0])
    dense = CNNEncoder((features.num_cell_channels + features.num_global_channels, 7, 9), convs, 12)
    dense.load_state_dict(sparse.state_dict())
    obs = make_tokens(5, 13)
    expected = with_gradients(dense, dense(box({"env_obs": obs}))["features"])
    for got, want in zip(with_gradients(sparse, sparse({"env_obs": obs})["features"]), expected, strict=True):
        torch.testing.assert_close(got, want, rtol=1e-5, atol=1e-5)


def test_inference_gives_the_bits_of_training(token_spec: EnvSpec, make_tokens: MakeTokens) -> None:
    cnn, obs = encoder(token_spec), make_tokens(40)
    with torch.inference_mode():
        acting = cnn._compute({"env_obs": obs})["features"]
    assert torch.equal(acting, cnn._compute({"env_obs": obs})["features"])


def test_frozen_weights_still_train_the_bias(token_spec: EnvSpec, make_tokens: MakeTokens) -> None:
    cnn = encoder(token_spec)
    first = cnn.convs[0]
    assert isinstance(first, torch.nn.Conv2d)
    first.weight.requires_grad_(False)
    cnn({"env_obs": make_tokens(6)})["features"].sum().backward()
    assert first.weight.grad is None
    assert first.bias is not None
    assert first.bias.grad is not None


def test_in_double_precision_it_goes_over_the_box(token_spec: EnvSpec, make_tokens: MakeTokens) -> None:
    cnn, obs = encoder(token_spec), make_tokens(4)
    single = cnn({"env_obs": obs})["features"]
    double = cnn.double()({"env_obs": obs})["features"]
    assert double.dtype is torch.float64
    torch.testing.assert_close(single, double.float(), rtol=1e-5, atol=1e-6)


def test_no_convolution_is_refused(token_spec: EnvSpec) -> None:
    with pytest.raises(ConfigError, match="at least one convolution"):
        encoder(token_spec, ())


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_cuda_equals_cpu(token_spec: EnvSpec, make_tokens: MakeTokens) -> None:
    cnn, obs = encoder(token_spec), make_tokens(50)
    expected = cnn({"env_obs": obs})["features"].detach()
    got = cnn.cuda()({"env_obs": obs.cuda()})["features"].detach().cpu()
    torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-4)
