"""`vit_*` and their kin: Fourier-embedded tokens, Perceiver latents, a recurrent core or none, an MLP for each head."""

from __future__ import annotations

from metta.agent.components.cortex import Cortex
from metta.agent.components.feature_table import FeatureTable
from metta.agent.components.gru import GRU
from metta.agent.components.heads import ActorHead
from metta.agent.components.linear import MLP
from metta.agent.components.lstm import LSTM
from metta.agent.components.mamba import Mamba
from metta.agent.components.obs_tokens import ObsTokens
from metta.agent.components.token_encoders import Perceiver
from metta.agent.components.transformer_xl import TransformerXL
from metta.agent.container import ComponentContainer
from metta.agent.module import MettaModule
from metta.agent.policies.inputs import assemble, critic_head
from metta.agent.policy_config import (
    CortexConfig,
    LatentPolicyConfig,
    MambaConfig,
    TransformerXLConfig,
    VitDefaultConfig,
    VitMediumConfig,
    VitSmallConfig,
    VitTinyConfig,
)
from metta.agent.recurrent import RecurrentModule
from metta.common.env_spec import EnvSpec


def build_vit(config: LatentPolicyConfig, spec: EnvSpec) -> ComponentContainer:
    """``env_obs -> tokens -> latents -> (core) -> actor_mlp -> actor, critic_mlp -> critic``."""
    tokens = ObsTokens(
        FeatureTable.from_spec(spec, config.numeric_scale),
        spec.obs_shape[0],
        config.embed_dim,
        max_tokens=config.max_tokens,
        num_freqs=config.num_freqs,
    )
    latents = Perceiver(
        tokens.out_features,
        config.latent_dim,
        num_latents=config.num_latents,
        num_heads=config.latent_heads,
        num_layers=config.latent_layers,
        mlp_ratio=config.latent_mlp_ratio,
    )
    components: dict[str, MettaModule] = {"tokens": tokens, "latents": latents}
    key, width = "features", config.latent_dim
    if (core := core_of(config, width)) is not None:
        components["core"] = core
        key, width = "core", core.out_features
    for name, sizes in (("actor", config.actor_sizes), ("critic", config.critic_sizes)):
        components[f"{name}_mlp"] = MLP(width, sizes, key, f"{name}_hidden", activation=config.activation)
    actor, critic = ((width, *sizes)[-1] for sizes in (config.actor_sizes, config.critic_sizes))
    components["actor"] = ActorHead(actor, spec.num_actions, "actor_hidden", gain=config.actor_gain)
    components["critic"] = critic_head(config, critic, "critic_hidden")
    return assemble(spec, components)


def core_of(config: LatentPolicyConfig, width: int) -> RecurrentModule | None:
    """The recurrent core that ``config`` asks for, reading ``features`` of ``width``; None for `memory_free`."""
    match config:
        case VitTinyConfig() | VitSmallConfig() | VitMediumConfig() | VitDefaultConfig():
            kind = {"lstm": LSTM, "gru": GRU}[config.core]
            return kind(width, config.core_size, config.core_layers)
        case MambaConfig():
            return Mamba(
                width,
                config.core_size,
                config.core_layers,
                state_size=config.state_size,
                expand=config.expand,
                kernel=config.conv_kernel,
            )
        case TransformerXLConfig():
            return TransformerXL(
                width,
                config.core_size,
                config.core_layers,
                memory_size=config.memory_size,
                num_heads=config.core_heads,
                mlp_ratio=config.core_mlp_ratio,
            )
        case CortexConfig():
            return _cortex(config, width)
        case _:
            return None


def _cortex(config: CortexConfig, width: int) -> Cortex:
    return Cortex(
        width,
        config.core_size,
        config.pattern,
        config.core_layers,
        out_features=config.core_out_size,
        num_heads=config.core_heads,
        memory_size=config.memory_size,
        kernel=config.conv_kernel,
        ratio=config.core_ratio,
        projection=config.projection,
        post_norm=config.post_norm,
    )
