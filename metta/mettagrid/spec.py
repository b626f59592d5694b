"""What a game shows to a policy, derived from its config alone: no engine, no batch."""

from __future__ import annotations

from typing import Literal

from metta.common.env_spec import EnvSpec, FeatureSpec
from metta.mettagrid.config.game import GameConfig, MettaGridConfig
from metta.mettagrid.config.objects import AssemblerConfig, BlockConfig, DoorConfig, WallConfig

TYPE_ID = 0
GROUP = 1
FROZEN = 2
ORIENTATION = 3
COLOR = 4
CONVERTING = 5
SHIELD = 6
EPISODE_COMPLETION_PCT = 7
LAST_ACTION = 8
OPEN = 9
LAST_REWARD = 10
GLYPH = 11
VISITATION_COUNTS = 12
SWAPPABLE = 13
COOLDOWN_REMAINING = 14
CLIPPED = 15
REMAINING_USES = 16
FIRST_INVENTORY = 17
"""Feature id of ``inv:<resource 0>``; the ids in between are kept for mechanics to come."""

REWARD_ZERO = 128
"""``last_reward`` shows ``128 + round(100 * reward)``, saturating at 0 and 255."""

AGENT_CHANNEL = "agent"
"""First plane of a box: 1 where an agent stands. Without it an agent at zero of everything would look like nothing."""
AGENT_ID_CHANNELS = ("agent:id", "agent:id_high")
"""First planes of a global state: 1 + agent index, low byte first; the second one only beyond 255 agents."""


def env_spec(cfg: MettaGridConfig) -> EnvSpec:
    """Observation layout, feature table and action names of a game.

    >>> env_spec(MettaGridConfig()).obs_shape
    (200, 3)
    >>> env_spec(MettaGridConfig().replace({"game.obs.kind": "box"})).channels[:3]
    ('agent', 'type_id', 'agent:group')
    """
    game = cfg.game
    window = (game.obs.height, game.obs.width)
    features = _features(game)
    names = tuple(feature.name for feature in features)
    channels = (AGENT_CHANNEL, *names) if game.obs.kind == "box" else ()
    planes = state_channels(game) if game.obs.global_state else ()
    return EnvSpec(
        name=cfg.label,
        obs_kind=game.obs.kind,
        obs_shape=(len(channels), *window) if channels else (game.obs.num_tokens, 3),
        obs_dtype="uint8",
        window=window,
        features=features,
        channels=channels,
        state_shape=(len(planes), game.map.height, game.map.width) if planes else (),
        state_channels=planes,
        action_names=game.actions.names(),
        num_agents=game.num_agents,
    )


def state_channels(game: GameConfig) -> tuple[str, ...]:
    """Names of the planes of the game's global state, whether or not each step writes it.

    >>> state_channels(MettaGridConfig().game)[:2]
    ('agent:id', 'type_id')
    """
    ids = AGENT_ID_CHANNELS[: 1 + (game.num_agents > 255)]
    return (*ids, *(feature.name for feature in _features(game)))


def _features(game: GameConfig) -> tuple[FeatureSpec, ...]:
    """The feature table, ordered by id. Normalisations are the classic ones, except frozen (10, its usual duration)."""
    num_types = 1 + max((thing.type_id for thing in game.objects.values()), default=0)
    num_groups = 1 + max(group.id for group in game.groups.values())
    table = [
        _categorical(TYPE_ID, "type_id", num_types),
        _categorical(GROUP, "agent:group", num_groups),
        _numeric(FROZEN, "agent:frozen", 10.0),
        _categorical(ORIENTATION, "agent:orientation", game.actions.num_orientations()),
        _numeric(CONVERTING, "converting", 1.0),
    ]
    if game.obs.episode_completion_pct:
        table.append(_numeric(EPISODE_COMPLETION_PCT, "episode_completion_pct", 255.0, "global"))
    if game.obs.last_action:
        table.append(_categorical(LAST_ACTION, "last_action", len(game.actions.names()), "global"))
    if any(isinstance(thing, DoorConfig) for thing in game.objects.values()):
        table.append(_numeric(OPEN, "open", 1.0))
    if game.obs.last_reward:
        table.append(_numeric(LAST_REWARD, "last_reward", 100.0, "global", zero_point=REWARD_ZERO))
    if game.obs.visitation_counts:
        table.append(_numeric(VISITATION_COUNTS, "visitation_counts", 255.0))
    if any(isinstance(thing, WallConfig | BlockConfig) and thing.swappable for thing in game.objects.values()):
        table.append(_numeric(SWAPPABLE, "swappable", 1.0))
    table.append(_numeric(COOLDOWN_REMAINING, "cooldown_remaining", 255.0))
    actions = game.actions
    if actions.change_color.enabled:
        table.append(_categorical(COLOR, "agent:color", 256))
    if actions.shield.enabled:
        table.append(_numeric(SHIELD, "agent:shield", 1.0))
    if actions.change_glyph.enabled:
        table.append(_categorical(GLYPH, "agent:glyph", actions.change_glyph.number_of_glyphs))
    if game.systems.clipper is not None:
        table.append(_numeric(CLIPPED, "clipped", 1.0))
    if any(isinstance(thing, AssemblerConfig) and thing.max_uses for thing in game.objects.values()):
        table.append(_numeric(REMAINING_USES, "remaining_uses", 255.0))
    table += [_numeric(FIRST_INVENTORY + i, f"inv:{name}", 100.0) for i, name in enumerate(game.resource_names)]
    return tuple(sorted(table, key=lambda feature: feature.id))


def _numeric(
    feature_id: int,
    name: str,
    normalization: float,
    scope: Literal["cell", "global"] = "cell",
    zero_point: float = 0.0,
) -> FeatureSpec:
    return FeatureSpec(
        id=feature_id, name=name, kind="numeric", scope=scope, normalization=normalization, zero_point=zero_point
    )


def _categorical(feature_id: int, name: str, num_values: int, scope: Literal["cell", "global"] = "cell") -> FeatureSpec:
    return FeatureSpec(id=feature_id, name=name, kind="categorical", scope=scope, num_values=num_values)
