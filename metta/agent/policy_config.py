"""Configs of the policy presets. Torch-free, so that the command line can list and check them in no time."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from metta.agent.network_config import NetworkConfig, read_network
from metta.common.config import Config
from metta.common.env_spec import EnvSpec

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


class TokenPolicyConfig(BasePolicyConfig):
    """Fields of the presets that read token observations."""

    numeric_scale: NumericScale = Field(
        default="log",
        description="weight of a numeric token with distance d from its zero point and normalization n: "
        "linear = d / n, log = log(1 + |d|) / log(1 + n) with the sign of d",
    )


class BagConfig(TokenPolicyConfig):
    """Token bag, then an MLP: no memory, the default on CPU."""

    type: Literal["bag"] = "bag"
    bag_width: Size = Field(default=128, description="width of the token bag")
    bag_gain: float = Field(default=1.0, gt=0, description="scale of the bag's first weights; 1 = unit variance out")
    hidden_sizes: Sizes = Field(default=(128,), description="widths of the MLP between bag and heads")
    activation: Activation = "relu"


class BagLstmConfig(TokenPolicyConfig):
    """Token bag, MLP, LSTM."""

    type: Literal["bag_lstm"] = "bag_lstm"
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


class NetworkPolicyConfig(CommonPolicyConfig):
    """A network from YAML. The whole network stands in the resolved config and in each artifact, so both go alone."""

    type: Literal["network"] = "network"
    network: Annotated[NetworkConfig, BeforeValidator(read_network)] = Field(
        description="name of a file in configs/network, path of a YAML file, or the network itself"
    )


AnyPolicyConfig = BagConfig | BagLstmConfig | FastConfig | MlpConfig | NetworkPolicyConfig
PolicyConfig = Annotated[AnyPolicyConfig, Field(discriminator="type")]
"""What `policy_architecture=` takes."""


def default_policy_config(spec: EnvSpec) -> BagConfig | MlpConfig:
    """The preset for an environment when none is named: `bag` for tokens, `mlp` for boxes."""
    return BagConfig() if spec.obs_kind == "tokens" else MlpConfig()
