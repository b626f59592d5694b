"""Older configs in few lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

PUBLISHED = ("fast", "latent_attn_tiny", "latent_attn_small", "latent_attn_med", "reference_design")


def old(target: str, *sources: Any, **rest: Any) -> dict[str, Any]:
    """One component."""
    return {"_target_": f"metta.agent.lib.{target}", "sources": list(sources) or None, **rest}


def heads(core: str, width: int = 6) -> dict[str, Any]:
    """LSTM, critic and actor behind ``core``, as all older agents had them."""
    return {
        "_core_": old("lstm.LSTM", core, output_size=width, nn_params={"num_layers": 2}),
        "_value_": old("nn_layer_library.Linear", {"name": "_core_"}, output_size=1, nonlinearity=None),
        "actor_1": old("nn_layer_library.Linear", "_core_", output_size=5),
        "_action_embeds_": old("action.ActionEmbedding", nn_params={"num_embeddings": 100, "embedding_dim": 4}),
        "_action_": old("actor.MettaActorSingleHead", "actor_1", "_action_embeds_"),
    }


def agent(components: Mapping[str, Any], **header: Any) -> dict[str, Any]:
    """A whole older config."""
    return {"observations": {"obs_key": "grid_obs"}, **header, "components": dict(components)}


def small(**header: Any) -> dict[str, Any]:
    """Planes, a convolution, a linear layer, heads: with weights of every kind that is taken over."""
    return agent(
        {
            "_obs_": old("obs_token_to_box_shaper.ObsTokenToBoxShaper"),
            "obs_normalizer": old("observation_normalizer.ObservationNormalizer", "_obs_"),
            "cnn": old(
                "nn_layer_library.Conv2d",
                "obs_normalizer",
                nn_params={"out_channels": 3, "kernel_size": 3, "stride": 2},
            ),
            "flat": old("nn_layer_library.Flatten", "cnn"),
            "norm": old("nn_layer_library.LayerNorm", "flat"),
            "encoder": old("nn_layer_library.Linear", "norm", output_size=6, nonlinearity="nn.Tanh"),
            **heads("encoder"),
        },
        **header,
    )


def network_of(components: Mapping[str, Any], shapes: Mapping[str, Sequence[int]]) -> dict[str, Any]:
    """A network of its own, not a policy's."""
    return {"input_shapes": dict(shapes), "components": dict(components)}
