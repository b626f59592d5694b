"""Named maps and games: the files of ``configs/maps/`` and ``configs/game/``."""

from __future__ import annotations

from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from metta.common.config_faults import describe_validation_error
from metta.common.errors import ConfigError
from metta.common.suggest import did_you_mean
from metta.common.yaml_file import read_yaml
from metta.mettagrid.config.game import MettaGridConfig
from metta.mettagrid.maps.map_config import MapConfig

_CONFIGS = Path(__file__).parents[3] / "configs"


def map_names() -> tuple[str, ...]:
    """Maps that ``named_map`` knows.

    >>> "arena" in map_names()
    True
    """
    return _names("maps")


def game_names() -> tuple[str, ...]:
    """Games that ``named_game`` knows."""
    return _names("game")


def named_map(name: str) -> MapConfig:
    """The map of ``configs/maps/<name>.yaml``, or of a YAML file that ``name`` is the path of.

    >>> named_map("arena").width
    62

    Raises:
        ConfigError: no such map; the message names the nearest. Or a file that describes none.
    """
    path = _path(name, "maps", "map")
    tree = read_yaml(path)
    try:
        return TypeAdapter[MapConfig](MapConfig).validate_python(tree)
    except ValidationError as error:
        raise ConfigError(f"{path} describes no map: {describe_validation_error(error, tree)}") from error


def named_game(name: str) -> MettaGridConfig:
    """The game of ``configs/game/<name>.yaml``, or of a YAML file that ``name`` is the path of.

    >>> named_game("navigation").game.num_agents
    8

    Raises:
        ConfigError: no such game; the message names the nearest. Or a file that describes none.
    """
    path = _path(name, "game", "game")
    tree = read_yaml(path)
    try:
        return MettaGridConfig.model_validate(tree)
    except ConfigError as error:
        raise ConfigError(f"{path} describes no game: {error}") from error


def _names(group: str) -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in (_CONFIGS / group).glob("*.yaml")))


def _path(name: str, group: str, what: str) -> Path:
    if name in _names(group):
        return _CONFIGS / group / f"{name}.yaml"
    path = Path(name).expanduser()
    if path.suffix in (".yaml", ".yml") and path.is_file():
        return path
    known = _names(group)
    raise ConfigError(
        f"No {what} {name!r}.{did_you_mean(name, known)} Known: {', '.join(known)}; or a path to a YAML file."
    )
