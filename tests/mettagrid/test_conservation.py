"""Resources are conserved: what agents, converters and chests hold changes only by what recipes and prices say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from math import ceil, floor
from typing import Any

from hypothesis import given

from metta.mettagrid.config.game import GameConfig, MettaGridConfig
from metta.mettagrid.config.objects import AssemblerConfig, ConverterConfig, DoorConfig, PlantConfig
from tests.mettagrid.strategies import Play, games
from tests.mettagrid.test_properties import PLAYS, SEEDS, amounts, few, make, step

Items = Sequence[Mapping[str, Any]]


class Books:
    """The least and the most that may be held together, of each resource.

    They differ where chance or an agent's room decides: fractions of prices, what is made or given as far as it fits.
    """

    def __init__(self, held: Mapping[str, int]) -> None:
        self.least, self.most = Counter(held), Counter(held)

    def add(self, units: Mapping[str, float], times: int = 1, least: int | None = None) -> None:
        """``units`` come ``times`` over; ``least``: but perhaps only so many times."""
        for name, number in units.items():
            fewest, all_of_it = times if least is None else least, times
            bounds = [
                floor(number) * fewest,
                ceil(number) * fewest,
                floor(number) * all_of_it,
                ceil(number) * all_of_it,
            ]
            self.least[name] += min(bounds)
            self.most[name] += max(bounds)


def owned(game: GameConfig, objects: Items) -> Counter[str]:
    """All that is held; the stock of plants is still nobody's."""
    return amounts([item for item in objects if not isinstance(game.objects.get(str(item["type"])), PlantConfig)])


def book_recipes(game: GameConfig, before: Items, after: Items, books: Books) -> None:
    """Conversions and assemblies of the step between."""
    was = {(item["r"], item["c"], item["type"]): item for item in before}
    for item in after:
        config, old = game.objects.get(str(item["type"])), was.get((item["r"], item["c"], item["type"]))
        if isinstance(config, ConverterConfig) and old is not None:
            if old["conversion_remaining"] == 1:
                books.add(config.output_resources)
            if old["conversion_remaining"] <= 1 and item["conversion_remaining"]:
                books.add(config.input_resources, -1)
        if isinstance(config, AssemblerConfig) and old is not None and item["uses"] > old["uses"]:
            recipe, uses = config.recipes[old["current_recipe"]], item["uses"] - old["uses"]
            books.add(recipe.input_resources, -uses)
            books.add(recipe.output_resources, uses, least=0)  # what nobody has room for is not made


def book_actions(game: GameConfig, stats: Mapping[str, int], books: Books) -> None:
    """What an episode's actions cost and gave."""
    for family in game.actions.families():
        prices: Mapping[str, float] = getattr(getattr(game.actions, family), "consumed_resources", {})
        books.add(prices, -stats[f"action.{family}.success"])
    books.add(game.actions.attack.defense_resources, -stats.get("attack.blocked", 0))
    books.add({game.actions.shield.resource: -stats.get("shield.upkeep", 0) - stats.get("shield.damage", 0)})
    books.add(game.actions.pick_block.returned_resources, stats.get("action.pick_block.success", 0), least=0)
    for name, thing in game.objects.items():
        if isinstance(thing, DoorConfig) and thing.consumes_key:
            books.add(thing.key_resources, -stats[f"object.{name}.used"])
        if isinstance(thing, PlantConfig):
            harvests = stats[f"object.{name}.used"]
            books.add({thing.resource: 1}, harvests * thing.harvest, least=harvests)
        if isinstance(thing, ConverterConfig):
            books.add(thing.use_cost, -stats["action.move.success"], least=0)


def all_or_nothing(game: GameConfig) -> GameConfig:
    """Assemblers do whole recipes only: how much of one a use did is not shown."""
    objects = {
        name: thing.replace({"allow_partial_usage": False}) if isinstance(thing, AssemblerConfig) else thing
        for name, thing in game.objects.items()
    }
    return game.replace({"objects": objects, "max_steps": 25})


@few
@given(games(with_systems=False) | games(with_systems=False, every_action=True), SEEDS, PLAYS)
def test_resources_are_conserved(config: MettaGridConfig, seed: int, play_seed: int) -> None:
    """At an episode's end: held = start + made - used by recipes - paid for actions, keys and defense."""
    game = all_or_nothing(config.game)
    env, play = make(MettaGridConfig(game=game), seed), Play(play_seed)
    before = env.grid_objects(0)
    books = Books(owned(game, before))
    for _ in range(25):
        step(env, play)
        after = env.grid_objects(0)
        book_recipes(game, before, after, books)
        before = after
    (record,) = env.drain_episodes()
    book_actions(game, {name: int(values.sum()) for name, values in record.agent_stats.items()}, books)
    held = owned(game, before)
    for name in game.resource_names:
        assert books.least[name] <= held[name] <= books.most[name], name
    env.close()
