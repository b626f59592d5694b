"""`bag_lstm`: token bag, MLP, LSTM, heads."""

from __future__ import annotations

from metta.agent.components.heads import ActorHead
from metta.agent.components.lstm import LSTM
from metta.agent.container import ComponentContainer
from metta.agent.policies.bag import bag_encoder, bag_width
from metta.agent.policies.inputs import assemble, critic_head
from metta.agent.policy_config import BagLstmConfig
from metta.common.env_spec import EnvSpec


def build_bag_lstm(config: BagLstmConfig, spec: EnvSpec) -> ComponentContainer:
    """``env_obs -> bag -> mlp -> lstm -> actor, critic``."""
    components = bag_encoder(config, spec)
    components["lstm"] = LSTM(bag_width(config), config.lstm_size, config.lstm_layers, "hidden")
    components["actor"] = ActorHead(config.lstm_size, spec.num_actions, "core", gain=config.actor_gain)
    components["critic"] = critic_head(config, config.lstm_size, "core")
    return assemble(spec, components)
