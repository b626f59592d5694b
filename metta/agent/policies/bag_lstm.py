"""`bag_lstm`: token bag, MLP, LSTM, heads."""

from __future__ import annotations

from metta.agent.components.heads import ActorHead, ValueHead
from metta.agent.components.lstm import LSTM
from metta.agent.container import ComponentContainer
from metta.agent.policies.bag import add_bag_encoder
from metta.agent.policies.inputs import network_inputs
from metta.agent.policy_config import BagLstmConfig
from metta.common.env_spec import EnvSpec


def build_bag_lstm(config: BagLstmConfig, spec: EnvSpec) -> ComponentContainer:
    """``env_obs -> bag -> mlp -> lstm -> actor, critic``."""
    size, layers = config.lstm_size, config.lstm_layers
    network = ComponentContainer(network_inputs(spec, LSTM.state_shapes(size, layers)))
    width = add_bag_encoder(network, config, spec)
    network.add_component("lstm", LSTM(width, size, layers, "hidden"))
    network.add_component("actor", ActorHead(size, spec.num_actions, "core", gain=config.actor_gain))
    network.add_component("critic", ValueHead(size, "core", gain=config.value_gain))
    return network
