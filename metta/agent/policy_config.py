"""Configs of the policy presets. Torch-free, so that the command line can list and check them in no time."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field

from metta.agent.network_config import NetworkConfig, read_network
from metta.common.config import Config

Activation = Literal["relu", "tanh", "gelu", "silu"]
NumericScale = Literal["linear", "log"]
Size = Annotated[int, Field(ge=1)]
Sizes = tuple[Size, ...]

CORTEX_LETTERS = {
    "A": "linear recurrent unit",
    "S": "sLSTM",
    "M": "mLSTM",
    "L": "LSTM",
    "X": "transformer-XL",
    "C": "causal convolution",
}
"""Cells of a cortex by their letters in a pattern."""


ExecutorName = Literal["sequential", "parallel", "compiled", "memory"]


class CommonPolicyConfig(Config):
    """Fields that every policy honours."""

    small_steps: ClassVar[bool] = False
    """Whether it learns as well from many small minibatches, seen once, as from several passes over larger ones."""
    adam_eps: ClassVar[float] = 1e-8
    """What ``trainer.optimizer.eps`` is unless somebody sets it."""

    clip_range: float = Field(
        default=0.0, ge=0, description="after each optimizer step weights are clamped to +-clip_range; 0 = off"
    )
    use_action_mask: bool = Field(default=True, description="never choose an action that the environment masks out")
    executor: ExecutorName = Field(
        default="sequential",
        description="how the network is run: component by component, independent branches at once, as a straight "
        "line, or with little memory; results are equal",
    )


class BasePolicyConfig(CommonPolicyConfig):
    """Fields that every preset with a fixed network honours."""

    actor_gain: float = Field(default=0.01, gt=0, description="orthogonal gain of the actor head: small = near uniform")
    value_gain: float = Field(
        default=0.01,
        gt=0,
        description="orthogonal gain of the value head: small = first values near 0, so that noise does not steer",
    )
    critic_quantiles: int = Field(
        default=0,
        ge=0,
        description="the value head gives this many quantiles of the return, and their mean as value, for the loss "
        "quantile_ppo_critic; 0 = the value alone",
    )


_NUMERIC_SCALE = (
    "weight of a numeric token with distance d from its zero point and normalization n: linear = d / n, log = "
    "log(1 + |d|) / log(1 + n) with the sign of d"
)


class TokenPolicyConfig(BasePolicyConfig):
    """Fields of the presets that read token observations."""

    numeric_scale: NumericScale = Field(default="log", description=_NUMERIC_SCALE)


class BagConfig(TokenPolicyConfig):
    """Token bag, then an MLP: no memory, the default on CPU."""

    small_steps: ClassVar[bool] = True
    type: Literal["bag"] = "bag"
    numeric_scale: NumericScale = Field(default="linear", description=_NUMERIC_SCALE)
    bag_width: Size = Field(default=128, description="width of the token bag")
    bag_gain: float = Field(default=1.0, gt=0, description="scale of the bag's first weights; 1 = unit variance out")
    hidden_sizes: Sizes = Field(default=(128,), description="widths of the MLP between bag and heads")
    activation: Activation = "relu"


class BagLstmConfig(TokenPolicyConfig):
    """Token bag, MLP, LSTM."""

    small_steps: ClassVar[bool] = True
    type: Literal["bag_lstm"] = "bag_lstm"
    numeric_scale: NumericScale = Field(default="linear", description="as for `bag`")
    bag_width: Size = Field(default=128, description="width of the token bag")
    bag_gain: float = Field(default=1.0, gt=0, description="scale of the bag's first weights; 1 = unit variance out")
    hidden_sizes: Sizes = Field(default=(128,), description="widths of the MLP between bag and LSTM")
    activation: Activation = "relu"
    lstm_size: Size = 128
    lstm_layers: Size = 1


class FastConfig(TokenPolicyConfig):
    """Dense box made from tokens, two convolutions, a linear layer, LSTM."""

    type: Literal["fast"] = "fast"
    numeric_scale: NumericScale = Field(default="linear", description="as for `bag`")
    conv1_channels: Size = 64
    conv1_kernel: Size = 5
    conv1_stride: Size = 3
    conv2_channels: Size = 64
    conv2_kernel: Size = 3
    conv2_stride: Size = 1
    encoder_size: Size = Field(default=128, description="width of the linear layer after the convolutions")
    activation: Activation = "relu"
    lstm_size: Size = 128
    lstm_layers: Size = 1


class MlpConfig(BasePolicyConfig):
    """MLP on box observations: MettaGrid's as one-hot planes, others as they are (bytes are divided by 255)."""

    type: Literal["mlp"] = "mlp"
    hidden_sizes: Sizes = (64, 64)
    activation: Activation = "tanh"
    shared_trunk: bool = Field(default=False, description="actor and value head share one trunk instead of one each")


