"""Self-attention and transformer blocks with keys."""

from __future__ import annotations

import pytest
import torch
from tensordict import TensorDict

from metta.agent.components.attention import AttentionModule, TransformerBlock
from metta.agent.container import ComponentContainer
from metta.common.errors import ConfigError, ShapeContractError


def test_a_vector_attends_to_itself_alone() -> None:
    """As the design notes swap it in for an encoder: batch dimensions, one or two, do not mix."""
    attention = AttentionModule(64, 8, "observation", "features")
    network = ComponentContainer({"observation": (64,)})
    network.add_component("encoder", attention)
    x = torch.randn(4, 3, 64)
    together = network({"observation": x})["features"]
    assert together.shape == (4, 3, 64)
    for i in range(4):
        torch.testing.assert_close(attention({"observation": x[i]})["features"], together[i])
    x[0, 0] = 0
    torch.testing.assert_close(attention({"observation": x})["features"][1:], together[1:])


def test_tokens_attend_to_each_other_within_a_row() -> None:
    attention = AttentionModule(8, 2, over="tokens")
    x = torch.randn(2, 3, 5, 8)
    before = attention({"input": x})["attended"]
    changed = x.clone()
    changed[0, 0, 4] += 1
    after = attention({"input": changed})["attended"]
    assert not torch.allclose(after[0, 0, 0], before[0, 0, 0])
    torch.testing.assert_close(after[1], before[1])
    torch.testing.assert_close(after[0, 1:], before[0, 1:])


@pytest.mark.parametrize("kind", ["attention", "block", "causal", "post"])
def test_what_the_mask_leaves_out_changes_nothing(kind: str) -> None:
    torch.manual_seed(0)
    if kind == "attention":
        module = AttentionModule(8, 2, "x", "y", over="tokens", mask_key="mask")
    else:
        module = TransformerBlock(
            8, 2, "x", "y", causal=kind == "causal", norm="post" if kind == "post" else "pre", mask_key="mask"
        )
    x, mask = torch.randn(6, 5, 8), torch.rand(6, 5) < 0.6
    mask[0] = False
    out = module({"x": x, "mask": mask})["y"]
    for junk in (1e6, float("nan"), float("inf")):
        assert torch.equal(module({"x": x.masked_fill(~mask[..., None], junk), "mask": mask})["y"], out)
    assert (out[~mask] == 0).all()
    longer = torch.cat([x, torch.randn(6, 2, 8)], 1)
    padded = torch.nn.functional.pad(mask, (0, 2))
    torch.testing.assert_close(module({"x": longer, "mask": padded})["y"][:, :5], out)


def test_causal_blocks_do_not_look_ahead() -> None:
    block = TransformerBlock(8, 2, causal=True)
    x = torch.randn(2, 5, 8)
    out = block({"tokens": x})["hidden"]
    for length in range(1, 6):
        torch.testing.assert_close(block({"tokens": x[:, :length]})["hidden"], out[:, :length])


@pytest.mark.parametrize("module", [AttentionModule(8, 2, "x", "y"), TransformerBlock(8, 2, "x", "y")])
def test_gradients_reach_all_parameters(module: AttentionModule | TransformerBlock) -> None:
    module({"x": torch.randn(3, 4, 8)})["y"].square().sum().backward()
    missing = [name for name, parameter in module.named_parameters() if parameter.grad is None]
    assert missing == []


def test_tensordicts_and_wrong_widths() -> None:
    td = TensorDict({"tokens": torch.randn(2, 5, 8)}, batch_size=[2])
    assert TransformerBlock(8, 2)(td)["hidden"].shape == (2, 5, 8)
    with pytest.raises(ShapeContractError, match="reads 'tokens'"):
        TransformerBlock(16, 2)(td)
    with pytest.raises(ConfigError, match="a mask goes with tokens only"):
        AttentionModule(8, 2, mask_key="mask")


def test_sizes_are_inferred() -> None:
    infer = AttentionModule.infer
    assert infer({"num_heads": 2}, ["x"], {"x": (8,)}, None) == {"embed_dim": 8, "over": "vector", "num_heads": 2}
    assert infer({"embed_dim": 4}, ["x"], {"x": ("tokens", 8)}, None) == {"embed_dim": 4, "over": "tokens"}
    assert TransformerBlock.infer({}, ["x"], {"x": ("tokens", 8)}, None) == {"embed_dim": 8}
