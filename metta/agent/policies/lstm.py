"""`lstm`: dense inputs, MLP, LSTM, heads."""

from __future__ import annotations

from metta.agent.components.box_planes import BoxPlanes
from metta.agent.components.feature_table import FeatureTable
from metta.agent.components.heads import ActorHead
from metta.agent.components.linear import MLP
from metta.agent.components.lstm import LSTM
from metta.agent.components.obs_to_box import ObsToBox
from metta.agent.container import ComponentContainer
from metta.agent.module import MettaModule
from metta.agent.policies.inputs import assemble, critic_head
from metta.agent.policy_config import LstmConfig
from metta.common.env_spec import EnvSpec


def build_lstm(config: LstmConfig, spec: EnvSpec) -> ComponentContainer:
    """``env_obs -> (box) -> mlp -> lstm -> actor, critic``. Tokens are spread over the flat one-hot box."""
    components: dict[str, MettaModule] = {}
    key, shape = "box", spec.obs_shape
    if spec.obs_kind == "tokens":
        features = FeatureTable.from_spec(spec, config.numeric_scale)
        components["box"], shape = ObsToBox(features, spec.obs_shape[0], layout="flat"), (features.num_rows,)
    elif spec.channels:
        components["box"] = planes = BoxPlanes(spec, numeric_scale=config.numeric_scale)
        shape = planes.out_shape
    else:
        key = "env_obs"
    mlp = MLP(shape, config.hidden_sizes, key, "hidden", activation=config.activation)
    width = mlp.output_shapes["hidden"][0]
    assert isinstance(width, int)
    size = config.lstm_size
    components["mlp"] = mlp
    components["lstm"] = LSTM(width, size, config.lstm_layers, "hidden")
    components["actor"] = ActorHead(size, spec.num_actions, "core", gain=config.actor_gain)
    components["critic"] = critic_head(config, size, "core")
    return assemble(spec, components)
