"""The feature table follows the config."""

from __future__ import annotations

from metta.mettagrid.builder.envs import make_arena
from metta.mettagrid.spec import env_spec


def test_arena_spec() -> None:
    spec = env_spec(make_arena())
    assert spec.obs_shape == (200, 3)
    assert spec.window == (11, 11)
    assert spec.num_actions == 14
    assert spec.action_names[:6] == ("noop", "move_north", "move_south", "move_west", "move_east", "attack_0")
    ids = [feature.id for feature in spec.features]
    assert ids == sorted(set(ids))
    by_name = {feature.name: feature for feature in spec.features}
    assert {f.name for f in spec.features if f.kind == "categorical"} == {
        "type_id",
        "agent:group",
        "agent:orientation",
        "last_action",
    }
    assert by_name["inv:heart"].id == 17
    assert (by_name["last_reward"].zero_point, by_name["last_reward"].normalization) == (128, 100)
    assert by_name["type_id"].num_values == 17
    assert by_name["last_action"].num_values == 14
    assert by_name["episode_completion_pct"].scope == "global"


def test_switched_off_tokens_leave_the_table() -> None:
    game = {"game.obs.episode_completion_pct": False, "game.obs.last_action": False, "game.obs.last_reward": False}
    spec = env_spec(make_arena().replace(game))
    assert all(feature.scope == "cell" for feature in spec.features)


def test_window_is_height_first() -> None:
    assert env_spec(make_arena().replace({"game.obs.width": 5, "game.obs.height": 7})).window == (7, 5)


def test_spec_does_not_depend_on_seedless_details() -> None:
    """A policy may move between the arena and its peaceful or larger variant."""
    arena = env_spec(make_arena(24))
    for other in (make_arena(6), make_arena(combat=False)):
        assert arena.differences(env_spec(other)) == []
        assert arena.digest() == env_spec(other).digest()


def test_the_arena_keeps_its_digest() -> None:
    """Policies saved before an observation was added still fit: a feature is listed only where it can be seen."""
    assert env_spec(make_arena()).digest() == "7eee2d85d740a0f2da220c7ba02ae8b2b2a24ad698a7f542cad3c79b693ee9e0"


def test_a_box_has_a_plane_for_agents_and_one_for_each_feature() -> None:
    spec = env_spec(make_arena().replace({"game.obs.kind": "box", "game.obs.visitation_counts": True}))
    assert spec.channels == ("agent", *(feature.name for feature in spec.features))
    assert spec.obs_shape == (len(spec.channels), 11, 11)
    assert "visitation_counts" in spec.channels
    assert spec.digest() != env_spec(make_arena()).digest()


def test_a_global_state_has_the_size_of_the_map() -> None:
    game = make_arena().replace({"game.obs.global_state": True})
    spec = env_spec(game)
    assert spec.state_shape == (len(spec.state_channels), game.game.map.height, game.game.map.width)
    assert spec.state_channels[0] == "agent:id"
    assert spec.digest() == env_spec(make_arena()).digest()
