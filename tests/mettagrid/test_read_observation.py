"""What observations and states say is what stands on the map, in random games of every kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from metta.common.env_spec import EnvSpec
from metta.mettagrid.config.game import MettaGridConfig
from metta.mettagrid.config.objects import BlockConfig, WallConfig
from metta.mettagrid.env import MettaGridEnv
from metta.mettagrid.read_observation import AGENT_ID, cell_features, global_features, state_features
from tests.mettagrid.oracle.window import seen_cells
from tests.mettagrid.strategies import Play, games

Cell = tuple[int, int]
STATES = ("frozen", "cooldown_remaining")
few = settings(max_examples=40, deadline=None, derandomize=True)
seeds = st.integers(0, 2**32 - 1)


def looks(item: Mapping[str, Any]) -> dict[str, int]:
    """The features that ``grid_objects`` tells of: all that a thing shows but for what its mechanic adds."""
    shown: dict[str, int] = {"type_id": item["type_id"]}
    if item["type"] == "agent":
        shown |= {"agent:group": item["group_id"], "agent:orientation": item["orientation"]}
        shown |= {"agent:frozen": min(item["frozen"], 255)} if item["frozen"] else {}
    if item.get("cooldown_remaining"):
        shown["cooldown_remaining"] = min(item["cooldown_remaining"], 255)
    if item.get("conversion_remaining"):
        shown["converting"] = 1
    return shown | {f"inv:{name}": min(amount, 255) for name, amount in item.get("inventory", {}).items()}


def told(features: Mapping[str, int], item: Mapping[str, Any]) -> dict[str, int]:
    """``features`` without those that ``looks`` does not know, and without the observer's own visits."""
    known = {"type_id", "agent:group", "agent:orientation", "agent:frozen", "cooldown_remaining", "converting"}
    kept = {n: v for n, v in features.items() if n in known or n.startswith("inv:")}
    return kept if item["type"] == "agent" else {n: v for n, v in kept.items() if not n.startswith("agent:")}


def hides(config: MettaGridConfig, kind: str) -> bool:
    thing = config.game.objects.get(kind)
    return isinstance(thing, WallConfig | BlockConfig) and thing.opaque


@few
@given(games(), seeds, seeds)
def test_observation_decodes_to_the_true_neighbourhood(config: MettaGridConfig, seed: int, play_seed: int) -> None:
    config = config.replace({"game.obs.num_tokens": 2048, "game.obs.overflow": "error"})
    env, play = MettaGridEnv(config, seed), Play(play_seed)
    obs = config.game.obs
    for _ in range(8):
        batch = env.step(play(env.batch))
        things = {(int(item["r"]), int(item["c"])): item for item in env.grid_objects()}
        for row, column in [cell for cell, item in things.items() if item["type"] == "agent"]:
            agent = int(things[row, column]["agent_id"])
            around = {(r - row, c - column): item for (r, c), item in things.items()}
            opaque = {cell for cell, item in around.items() if hides(config, item["type"])}
            visible = [cell for cell in seen_cells(obs, opaque) if cell in around]
            decoded = {
                (r - obs.height // 2, c - obs.width // 2): features
                for (r, c), features in cell_features(batch.observations[agent], env.spec).items()
                if features.keys() != {"visitation_counts"}
            }
            assert sorted(decoded) == sorted(visible)
            for cell in visible:
                assert told(decoded[cell], around[cell]) == looks(around[cell])
            if obs.last_action:
                last = global_features(batch.observations[agent], env.spec)["last_action"]
                assert last == things[row, column]["last_action"]
    env.close()


@few
@given(games(), seeds, seeds)
def test_state_decodes_to_the_whole_map(config: MettaGridConfig, seed: int, play_seed: int) -> None:
    config = config.replace({"game.obs.global_state": True})
    env, play = MettaGridEnv(config, seed), Play(play_seed)
    for _ in range(8):
        batch = env.step(play(env.batch))
        assert batch.state is not None
        decoded = state_features(batch.state[0], env.spec)
        things = {(int(item["r"]), int(item["c"])): item for item in env.grid_objects()}
        assert sorted(decoded) == sorted(things)
        for cell, item in things.items():
            assert told(decoded[cell], item) == looks(item)
            assert decoded[cell].get(AGENT_ID, 0) == (item["agent_id"] + 1 if item["type"] == "agent" else 0)
            if item["type"] == "agent" and config.game.obs.last_action:
                assert decoded[cell]["last_action"] == item["last_action"]
    env.close()


@few
@given(games(), seeds, seeds)
def test_every_token_is_listed(config: MettaGridConfig, seed: int, play_seed: int) -> None:
    """Ids, places and categories of all tokens are those of the EnvSpec; padding comes last."""
    config = config.replace({"game.obs.kind": "tokens"})
    env, play = MettaGridEnv(config, seed), Play(play_seed)
    for _ in range(8):
        batch = env.step(play(env.batch))
        for agent in range(env.num_agents):
            check_tokens(batch.observations[agent].tolist(), int(env.used_tokens[agent]), env.spec)
    env.close()


def check_tokens(tokens: list[list[int]], used: int, spec: EnvSpec) -> None:
    features = {feature.id: feature for feature in spec.features}
    assert all(token == [255, 255, 255] for token in tokens[used:])
    for location, feature_id, value in tokens[:used]:
        feature = features[feature_id]
        assert (location == 0xFE) == (feature.scope == "global")
        assert location == 0xFE or (location >> 4 < spec.window[0] and location & 15 < spec.window[1])
        assert feature.kind == "numeric" or value < feature.num_values, feature.name
