"""Maps a second from the native generators, and what a reset costs. Prints one JSON line.

    python benchmarks/maps.py [--game arena | --map caves] [--seconds 0.5] [--rounds 5]

``maps_per_s``: maps drawn on one core, without an environment. ``reset_us``: a whole reset of one environment with its
generation, observations and masks. ``reset_ready_us``: the same from a ready map, a drawn one of the same size.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from metta.mettagrid.compile_game import compile_game
from metta.mettagrid.config.game import MettaGridConfig
from metta.mettagrid.maps.named import named_game, named_map
from metta.mettagrid.maps.picture import as_text, draw_map
from metta.mettagrid.vec_env import make_vec_env
from metta.mettagrid.vec_env_config import VecEnvConfig

_ENVS = 64


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--game", default="arena", help="a game of configs/game")
    parser.add_argument("--map", help="a map of configs/maps, instead: only maps_per_s is measured")
    parser.add_argument("--seconds", type=float, default=0.5, help="seconds a round")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    line: dict[str, object] = {"name": "maps", "machine": platform.machine(), "rounds": arguments.rounds}
    if arguments.map:
        config = named_map(arguments.map)
        rate = 1 / _measure(lambda: draw_map(config), 1, arguments.seconds, arguments.rounds)
        print(json.dumps(line | {"map": arguments.map, "maps_per_s_with_compiling": round(rate, 1)}))
        return
    game = named_game(arguments.game)
    program = compile_game(game)
    count = 200
    drawn = _measure(lambda: program.draw_maps(seed=0, count=count), count, arguments.seconds, arguments.rounds)
    line |= {"game": arguments.game, "agents": game.game.num_agents}
    line |= {"width": game.game.map.width, "height": game.game.map.height, "maps_per_s": round(1 / drawn)}
    line |= {"reset_us": _reset_us(game, arguments), "reset_ready_us": _reset_us(_ready(game), arguments)}
    print(json.dumps(line))


def _ready(game: MettaGridConfig) -> MettaGridConfig:
    """The same game on a map that is drawn once and for all."""
    rows = as_text(draw_map(game.game.map, game.game.num_agents)).split("\n\n")[0].split("\n")
    return game.replace({"game.map": {"type": "ascii", "rows": rows}})


def _reset_us(game: MettaGridConfig, arguments: argparse.Namespace) -> float:
    batch = VecEnvConfig(env=game, num_envs=_ENVS, num_threads=1, num_slots=1, desync_episodes=False)
    env = make_vec_env(batch, seed=0)

    def reset() -> None:
        env.reset(0)
        env.recv(0)

    seconds = _measure(reset, _ENVS, arguments.seconds, arguments.rounds)
    env.close()
    return round(seconds * 1e6, 2)


def _measure(call: Callable[[], object], items: int, seconds: float, rounds: int) -> float:
    """Seconds an item: the median of the rounds."""
    call()
    found: list[float] = []
    for _ in range(rounds):
        start, calls = time.perf_counter(), 0
        while (passed := time.perf_counter() - start) < seconds:
            call()
            calls += 1
        found.append(passed / (calls * items))
    return statistics.median(found)


if __name__ == "__main__":
    main()
