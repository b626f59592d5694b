"""CNNEncoder."""

from __future__ import annotations

import pytest
import torch

from metta.agent.components.cnn import CNNEncoder, ConvSize
from metta.common.errors import ConfigError

CONVS = (ConvSize(6, 5, 3), ConvSize(4, 3, 1))


@pytest.mark.parametrize("batch", [(3,), (2, 5)])
def test_shapes(batch: tuple[int, ...]) -> None:
    encoder = CNNEncoder((7, 11, 11), CONVS, 16)
    assert encoder({"box": torch.randn(*batch, 7, 11, 11)})["features"].shape == (*batch, 16)


def test_segments_equal_single_rows() -> None:
    encoder, box = CNNEncoder((7, 11, 11), CONVS, 16), torch.randn(2, 3, 7, 11, 11)
    whole = encoder({"box": box})["features"]
    torch.testing.assert_close(whole.flatten(0, 1), encoder({"box": box.flatten(0, 1)})["features"])


def test_too_small_a_window_names_the_key() -> None:
    with pytest.raises(ConfigError, match=r"policy_architecture.conv2_kernel"):
        CNNEncoder((7, 7, 7), CONVS, 16)
