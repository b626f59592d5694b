"""`bag`: token bag, MLP, heads. The default on CPU."""

from __future__ import annotations

from metta.agent.components.feature_table import FeatureTable
from metta.agent.components.heads import ActorHead, ValueHead
from metta.agent.components.linear import MLP
from metta.agent.components.token_bag import TokenBag
from metta.agent.container import ComponentContainer
from metta.agent.policies.inputs import network_inputs
from metta.agent.policy_config import BagConfig, BagLstmConfig
from metta.common.env_spec import EnvSpec


def build_bag(config: BagConfig, spec: EnvSpec) -> ComponentContainer:
    """``env_obs -> bag -> mlp -> actor, critic``."""
    network = ComponentContainer(network_inputs(spec))
    width = add_bag_encoder(network, config, spec)
    network.add_component("actor", ActorHead(width, spec.num_actions, "hidden", gain=config.actor_gain))
    network.add_component("critic", ValueHead(width, "hidden", gain=config.value_gain))
    return network


def add_bag_encoder(network: ComponentContainer, config: BagConfig | BagLstmConfig, spec: EnvSpec) -> int:
    """Add ``bag`` and ``mlp``, which turn ``env_obs`` into ``hidden``; returns its width."""
    features = FeatureTable.from_spec(spec, config.numeric_scale)
    bag = TokenBag(features, spec.obs_shape[0], config.bag_width, activation=config.activation, gain=config.bag_gain)
    network.add_component("bag", bag)
    network.add_component("mlp", MLP(config.bag_width, config.hidden_sizes, activation=config.activation))
    return (config.bag_width, *config.hidden_sizes)[-1]
