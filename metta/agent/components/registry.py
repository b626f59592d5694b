"""Components by class name: one line each."""

from __future__ import annotations

from metta.agent.components.attention import AttentionModule, TransformerBlock
from metta.agent.components.axon import Axon
from metta.agent.components.bilinear_head import ActionEmbedding, ActorKey, ActorQuery, BilinearActorHead
from metta.agent.components.box_planes import BoxPlanes
from metta.agent.components.by_role import ByRole
from metta.agent.components.causal_conv import CausalConv
from metta.agent.components.cnn import CNNEncoder
from metta.agent.components.conv import ConvModule
from metta.agent.components.cortex import Cortex
from metta.agent.components.embedding import Embedding
from metta.agent.components.feature_planes import FeatureNormalise, FeaturePlanes
from metta.agent.components.gru import GRU
from metta.agent.components.heads import ActorHead, ValueHead
from metta.agent.components.hugging_face import HuggingFaceModule
from metta.agent.components.linear import MLP, LinearModule
from metta.agent.components.lstm import LSTM
from metta.agent.components.lstm_module import LSTMModule
from metta.agent.components.mamba import Mamba, MambaMixer
from metta.agent.components.memory_encoder import MemoryAugmentedEncoder
from metta.agent.components.merge import Merge
from metta.agent.components.mlstm import MLSTM
from metta.agent.components.nn_module import NNModule, SequentialModule
from metta.agent.components.noise import NoiseLayer
from metta.agent.components.normalise import Normalise
from metta.agent.components.obs_to_box import ObsToBox
from metta.agent.components.obs_tokens import ObsTokens
from metta.agent.components.per_population import PerPopulation
from metta.agent.components.quantile_head import QuantileValueHead
from metta.agent.components.residual_mlp import ResidualMLP
from metta.agent.components.slstm import SLSTM
from metta.agent.components.swin import SwinEncoder
from metta.agent.components.token_bag import TokenBag
from metta.agent.components.token_cnn import TokenCNN
from metta.agent.components.token_encoders import LatentAttention, Perceiver, TokenTransformer
from metta.agent.components.transformer_xl import TransformerXL, XLAttention
from metta.agent.module import MettaModule
from metta.common.errors import ConfigError
from metta.common.suggest import did_you_mean

COMPONENTS: dict[str, type[MettaModule]] = {
    "ActionEmbedding": ActionEmbedding,
    "ActorHead": ActorHead,
    "ActorKey": ActorKey,
    "ActorQuery": ActorQuery,
    "AttentionModule": AttentionModule,
    "Axon": Axon,
    "BilinearActorHead": BilinearActorHead,
    "BoxPlanes": BoxPlanes,
    "ByRole": ByRole,
    "CNNEncoder": CNNEncoder,
    "CausalConv": CausalConv,
    "ConvModule": ConvModule,
    "Cortex": Cortex,
    "Embedding": Embedding,
    "GRU": GRU,
    "FeatureNormalise": FeatureNormalise,
    "FeaturePlanes": FeaturePlanes,
    "HuggingFaceModule": HuggingFaceModule,
    "LSTM": LSTM,
    "LSTMModule": LSTMModule,
    "LatentAttention": LatentAttention,
    "LinearModule": LinearModule,
    "MLP": MLP,
    "MLSTM": MLSTM,
    "Mamba": Mamba,
    "MambaMixer": MambaMixer,
    "MemoryAugmentedEncoder": MemoryAugmentedEncoder,
    "Merge": Merge,
    "MergeModule": Merge,
    "NNModule": NNModule,
    "NoiseLayer": NoiseLayer,
    "Normalise": Normalise,
    "ObsToBox": ObsToBox,
    "ObsTokens": ObsTokens,
    "PerPopulation": PerPopulation,
    "Perceiver": Perceiver,
    "QuantileValueHead": QuantileValueHead,
    "ResidualMLP": ResidualMLP,
    "SLSTM": SLSTM,
    "SequentialModule": SequentialModule,
    "SwinEncoder": SwinEncoder,
    "TokenBag": TokenBag,
    "TokenCNN": TokenCNN,
    "TokenTransformer": TokenTransformer,
    "TransformerBlock": TransformerBlock,
    "TransformerXL": TransformerXL,
    "ValueHead": ValueHead,
    "XLAttention": XLAttention,
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
