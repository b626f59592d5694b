"""QuantileValueHead."""

from __future__ import annotations

import torch

from metta.agent.components.quantile_head import QuantileValueHead


def test_value_is_the_mean_of_the_quantiles() -> None:
    head = QuantileValueHead(8, 5)
    out = head({"features": torch.randn(2, 3, 8)})
    head.check_outputs({key: out[key] for key in ("values", "value_quantiles")})
    assert out["value_quantiles"].shape == (2, 3, 5)
    torch.testing.assert_close(out["values"], out["value_quantiles"].mean(-1))
    out["values"].sum().backward()
    assert all(parameter.grad is not None for parameter in head.parameters())


def test_sizes_are_inferred() -> None:
    assert QuantileValueHead.infer({}, ["core"], {"core": (8,)}, None) == {"in_features": 8}
