"""`mlp`: box observations, MLP, heads."""

from __future__ import annotations

import math

from metta.agent.components.box_planes import BoxPlanes
from metta.agent.components.heads import ActorHead
from metta.agent.components.linear import MLP
from metta.agent.container import ComponentContainer
from metta.agent.module import MettaModule
from metta.agent.policies.inputs import assemble, critic_head
from metta.agent.policy_config import MlpConfig
from metta.common.env_spec import EnvSpec
from metta.common.errors import ConfigError


def build_mlp(config: MlpConfig, spec: EnvSpec) -> ComponentContainer:
    """``env_obs -> trunk -> actor, critic``, or a trunk each. Named channels become one-hot planes first."""
    if spec.obs_kind != "box":
        raise ConfigError(
            f"environment {spec.name!r} has {spec.obs_kind} observations {spec.obs_shape}, but this policy reads "
            f"boxes. Choose policy_architecture=bag, or an environment with box observations."
        )
    components: dict[str, MettaModule] = {}
    key, shape = "env_obs", spec.obs_shape
    if spec.channels:
        components["planes"] = planes = BoxPlanes(spec)
        key, shape = "box", planes.out_shape
    trunks = (
        {"trunk": "hidden"} if config.shared_trunk else {"actor_trunk": "actor_hidden", "critic_trunk": "critic_hidden"}
    )
    for name, out_key in trunks.items():
        components[name] = MLP(shape, config.hidden_sizes, key, out_key, activation=config.activation)
    width = config.hidden_sizes[-1] if config.hidden_sizes else math.prod(shape)
    actor_key, critic_key = next(iter(trunks.values())), next(reversed(trunks.values()))
    components["actor"] = ActorHead(width, spec.num_actions, actor_key, gain=config.actor_gain)
    components["critic"] = critic_head(config, width, critic_key)
    return assemble(spec, components)
