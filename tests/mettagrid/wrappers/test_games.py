"""Games by name."""

from __future__ import annotations

import pytest

from metta.common.errors import ConfigError
from metta.mettagrid.builder.envs import make_arena
from metta.mettagrid.wrappers.games import GAMES, resolve_game


@pytest.mark.parametrize("name", GAMES)
def test_every_name_makes_a_game_of_one_agent(name: str) -> None:
    cfg = resolve_game(name, max_steps=17)
    assert (cfg.label, cfg.game.num_agents, cfg.game.max_steps) == (name, 1, 17)


def test_a_config_stays_what_it_is() -> None:
    cfg = make_arena(3)
    assert resolve_game(cfg) is cfg
    assert resolve_game(cfg, num_agents=3) is cfg
    with pytest.raises(ConfigError, match="num_agents=2, but the game 'arena' has 3 agents"):
        resolve_game(cfg, num_agents=2)


def test_an_unknown_name_gets_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"'arenna' is unknown.*Did you mean 'arena'"):
        resolve_game("arenna")