class LstmConfig(BasePolicyConfig):
    """Dense inputs, MLP, LSTM: the one recurrent preset for any observation (tokens are spread over the box first)."""

    type: Literal["lstm"] = "lstm"
    numeric_scale: NumericScale = Field(default="linear", description="as for `bag`; for MettaGrid's observations")
    hidden_sizes: Sizes = Field(default=(128,), description="widths of the MLP before the LSTM")
    activation: Activation = "relu"
    lstm_size: Size = 128
    lstm_layers: Size = 1


MaxTokens = Annotated[int, Field(ge=1, description="tokens that are read: global ones, then the nearest cells'")]
EmbedDim = Annotated[int, Field(ge=1, description="width of the learned vector of a feature or category")]
NumFreqs = Annotated[int, Field(ge=1, description="frequencies of sines and cosines of row and column")]
NumLatents = Annotated[int, Field(ge=1, description="latent vectors that read the tokens")]
LatentDim = Annotated[int, Field(ge=1, description="width of each latent vector")]
LatentHeads = Annotated[int, Field(ge=1, description="attention heads; they share latent_dim evenly")]
LatentLayers = Annotated[int, Field(ge=1, description="times the latents read the tokens and think")]
LatentRatio = Annotated[float, Field(gt=0, description="width of the latents' MLPs as a multiple of latent_dim")]
CoreSize = Annotated[int, Field(ge=1, description="width of the recurrent core")]
CoreLayers = Annotated[int, Field(ge=1, description="layers of the recurrent core")]
HeadSizes = Annotated[Sizes, Field(description="widths of the layers between core and head")]


class LatentPolicyConfig(TokenPolicyConfig):
    """Fields of the presets that read tokens by a Perceiver: Fourier embedding, latents, core, an MLP for each head."""

    adam_eps: ClassVar[float] = 1e-5
    max_tokens: MaxTokens = 48
    embed_dim: EmbedDim = 8
    num_freqs: NumFreqs = 3
    num_latents: NumLatents = 4
    latent_dim: LatentDim = 64
    latent_heads: LatentHeads = 4
    latent_layers: LatentLayers = 1
    latent_mlp_ratio: LatentRatio = 1.0
    actor_sizes: HeadSizes = (64,)
    critic_sizes: HeadSizes = (64,)
    activation: Activation = "relu"


class VitSmallConfig(LatentPolicyConfig):
    """Perceiver and LSTM: sized for training on a few cores."""

    type: Literal["vit_small"] = "vit_small"
    core: Literal["lstm", "gru"] = "lstm"
    core_size: CoreSize = 64
    core_layers: CoreLayers = 1


class VitTinyConfig(LatentPolicyConfig):
    """As `vit_small`, for tests and the smallest machines."""

    type: Literal["vit_tiny"] = "vit_tiny"
    max_tokens: MaxTokens = 32
    num_freqs: NumFreqs = 2
    num_latents: NumLatents = 2
    latent_dim: LatentDim = 32
    latent_heads: LatentHeads = 2
    actor_sizes: HeadSizes = (32,)
    critic_sizes: HeadSizes = (32,)
    core: Literal["lstm", "gru"] = "lstm"
    core_size: CoreSize = 32
    core_layers: CoreLayers = 1


class VitMediumConfig(LatentPolicyConfig):
    """As `vit_small`, between it and `vit_default`."""

    type: Literal["vit_medium"] = "vit_medium"
    max_tokens: MaxTokens = 64
    embed_dim: EmbedDim = 12
    num_freqs: NumFreqs = 4
    num_latents: NumLatents = 8
    latent_dim: LatentDim = 96
    latent_layers: LatentLayers = 2
    latent_mlp_ratio: LatentRatio = 2.0
    actor_sizes: HeadSizes = (128,)
    critic_sizes: HeadSizes = (256,)
    core: Literal["lstm", "gru"] = "lstm"
    core_size: CoreSize = 128
    core_layers: CoreLayers = 1


