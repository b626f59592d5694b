"""Specs and observations by hand: the agent knows no game."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from metta.common.env_spec import EnvSpec, FeatureSpec

NUM_TOKENS = 24

FEATURES = (
    FeatureSpec(id=0, name="type_id", kind="categorical", scope="cell", num_values=6),
    FeatureSpec(id=2, name="agent:frozen", kind="numeric", scope="cell", normalization=10),
    FeatureSpec(id=3, name="agent:orientation", kind="categorical", scope="cell", num_values=4),
    FeatureSpec(id=7, name="episode_completion_pct", kind="numeric", scope="global", normalization=255),
    FeatureSpec(id=8, name="last_action", kind="categorical", scope="global", num_values=5),
    FeatureSpec(id=10, name="last_reward", kind="numeric", scope="global", normalization=100, zero_point=128),
    FeatureSpec(id=17, name="inv:ore", kind="numeric", scope="cell", normalization=100),
)


@pytest.fixture
def token_spec() -> EnvSpec:
    return EnvSpec(
        name="tiny",
        obs_kind="tokens",
        obs_shape=(NUM_TOKENS, 3),
        obs_dtype="uint8",
        window=(7, 9),
        features=FEATURES,
        action_names=("noop", "north", "south", "west", "east"),
        num_agents=3,
    )


@pytest.fixture
def box_spec() -> EnvSpec:
    return EnvSpec(
        name="cart", obs_kind="box", obs_shape=(4,), obs_dtype="float32", action_names=("left", "right"), num_agents=1
    )


@pytest.fixture
def make_tokens() -> Callable[..., Tensor]:
    """``make_tokens(*batch, seed=0) -> [*batch, K, 3] uint8``: used tokens first, all kinds of odd ones among them."""

    def make(*batch: int, seed: int = 0) -> Tensor:
        generator = torch.Generator().manual_seed(seed)
        size = (*batch, NUM_TOKENS)
        row = torch.randint(0, 8, size, generator=generator)  # one row more than the window has
        column = torch.randint(0, 10, size, generator=generator)
        ids = torch.tensor([0, 2, 3, 7, 8, 10, 17, 99])  # 99 is no feature
        feature = ids[torch.randint(0, len(ids), size, generator=generator)]
        location = torch.where((feature >= 7) & (feature <= 10), 0xFE, row << 4 | column)
        value = torch.randint(0, 8, size, generator=generator)
        value = torch.where(feature == 10, 120 + value, value)
        tokens = torch.stack([location, feature, value], dim=-1).to(torch.uint8)
        used = torch.randint(0, NUM_TOKENS + 1, (*batch, 1), generator=generator)
        tokens[torch.arange(NUM_TOKENS).expand(size) >= used] = 0xFF
        return tokens

    return make
