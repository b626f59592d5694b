"""ByRole: each agent's row from the head of its role."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from metta.agent.components.inference import complete, needed
from metta.agent.module import MettaModule, Shape, TensorMap
from metta.common.env_spec import EnvSpec
from metta.common.errors import ConfigError

_FEATURE = "agent:group"


class ByRole(MettaModule):
    """Takes, for each agent, one of several heads' outputs: that of the agent's group, counted round.

    ``in_keys``: the observation, then one key per role. An agent sees its own group in the middle of its window; one
    that sees none (padding) has role 0. Heads of other roles get no gradient from the row.

    Shapes (R roles): ``env_obs [..., K, 3] uint8``, R times ``[..., F] float32`` -> ``out_key [..., F]``.
    """

    def __init__(
        self, group_feature: int, centre: int, size: int, in_keys: Sequence[str], out_key: str = "logits"
    ) -> None:
        """``group_feature``: the feature's id; ``centre``: the location byte of the agent's own cell."""
        obs_key, *self_roles = in_keys
        if not self_roles:
            raise ConfigError(f"ByRole got in_keys={list(in_keys)}; expected the observation and a key for each role.")
        shapes: dict[str, Shape] = {obs_key: (None, 3), **dict.fromkeys(self_roles, (size,))}
        super().__init__(in_keys, [out_key], input_shapes=shapes, output_shapes={out_key: (size,)})
        self.group_feature, self.centre = group_feature, centre
        self.obs_key, self.role_keys, self.out_key = obs_key, self_roles, out_key

    @classmethod
    def infer(
        cls, config: Mapping[str, Any], in_keys: Sequence[str], shapes: Mapping[str, Shape], spec: EnvSpec | None
    ) -> dict[str, Any]:
        spec = needed(spec, "ByRole")
        ids = {feature.name: feature.id for feature in spec.features}
        if _FEATURE not in ids:
            raise ConfigError(f"ByRole reads the feature {_FEATURE!r}, which {spec.name!r} lacks: {sorted(ids)}.")
        height, width = spec.window
        size = shapes[in_keys[1]][-1] if len(in_keys) > 1 and in_keys[1] in shapes else None
        return complete(config, group_feature=ids[_FEATURE], centre=height // 2 << 4 | width // 2, size=size)

    def _compute(self, td: TensorMap) -> dict[str, Tensor]:
        location, feature, value = td[self.obs_key].unbind(-1)
        own = (location == self.centre) & (feature == self.group_feature)
        role = (value.long() * own).amax(-1) % len(self.role_keys)
        heads = torch.stack([td[key] for key in self.role_keys], -2)
        chosen = heads.gather(-2, role[..., None, None].expand(*role.shape, 1, heads.shape[-1]))
        return {self.out_key: chosen.squeeze(-2)}
