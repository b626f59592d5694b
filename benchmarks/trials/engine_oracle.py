"""Long trial: random games on the native engine and on the slow reference game, compared after each step.

    python benchmarks/trials/engine_oracle.py --seconds 600 --seed 1

Prints one JSON line; a difference ends the trial with the smallest game that shows it. Same seed, same games.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from metta.mettagrid.config.game import MettaGridConfig
from tests.mettagrid.oracle.compare import play_both
from tests.mettagrid.strategies import games
from tests.mettagrid.turnover_strategies import turnovers

GAMES_PER_ROUND = 50
STEPS = 60
ANY_GAME = st.one_of(games(with_goals=True), games(every_action=True), turnovers())


def play_round(number: int) -> None:
    """Play the games of one round.

    Raises:
        AssertionError: the engine and the reference differ; hypothesis prints the game.
    """

    @seed(number)
    @settings(max_examples=GAMES_PER_ROUND, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
    @given(ANY_GAME, st.integers(0, 2**63 - 1), st.integers(0, 2**32 - 1), st.booleans())
    def compare(config: MettaGridConfig, game_seed: int, play_seed: int, same_step: bool) -> None:
        play_both(config, game_seed, play_seed, STEPS, every_mask=True, same_step=same_step)

    compare()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600.0, help="no round starts after so many seconds")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    start, rounds = time.monotonic(), 0
    while time.monotonic() - start < arguments.seconds:
        play_round(arguments.seed * 1_000_000 + rounds)
        rounds += 1
    seconds = round(time.monotonic() - start, 1)
    print(
        json.dumps(
            {"name": "engine_oracle", "seed": arguments.seed, "games": rounds * GAMES_PER_ROUND, "seconds": seconds}
        )
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
