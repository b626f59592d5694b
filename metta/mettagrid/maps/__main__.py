"""``python -m metta.mettagrid.maps preview NAME``: a named map as text and as PNG; ``list`` names them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from metta.common.errors import ConfigError, ExitCode, MettaError
from metta.common.suggest import did_you_mean
from metta.mettagrid.config.limits import MAX_AGENTS
from metta.mettagrid.maps.map_config import MapConfig
from metta.mettagrid.maps.named import game_names, map_names, named_game, named_map
from metta.mettagrid.maps.picture import as_text, draw_map, save_picture

_AGENTS_WITHOUT_GAME = 24
_LARGEST_CELL = 64
_LARGEST_SIDE = 8192


def main(argv: Sequence[str] | None = None) -> int:
    """Exit codes: 0 done, 1 the map cannot be drawn, 2 usage or config."""
    parser = argparse.ArgumentParser(prog="python -m metta.mettagrid.maps", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="names of maps and games")
    preview = commands.add_parser("preview", help="draw one")
    preview.add_argument("name", help="a map of configs/maps, a game of configs/game, or a path to a map's YAML file")
    preview.add_argument("--seed", type=_number(0, 2**64 - 1), default=0)
    preview.add_argument("--agents", type=_number(0, MAX_AGENTS), help="for maps that leave the number to the game")
    preview.add_argument("--png", type=Path, help="where to write the picture (default: train_dir/maps/<name>.png)")
    preview.add_argument(
        "--cell",
        type=_number(2, _LARGEST_CELL),
        default=14,
        help=f"pixels a cell; fewer where a side would pass {_LARGEST_SIDE}",
    )
    arguments = parser.parse_args(argv)
    if arguments.command == "list":
        print("maps: ", ", ".join(map_names()))
        print("games:", ", ".join(game_names()))
        return 0
    try:
        config, agents = _find(arguments.name, arguments.agents)
        drawing = draw_map(config, agents, arguments.seed)
    except MettaError as error:
        print(f"Error: {error}", file=sys.stderr)
        return error.exit_code
    path = arguments.png or Path("train_dir") / "maps" / f"{Path(arguments.name).stem}.png"
    try:
        save_picture(drawing, path, min(arguments.cell, _LARGEST_SIDE // max(config.width, config.height)))
    except (OSError, ValueError) as error:
        print(f"Error: --png {path}: {error}. Name a .png file in a folder that can be written.", file=sys.stderr)
        return ExitCode.FAILED
    print(as_text(drawing))
    print(f"{config.type} map, {config.width}x{config.height}, seed {arguments.seed}: {path}")
    return 0


def _number(least: int, most: int) -> Callable[[str], int]:
    """A parser of whole numbers within bounds, for argparse."""

    def parse(text: str) -> int:
        if not text.isdecimal() or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"{text}: expected a whole number {least} .. {most}")
        return int(text)

    return parse


def _find(name: str, num_agents: int | None) -> tuple[MapConfig, int]:
    """The map and how many agents it is to hold; 0 for maps that say it themselves."""
    if name in game_names() and name not in map_names():
        game = named_game(name).game
        return game.map, game.num_agents
    if name not in map_names() and Path(name).suffix not in (".yaml", ".yml"):
        maps, games = map_names(), game_names()
        raise ConfigError(
            f"No map or game {name!r}.{did_you_mean(name, (*maps, *games))} Known maps: {', '.join(maps)}; games: "
            f"{', '.join(games)}; or a path to a map's YAML file."
        )
    config = named_map(name)
    default = _AGENTS_WITHOUT_GAME if config.type in ("random", "rooms") else 0
    return config, default if num_agents is None else num_agents


if __name__ == "__main__":
    sys.exit(main())
