"""Navigation: find the way around obstacles to altars that give hearts."""

from __future__ import annotations

from metta.common.errors import ConfigError
from metta.mettagrid.config.agent import AgentConfig
from metta.mettagrid.config.game import GameConfig, MettaGridConfig
from metta.mettagrid.config.limits import MAX_AGENTS
from metta.mettagrid.config.objects import ConverterConfig, WallConfig
from metta.mettagrid.config.rewards import RewardsConfig
from metta.mettagrid.maps.legend import AGENT
from metta.mettagrid.maps.scene_config import ChildConfig
from metta.mettagrid.maps.scene_map import SceneMapConfig
from metta.mettagrid.maps.scenes.scatter import RandomScene, TerrainScene

ALTARS_PER_AGENT = 2
ALTAR_COOLDOWN = 100
"""Steps from heart to heart of an altar: longer than the way to the next one, so that it pays to walk."""
CELLS_PER_AGENT = 72


def make_navigation(num_agents: int = 8) -> MettaGridConfig:
    """Agents walk between altars on a random map with obstacles; an altar has a heart every 100 steps.

    The map grows with the number of agents; every altar is within everyone's reach.

    Args:
        num_agents: agents in one environment.

    Raises:
        ConfigError: fewer than one agent, or more than a game can have.

    >>> make_navigation().game.map.width
    36
    """
    if not 1 <= num_agents <= MAX_AGENTS:
        raise ConfigError(f"num_agents={num_agents}: expected 1 to {MAX_AGENTS}.")
    side = 2 + round((num_agents * CELLS_PER_AGENT) ** 0.5)
    things = RandomScene(agents={AGENT: num_agents}, objects={"altar": ALTARS_PER_AGENT * num_agents})
    game = GameConfig(
        profile="use",
        resource_names=("heart",),
        num_agents=num_agents,
        max_steps=500,
        agent=AgentConfig(default_resource_limit=255, rewards=RewardsConfig(inventory={"heart": 1.0})),
        objects={
            "wall": WallConfig(type_id=1),
            "altar": ConverterConfig(type_id=8, output_resources={"heart": 1}, max_output=1, cooldown=ALTAR_COOLDOWN),
        },
        map=SceneMapConfig(
            instance_width=side,
            instance_height=side,
            scene=TerrainScene(style="balanced", children=(ChildConfig(scene=things),)),
            connectivity="repair",
        ),
    )
    return MettaGridConfig(label="navigation", game=game)
