"""`fast`: convolutions on the dense box, LSTM, heads."""

from __future__ import annotations

from metta.agent.components.box_planes import BoxPlanes
from metta.agent.components.cnn import CNNEncoder, ConvSize
from metta.agent.components.feature_table import FeatureTable
from metta.agent.components.heads import ActorHead
from metta.agent.components.lstm import LSTM
from metta.agent.components.token_cnn import TokenCNN
from metta.agent.container import ComponentContainer
from metta.agent.module import MettaModule
from metta.agent.policies.inputs import assemble, critic_head
from metta.agent.policy_config import FastConfig
from metta.common.env_spec import EnvSpec


def build_fast(config: FastConfig, spec: EnvSpec) -> ComponentContainer:
    """``env_obs -> cnn -> lstm -> actor, critic``; ``env_obs -> box -> cnn`` where the observations are a box.

    Weights have the same names and shapes for both: the box of tokens and that of the engine have the same planes.
    """
    size = config.lstm_size
    components = {
        **_encoder(config, spec),
        "lstm": LSTM(config.encoder_size, size, config.lstm_layers),
        "actor": ActorHead(size, spec.num_actions, "core", gain=config.actor_gain),
        "critic": critic_head(config, size, "core"),
    }
    return assemble(spec, components)


def _encoder(config: FastConfig, spec: EnvSpec) -> dict[str, MettaModule]:
    convs = (
        ConvSize(config.conv1_channels, config.conv1_kernel, config.conv1_stride),
        ConvSize(config.conv2_channels, config.conv2_kernel, config.conv2_stride),
    )
    size, activation = config.encoder_size, config.activation
    if spec.channels:
        box = BoxPlanes(spec, numeric_scale=config.numeric_scale)
        return {"box": box, "cnn": CNNEncoder(box.out_shape, convs, size, activation=activation)}
    features = FeatureTable.from_spec(spec, config.numeric_scale)
    return {"cnn": TokenCNN(features, spec.obs_shape[0], convs, size, activation=activation)}
