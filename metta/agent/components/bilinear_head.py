"""Actors that score each action by its embedding: whole, or in the parts it is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from metta.agent.components.activation import activation_named, gain_of, orthogonal_init
from metta.agent.components.inference import complete, num_actions_of, size_of
from metta.agent.module import MettaModule, Shape, TensorMap
from metta.common.env_spec import EnvSpec

_LARGEST = 0.1


class ActionEmbedding(MettaModule):
    """A learned vector per action, the same for every row; the input is read for its batch dimensions alone.

    Vectors start orthogonal, scaled so that the largest entry is 0.1.

    Shapes: ``features [..., F]`` -> ``action_embeddings [..., A, embedding_dim] float32`` (no copies).
    """

    def __init__(
        self,
        num_actions: int,
        embedding_dim: int = 16,
        in_key: str = "features",
        out_key: str = "action_embeddings",
    ) -> None:
        super().__init__(
            [in_key],
            [out_key],
            input_shapes={in_key: (None,)},
            output_shapes={out_key: (num_actions, embedding_dim)},
        )
        self.in_key, self.out_key = in_key, out_key
        self.table = action_table(num_actions, embedding_dim)

    @classmethod
    def infer(
        cls, config: Mapping[str, Any], in_keys: Sequence[str], shapes: Mapping[str, Shape], spec: EnvSpec | None
    ) -> dict[str, Any]:
        return complete(config, num_actions=num_actions_of(spec))

    def _compute(self, td: TensorMap) -> dict[str, Tensor]:
        weight = self.table.weight
        return {self.out_key: weight.expand(*td[self.in_key].shape[:-1], *weight.shape)}


class ActorQuery(MettaModule):
    """What is wanted of an action: ``tanh(W features)``, a vector in the space of action embeddings.

    Shapes: ``features [..., in_features] float32`` -> ``actor_query [..., embedding_dim] float32``.
    """

    def __init__(
        self,
        in_features: int,
        embedding_dim: int = 16,
        in_key: str = "features",
        out_key: str = "actor_query",
    ) -> None:
        super().__init__(
            [in_key], [out_key], input_shapes={in_key: (in_features,)}, output_shapes={out_key: (embedding_dim,)}
        )
        self.in_key, self.out_key = in_key, out_key
        self.linear = orthogonal_init(nn.Linear(in_features, embedding_dim, bias=False), 1.0)

    @classmethod
    def infer(
        cls, config: Mapping[str, Any], in_keys: Sequence[str], shapes: Mapping[str, Shape], spec: EnvSpec | None
    ) -> dict[str, Any]:
        return complete(config, in_features=size_of(shapes, in_keys))

    def _compute(self, td: TensorMap) -> dict[str, Tensor]:
        return {self.out_key: self.linear(td[self.in_key]).tanh()}


class ActorKey(MettaModule):
    """How well each action's embedding answers the query: their product and a bias.

    Shapes: ``actor_query [..., E] float32``, ``action_embeddings [..., A, E] float32`` -> ``logits [..., A] float32``.
    """

    def __init__(
        self,
        embedding_dim: int = 16,
        in_key: str = "actor_query",
        out_key: str = "logits",
        *,
        embeddings_key: str = "action_embeddings",
    ) -> None:
        super().__init__(
            [in_key, embeddings_key],
            [out_key],
            input_shapes={in_key: (embedding_dim,), embeddings_key: ("actions", embedding_dim)},
            output_shapes={out_key: ("actions",)},
        )
        self.in_key, self.embeddings_key, self.out_key = in_key, embeddings_key, out_key
        self.bias = nn.Parameter(torch.zeros(1))

    @classmethod
    def infer(
        cls, config: Mapping[str, Any], in_keys: Sequence[str], shapes: Mapping[str, Shape], spec: EnvSpec | None
    ) -> dict[str, Any]:
        return complete(config, embedding_dim=size_of(shapes, in_keys))

    def _compute(self, td: TensorMap) -> dict[str, Tensor]:
        return {self.out_key: (td[self.embeddings_key] @ td[self.in_key][..., None]).squeeze(-1) + self.bias}


class BilinearActorHead(MettaModule):
    """One logit per action from ``features``, the action's embedding, and a bilinear form between them.

    With ``mlp_hidden=0``: ``tanh(features W) . embedding + bias``, the three parts above in one. Otherwise
    ``bilinear_dim`` forms per action, then a two-layer MLP that all actions share::

        features --+
                   +-- bilinear [A, bilinear_dim] -- relu -- [A, mlp_hidden] -- relu -- logit [A]
        embedding -+

    Shapes: ``features [..., in_features] float32`` -> ``logits [..., A] float32``.
    Source: embeddings of actions: arXiv:1512.07679 sec. 4.
    """

    def __init__(
        self,
        in_features: int,
        num_actions: int,
        in_key: str = "features",
        out_key: str = "logits",
        *,
        embedding_dim: int = 16,
        bilinear_dim: int = 32,
        mlp_hidden: int = 0,
        activation: str = "relu",
        gain: float = 0.01,
    ) -> None:
        super().__init__(
            [in_key], [out_key], input_shapes={in_key: (in_features,)}, output_shapes={out_key: (num_actions,)}
        )
        self.in_key, self.out_key, self.has_mlp = in_key, out_key, mlp_hidden > 0
        self.table = action_table(num_actions, embedding_dim)
        self.activate = activation_named(activation)
        if self.has_mlp:
            self.bilinear = nn.Bilinear(in_features, embedding_dim, bilinear_dim)
            self.hidden = orthogonal_init(nn.Linear(bilinear_dim, mlp_hidden), gain_of(activation))
            self.out = orthogonal_init(nn.Linear(mlp_hidden, 1), gain)
        else:
            self.query = orthogonal_init(nn.Linear(in_features, embedding_dim, bias=False), 1.0)
            self.bias = nn.Parameter(torch.zeros(1))

    @classmethod
    def infer(
        cls, config: Mapping[str, Any], in_keys: Sequence[str], shapes: Mapping[str, Shape], spec: EnvSpec | None
    ) -> dict[str, Any]:
        return complete(config, in_features=size_of(shapes, in_keys), num_actions=num_actions_of(spec))

    def _compute(self, td: TensorMap) -> dict[str, Tensor]:
        x, embeddings = td[self.in_key], self.table.weight
        if not self.has_mlp:
            return {self.out_key: self.query(x).tanh() @ embeddings.T + self.bias}
        # One matrix product per action instead of nn.Bilinear's copies of the features, one per action.
        forms = torch.einsum("oie,ae->aoi", self.bilinear.weight, embeddings)  # [A, bilinear_dim, in_features]
        scores = (x @ forms.flatten(0, 1).T).unflatten(-1, forms.shape[:2]) + self.bilinear.bias
        hidden = self.activate(self.hidden(self.activate(scores)))
        return {self.out_key: self.out(hidden).squeeze(-1)}


def action_table(num_actions: int, embedding_dim: int) -> nn.Embedding:
    """Orthogonal vectors whose largest entry is 0.1."""
    table = nn.Embedding(num_actions, embedding_dim)
    nn.init.orthogonal_(table.weight)
    with torch.no_grad():
        table.weight *= _LARGEST / table.weight.abs().max()
    return table