class VitDefaultConfig(LatentPolicyConfig):
    """As `vit_small`, as large as the field's: for a GPU."""

    type: Literal["vit_default"] = "vit_default"
    max_tokens: MaxTokens = 128
    num_latents: NumLatents = 12
    latent_dim: LatentDim = 128
    latent_layers: LatentLayers = 2
    latent_mlp_ratio: LatentRatio = 4.0
    actor_sizes: HeadSizes = (256,)
    critic_sizes: HeadSizes = (512,)
    core: Literal["lstm", "gru"] = "lstm"
    core_size: CoreSize = 128
    core_layers: CoreLayers = 2


class MemoryFreeConfig(LatentPolicyConfig):
    """`vit_small` without a recurrent core: what the present observation alone is worth."""

    type: Literal["memory_free"] = "memory_free"


class MambaConfig(LatentPolicyConfig):
    """Perceiver and a selective state space."""

    type: Literal["mamba"] = "mamba"
    latent_dim: LatentDim = 32
    core_size: CoreSize = 32
    core_layers: CoreLayers = 1
    state_size: Size = Field(default=16, description="numbers that each channel of the core remembers")
    expand: Size = Field(default=2, description="channels of the core as a multiple of core_size")
    conv_kernel: Size = Field(default=4, description="steps that the core's convolution sees")


class TransformerXLConfig(LatentPolicyConfig):
    """Perceiver and attention over the last steps of the episode."""

    type: Literal["transformer_xl"] = "transformer_xl"
    latent_dim: LatentDim = 32
    core_size: CoreSize = 32
    core_layers: CoreLayers = 2
    core_heads: Size = Field(default=4, description="attention heads of the core; they share core_size evenly")
    memory_size: Size = Field(default=32, description="past steps that each layer of the core attends to")
    core_mlp_ratio: Size = Field(default=2, description="width of the core's MLPs as a multiple of core_size")


class CortexConfig(LatentPolicyConfig):
    """Perceiver and columns of different recurrences side by side."""

    type: Literal["cortex"] = "cortex"
    pattern: str = Field(
        default="AXMS",
        pattern=f"^[{''.join(CORTEX_LETTERS)}]+$",
        description="a block per letter in each column: " + ", ".join(f"{k} {v}" for k, v in CORTEX_LETTERS.items()),
    )
    core_size: CoreSize = 32
    core_layers: CoreLayers = 1
    core_out_size: Size = Field(default=32, description="width of what the core gives to the heads")
    core_heads: Size = Field(default=4, description="heads of the blocks X, M and S; they share core_size evenly")
    memory_size: Size = Field(default=32, description="past steps that blocks X attend to")
    conv_kernel: Size = Field(default=4, description="steps that blocks C see")
    core_ratio: Size = Field(default=2, description="width of the blocks' projections as a multiple of core_size")
    projection: Literal["auto", "pre_up", "post_up", "none"] = Field(
        default="auto", description="where a block widens: before its cell, in an MLP after it, nowhere, as suits it"
    )
    post_norm: bool = Field(default=True, description="layer norm after each column")


class NetworkPolicyConfig(CommonPolicyConfig):
    """A network from YAML. The whole network stands in the resolved config and in each artifact, so both go alone."""

    type: Literal["network"] = "network"
    network: Annotated[NetworkConfig, BeforeValidator(read_network)] = Field(
        description="name of a file in configs/network, path of a YAML file, or the network itself"
    )


AnyPolicyConfig = (
    BagConfig
    | BagLstmConfig
    | CortexConfig
    | FastConfig
    | LstmConfig
    | MambaConfig
    | MemoryFreeConfig
    | MlpConfig
    | NetworkPolicyConfig
    | TransformerXLConfig
    | VitDefaultConfig
    | VitMediumConfig
    | VitSmallConfig
    | VitTinyConfig
)
PolicyConfig = Annotated[AnyPolicyConfig, Field(discriminator="type")]
"""What `policy_architecture=` takes."""


def default_policy_config(obs_kind: Literal["tokens", "box"]) -> BagConfig | MlpConfig:
    """The preset for an environment when none is named: `bag` for tokens, `mlp` for boxes."""
    return BagConfig() if obs_kind == "tokens" else MlpConfig()
