"""Cores by config (what all presets promise: tests/agent/test_policy.py)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from metta.agent.components.cortex import Cortex
from metta.agent.components.gru import GRU
from metta.agent.components.lstm import LSTM
from metta.agent.components.mamba import Mamba
from metta.agent.components.transformer_xl import TransformerXL
from metta.agent.policies.vit import build_vit, core_of
from metta.agent.policy_config import (
    CortexConfig,
    LatentPolicyConfig,
    MambaConfig,
    MemoryFreeConfig,
    TransformerXLConfig,
    VitDefaultConfig,
    VitMediumConfig,
    VitSmallConfig,
    VitTinyConfig,
)
from metta.common.env_spec import EnvSpec
from metta.common.errors import ConfigError


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Orthogonal first weights of small layers: several threads would only wait for each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.parametrize(
    ("config", "kind"),
    [
        (VitTinyConfig(), LSTM),
        (VitSmallConfig(core="gru"), GRU),
        (MambaConfig(), Mamba),
        (TransformerXLConfig(), TransformerXL),
        (CortexConfig(), Cortex),
        (MemoryFreeConfig(), type(None)),
    ],
)
def test_cores(config: LatentPolicyConfig, kind: type) -> None:
    assert type(core_of(config, 5)) is kind


def test_sizes_grow_with_the_names(token_spec: EnvSpec) -> None:
    sizes = [
        sum(parameter.numel() for parameter in build_vit(config, token_spec).parameters())
        for config in (VitTinyConfig(), VitSmallConfig(), VitMediumConfig(), VitDefaultConfig())
    ]
    assert sizes == sorted(sizes)
    assert sizes[0] * 10 < sizes[-1]


def test_heads_that_do_not_share_the_width_are_told(token_spec: EnvSpec) -> None:
    with pytest.raises(ConfigError, match="5 heads"):
        build_vit(TransformerXLConfig(core_heads=5), token_spec)
    with pytest.raises(ValueError, match="pattern"):
        CortexConfig(pattern="AQ")
