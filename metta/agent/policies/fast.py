"""`fast`: convolutions on the dense box, LSTM, heads."""

from __future__ import annotations

from metta.agent.components.box_planes import BoxPlanes
from metta.agent.components.cnn import CNNEncoder, ConvSize
from metta.agent.components.feature_table import FeatureTable
from metta.agent.components.heads import ActorHead, ValueHead
from metta.agent.components.lstm import LSTM
from metta.agent.components.obs_to_box import ObsToBox
from metta.agent.container import ComponentContainer
from metta.agent.module import MettaModule
from metta.agent.policies.inputs import assemble
from metta.agent.policy_config import FastConfig
from metta.common.env_spec import EnvSpec


def build_fast(config: FastConfig, spec: EnvSpec) -> ComponentContainer:
    """``env_obs -> box -> cnn -> lstm -> actor, critic``. Tokens are spread over the box; a box is taken as it is."""
    if spec.channels:
        box = BoxPlanes(spec, numeric_scale=config.numeric_scale)
        shape = box.out_shape
    else:
        features = FeatureTable.from_spec(spec, config.numeric_scale)
        box = ObsToBox(features, spec.obs_shape[0])
        shape = (features.num_cell_channels + features.num_global_channels, *features.window)
    convs = (
        ConvSize(config.conv1_channels, config.conv1_kernel, config.conv1_stride),
        ConvSize(config.conv2_channels, config.conv2_kernel, config.conv2_stride),
    )
    size = config.lstm_size
    components: dict[str, MettaModule] = {
        "box": box,
        "cnn": CNNEncoder(shape, convs, config.encoder_size, activation=config.activation),
        "lstm": LSTM(config.encoder_size, size, config.lstm_layers),
        "actor": ActorHead(size, spec.num_actions, "core", gain=config.actor_gain),
        "critic": ValueHead(size, "core", gain=config.value_gain),
    }
    return assemble(spec, components)
