"""`bag`: token bag, MLP, heads. The default on CPU."""

from __future__ import annotations

from metta.agent.components.feature_table import FeatureTable
from metta.agent.components.heads import ActorHead
from metta.agent.components.linear import MLP
from metta.agent.components.token_bag import TokenBag
from metta.agent.container import ComponentContainer
from metta.agent.module import MettaModule
from metta.agent.policies.inputs import assemble, critic_head
from metta.agent.policy_config import BagConfig, BagLstmConfig
from metta.common.env_spec import EnvSpec


def build_bag(config: BagConfig, spec: EnvSpec) -> ComponentContainer:
    """``env_obs -> bag -> mlp -> actor, critic``."""
    width = bag_width(config)
    components = bag_encoder(config, spec)
    components["actor"] = ActorHead(width, spec.num_actions, "hidden", gain=config.actor_gain)
    components["critic"] = critic_head(config, width, "hidden")
    return assemble(spec, components)


def bag_encoder(config: BagConfig | BagLstmConfig, spec: EnvSpec) -> dict[str, MettaModule]:
    """``bag`` and ``mlp``, which turn ``env_obs`` into ``hidden`` of width ``bag_width(config)``."""
    features = FeatureTable.from_spec(spec, config.numeric_scale)
    bag = TokenBag(features, spec.obs_shape[0], config.bag_width, activation=config.activation, gain=config.bag_gain)
    return {"bag": bag, "mlp": MLP(config.bag_width, config.hidden_sizes, activation=config.activation)}


def bag_width(config: BagConfig | BagLstmConfig) -> int:
    """How wide what the encoder writes is."""
    return (config.bag_width, *config.hidden_sizes)[-1]
