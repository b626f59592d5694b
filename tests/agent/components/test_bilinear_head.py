"""Actors over action embeddings."""

from __future__ import annotations

import torch
from torch import nn

from metta.agent.components.bilinear_head import ActionEmbedding, ActorKey, ActorQuery, BilinearActorHead
from metta.agent.container import ComponentContainer
from metta.common.env_spec import EnvSpec


def test_the_head_equals_its_parts() -> None:
    head = BilinearActorHead(8, 5, embedding_dim=4)
    network = ComponentContainer({"features": (8,)})
    network.add_component("embeddings", ActionEmbedding(5, 4))
    network.add_component("query", ActorQuery(8, 4))
    network.add_component("key", ActorKey(4))
    weights = head.state_dict()
    network.load_state_dict(
        {
            "embeddings.table.weight": weights["table.weight"],
            "query.linear.weight": weights["query.weight"],
            "key.bias": weights["bias"] + 1,
        }
    )
    x = torch.randn(2, 3, 8)
    logits = network({"features": x})["logits"]
    assert logits.shape == (2, 3, 5)
    torch.testing.assert_close(logits, head({"features": x})["logits"] + 1)


def test_the_head_with_an_mlp_equals_torchs_bilinear() -> None:
    head = BilinearActorHead(8, 5, embedding_dim=4, bilinear_dim=3, mlp_hidden=6)
    nn.init.normal_(head.bilinear.bias)
    x = torch.randn(2, 8)
    features = x[:, None].expand(2, 5, 8).contiguous()
    embeddings = head.table.weight.expand(2, 5, 4).contiguous()
    expected = head.out(head.hidden(head.bilinear(features, embeddings).relu()).relu()).squeeze(-1)
    torch.testing.assert_close(head({"features": x})["logits"], expected)
    assert head({"features": x.expand(3, 2, 8)})["logits"].shape == (3, 2, 5)


def test_first_embeddings_are_small_and_orthogonal() -> None:
    table = ActionEmbedding(5, 16).table.weight
    torch.testing.assert_close(table.abs().max(), torch.tensor(0.1))
    products = table @ table.T
    torch.testing.assert_close(products, products.diag().mean() * torch.eye(5))


def test_gradients_reach_all_parameters() -> None:
    for head in (BilinearActorHead(8, 5), BilinearActorHead(8, 5, mlp_hidden=6)):
        head({"features": torch.randn(3, 8)})["logits"].square().sum().backward()
        assert all(parameter.grad is not None for parameter in head.parameters())


def test_sizes_are_inferred(token_spec: EnvSpec) -> None:
    shapes = {"core": (8,)}
    assert BilinearActorHead.infer({}, ["core"], shapes, token_spec) == {"in_features": 8, "num_actions": 5}
    assert ActionEmbedding.infer({}, ["core"], shapes, token_spec) == {"num_actions": 5}
    assert ActorQuery.infer({}, ["core"], shapes, None) == {"in_features": 8}
    assert ActorKey.infer({}, ["actor_query", "action_embeddings"], {"actor_query": (4,)}, None) == {"embedding_dim": 4}
