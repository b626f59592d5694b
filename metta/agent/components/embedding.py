"""Embedding: a learned vector per number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from metta.agent.components.inference import complete, num_actions_of
from metta.agent.module import MettaModule, Shape, TensorMap
from metta.common.env_spec import EnvSpec


class Embedding(MettaModule):
    """Looks up a learned vector for each number; ``num_embeddings`` is inferred to be the number of actions.

    Shapes: ``in_key [...] int`` (0 .. num_embeddings - 1) -> ``out_key [..., embedding_dim] float32``.
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        in_key: str = "input",
        out_key: str = "embedding",
        *,
        init_std: float = 1.0,
    ) -> None:
        super().__init__([in_key], [out_key], output_shapes={out_key: (embedding_dim,)})
        self.in_key, self.out_key = in_key, out_key
        self.table = nn.Embedding(num_embeddings, embedding_dim)
        nn.init.normal_(self.table.weight, std=init_std)

    @classmethod
    def infer(
        cls, config: Mapping[str, Any], in_keys: Sequence[str], shapes: Mapping[str, Shape], spec: EnvSpec | None
    ) -> dict[str, Any]:
        return complete(config, num_embeddings=num_actions_of(spec))

    def _compute(self, td: TensorMap) -> dict[str, Tensor]:
        return {self.out_key: self.table(td[self.in_key].long())}
