"""Components by class name: one line each."""

from __future__ import annotations

from metta.agent.components.attention import AttentionModule, TransformerBlock
from metta.agent.components.box_planes import BoxPlanes
from metta.agent.components.cnn import CNNEncoder
from metta.agent.components.heads import ActorHead, ValueHead
from metta.agent.components.linear import MLP, LinearModule
from metta.agent.components.lstm import LSTM
from metta.agent.components.obs_to_box import ObsToBox
from metta.agent.components.obs_tokens import ObsTokens
from metta.agent.components.token_bag import TokenBag
from metta.agent.components.token_encoders import LatentAttention, Perceiver, TokenTransformer
from metta.agent.module import MettaModule
from metta.common.errors import ConfigError
from metta.common.suggest import did_you_mean

COMPONENTS: dict[str, type[MettaModule]] = {
    "ActorHead": ActorHead,
    "AttentionModule": AttentionModule,
    "BoxPlanes": BoxPlanes,
    "CNNEncoder": CNNEncoder,
    "LSTM": LSTM,
    "LatentAttention": LatentAttention,
    "LinearModule": LinearModule,
    "MLP": MLP,
    "ObsToBox": ObsToBox,
    "ObsTokens": ObsTokens,
    "Perceiver": Perceiver,
    "TokenBag": TokenBag,
    "TokenTransformer": TokenTransformer,
    "TransformerBlock": TransformerBlock,
    "ValueHead": ValueHead,
}


def component_class(name: str) -> type[MettaModule]:
    """The component class called ``name``.

    Raises:
        ConfigError: there is none.
    """
    if name not in COMPONENTS:
        raise ConfigError(
            f"no component class {name!r}; there are {sorted(COMPONENTS)}.{did_you_mean(name, COMPONENTS)}"
        )
    return COMPONENTS[name]
