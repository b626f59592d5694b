"""Actor and value heads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from metta.agent.components.activation import activation_named, orthogonal_init
from metta.agent.components.dense import dense
from metta.agent.components.inference import complete, num_actions_of, size_of
from metta.agent.module import MettaModule, Shape, TensorMap
from metta.common.env_spec import EnvSpec

_PLAIN = activation_named(None)


class ActorHead(MettaModule):
    """One logit per action.

    Shapes: ``features [..., F] float32`` -> ``logits [..., A] float32``. A small ``gain`` starts near uniform.
    Source: arXiv:2006.05990 sec. 3.2 (a small last layer of the actor matters).
    """

    def __init__(
        self,
        in_features: int,
        num_actions: int,
        in_key: str = "features",
        out_key: str = "logits",
        *,
        gain: float = 0.01,
    ) -> None:
        super().__init__(
            [in_key], [out_key], input_shapes={in_key: (in_features,)}, output_shapes={out_key: (num_actions,)}
        )
        self.in_key, self.out_key = in_key, out_key
        self.linear = orthogonal_init(nn.Linear(in_features, num_actions), gain)

    @classmethod
    def infer(
        cls, config: Mapping[str, Any], in_keys: Sequence[str], shapes: Mapping[str, Shape], spec: EnvSpec | None
    ) -> dict[str, Any]:
        return complete(config, in_features=size_of(shapes, in_keys), num_actions=num_actions_of(spec))

    def _compute(self, td: TensorMap) -> dict[str, Tensor]:
        return {self.out_key: dense(self.linear, td[self.in_key], _PLAIN)}


class ValueHead(MettaModule):
    """State value from features.

    Shapes: ``features [..., F] float32`` -> ``values [...] float32``.
    Source: actor-critic with a shared trunk, arXiv:1602.01783 sec. 4.
    """

    def __init__(
        self, in_features: int, in_key: str = "features", out_key: str = "values", *, gain: float = 1.0
    ) -> None:
        super().__init__([in_key], [out_key], input_shapes={in_key: (in_features,)}, output_shapes={out_key: ()})
        self.in_key, self.out_key = in_key, out_key
        self.linear = orthogonal_init(nn.Linear(in_features, 1), gain)

    @classmethod
    def infer(
        cls, config: Mapping[str, Any], in_keys: Sequence[str], shapes: Mapping[str, Shape], spec: EnvSpec | None
    ) -> dict[str, Any]:
        return complete(config, in_features=size_of(shapes, in_keys))

    def _compute(self, td: TensorMap) -> dict[str, Tensor]:
        return {self.out_key: dense(self.linear, td[self.in_key], _PLAIN).squeeze(-1)}
