"""Plays a short scripted game and writes down everything that happened: golden tests, documentation, bug reports.

A script is plain text::

    Mining: using a mine takes its ore.

    seed 3
    set game.objects.mine_red.cooldown = 4
    show observations           (also: show window, each agent's view drawn)
    map
    ####
    #@m#
    ####
    do move_east
    do move_east noop 2      (a number repeats the line)

The base game is the arena; ``set`` changes dotted keys of its config to JSON values; the map gives the number of
agents. A ``do`` line names one action an agent. Everything after a line of ``=`` is output.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metta.common.env_spec import GLOBAL_LOCATION, PADDING, EnvSpec
from metta.common.errors import ConfigError
from metta.common.suggest import did_you_mean
from metta.common.vector_env import StepBatch
from metta.mettagrid.builder.envs import make_arena
from metta.mettagrid.config.game import MettaGridConfig
from metta.mettagrid.render.ansi import ARROWS, ascii_map
from metta.mettagrid.render.window import draw_window
from metta.mettagrid.vec_env import VecEnv, make_vec_env
from metta.mettagrid.vec_env_config import VecEnvConfig

SEPARATOR = "=" * 60
_SHOWN_IF_SET = ("open", "conversion_remaining", "cooldown_remaining", "remaining_uses")


@dataclass(frozen=True, slots=True)
class Script:
    """A parsed script. ``actions[t][a]`` is the name of agent a's action at step t."""

    text: str
    config: MettaGridConfig
    seed: int
    actions: tuple[tuple[str, ...], ...]
    show_observations: bool
    show_window: bool


def parse_script(text: str) -> Script:
    """Read a script; output that follows it is ignored.

    Raises:
        ConfigError: a line that is no directive, or a game that the config refuses.
    """
    head = text.split(SEPARATOR, 1)[0].strip()
    title, *lines = head.splitlines()
    changes: dict[str, Any] = {}
    rows: list[str] = []
    steps: list[tuple[str, ...]] = []
    seed, shown, drawing = 0, set[str](), False
    for number, line in enumerate(lines, start=2):
        word, _, rest = line.partition(" ")
        if word == "do":
            drawing = False
            steps += _repeated(rest.split())
        elif drawing:
            rows.append(line)
        elif word == "map":
            drawing = True
        elif word == "set":
            key, _, value = rest.partition(" = ")
            changes[key] = json.loads(value)
        elif word == "seed":
            seed = int(rest)
        elif line in ("show observations", "show window"):
            shown.add(rest)
        elif line:
            directives = ("set", "seed", "map", "do", "show")
            raise ConfigError(
                f"{title!r} line {number}: {line!r} is no directive.{did_you_mean(word, directives)} "
                f"Expected one of {', '.join(directives)}."
            )
    config = _game(title, rows, changes)
    _check_actions(config, steps)
    return Script(head, config, seed, tuple(steps), "observations" in shown, "window" in shown)


def _repeated(words: list[str]) -> list[tuple[str, ...]]:
    times = int(words.pop()) if words and words[-1].isdecimal() else 1
    return [tuple(words)] * times


def _game(title: str, rows: list[str], changes: dict[str, Any]) -> MettaGridConfig:
    legend = changes.pop("legend", {})
    label = title.partition(":")[0].strip().lower().replace(" ", "_")
    drawn = {"type": "ascii", "rows": tuple(row for row in rows if row.strip()), "legend": legend}
    agents = sum(row.count("@") for row in rows) + sum(
        row.count(char) for char, cell in legend.items() for row in rows if cell.startswith("agent")
    )
    return make_arena().replace({"label": label, "game.map": drawn, "game.num_agents": agents} | changes)


def _check_actions(config: MettaGridConfig, steps: Sequence[tuple[str, ...]]) -> None:
    names = config.game.actions.names()
    for step, actions in enumerate(steps, start=1):
        if len(actions) != config.game.num_agents:
            raise ConfigError(
                f"{config.label}: step {step} has {len(actions)} actions {actions} for the {config.game.num_agents} "
                "agents of the map. Name one action an agent."
            )
        for action in actions:
            if action not in names:
                raise ConfigError(f"{config.label}: step {step}: unknown {action!r}.{did_you_mean(action, names)}")


def play_script(script: Script) -> str:
    """The script and its playthrough, as text that ends with a newline."""
    config = VecEnvConfig(env=script.config, num_envs=1, num_threads=1, num_slots=1, desync_episodes=False)
    env = make_vec_env(config, script.seed)
    try:
        return "\n".join([script.text, SEPARATOR, *_played(env, script)]).rstrip() + "\n"
    finally:
        env.close()


def _played(env: VecEnv, script: Script) -> Iterator[str]:
    names = env.spec.action_names
    yield "start"
    yield from _state(env, env.recv(0), script)
    for number, step in enumerate(script.actions, start=1):
        env.send(0, np.array([names.index(action) for action in step], dtype=np.int32))
        batch = env.recv(0)
        outcomes = [
            "reset" if first else "ok" if ok else "failed"
            for first, ok in zip(batch.first, env.action_success, strict=True)
        ]
        acts = [
            f"{agent} {action} {outcome}" for agent, (action, outcome) in enumerate(zip(step, outcomes, strict=True))
        ]
        yield f"\nstep {number}: {', '.join(acts)}"
        yield from _state(env, batch, script)
    for record in env.drain_episodes():
        rewards = " ".join(_number(reward) for reward in record.rewards)
        yield f"\nepisode {record.episode}: length {record.length}, rewards {rewards}"
        for name, values in sorted(record.agent_stats.items()):
            if np.any(values):
                yield f"  {name}: {' '.join(_number(value) for value in values)}"


def _state(env: VecEnv, batch: StepBatch, script: Script) -> Iterator[str]:
    map_config = script.config.game.map
    objects = env.grid_objects(0)
    drawn = ascii_map(objects, map_config.width, map_config.height).splitlines()
    here = {int(item["agent_id"]): item for item in objects if item["type"] == "agent"}
    agents = range(script.config.game.num_agents)
    facts = [_agent_line(agent, here.get(agent), batch) for agent in agents]
    facts += [_object_line(item) for item in objects if item["type"] != "agent" and "inventory" in item]
    for i in range(max(len(drawn), len(facts))):
        left = drawn[i] if i < len(drawn) else ""
        yield f"{left:{len(drawn[0])}}  {facts[i] if i < len(facts) else ''}".rstrip()
    for agent in agents:
        if batch.action_mask is not None:
            allowed = [name for name, bit in zip(env.spec.action_names, batch.action_mask[agent], strict=True) if bit]
            yield f"may {agent}: {' '.join(allowed)}"
    if script.show_observations:
        for agent in agents:
            yield f"sees {agent}: {'; '.join(describe_tokens(batch.observations[agent], env.spec))}"
    if script.show_window:
        types = {thing.type_id: name for name, thing in script.config.game.objects.items()}
        for agent in range(len(agents)):
            yield f"window {agent}:"
            yield from (f"  {line}" for line in draw_window(batch.observations[agent], env.spec, types))


def _agent_line(agent: int, item: Mapping[str, Any] | None, batch: StepBatch) -> str:
    """``item`` is none while the agent is off the grid."""
    where = ARROWS[int(item["orientation"])] if item else "away"
    parts = [f"agent {agent} {where}", f"reward {_number(batch.rewards[agent])}"]
    if item and item["frozen"]:
        parts.append(f"frozen {item['frozen']}")
    if item:
        parts += [f"{key} {int(item[key])}" for key in ("color", "glyph", "shield") if item[key]]
        parts += [f"{name} {amount}" for name, amount in item["inventory"].items() if amount]
    ends = (("terminated", batch.terminated), ("truncated", batch.truncated), ("first", batch.first))
    return ", ".join(parts + [name for name, flags in ends if flags[agent]])


def _object_line(item: Mapping[str, Any]) -> str:
    parts = [f"{item['type']} ({item['r']},{item['c']})"]
    parts += [f"{name} {amount}" for name, amount in item["inventory"].items() if amount]
    parts += [key if item[key] is True else f"{key} {item[key]}" for key in _SHOWN_IF_SET if item.get(key)]
    parts += ["clipped"] if item.get("clipped") else []
    return ", ".join(parts)


def _number(value: float) -> str:
    return f"{float(value):.4g}"


def describe_tokens(tokens: NDArray[Any], spec: EnvSpec) -> list[str]:
    """Tokens ``[K, 3] uint8`` in words, padding left out: ``(row,column) feature value`` or ``feature value``.

    >>> from metta.mettagrid.spec import env_spec
    >>> tokens = np.array([[0xFE, 8, 2], [0x55, 0, 1], [0xFF, 0xFF, 0xFF]], dtype=np.uint8)
    >>> describe_tokens(tokens, env_spec(MettaGridConfig()))
    ['last_action 2', '(5,5) type_id 1']
    """
    names = {feature.id: feature.name for feature in spec.features}
    words: list[str] = []
    for location, feature, value in tokens.tolist():
        if location == PADDING:
            break
        where = "" if location == GLOBAL_LOCATION else f"({location >> 4},{location & 15}) "
        words.append(f"{where}{names.get(feature, f'feature {feature}')} {value}")
    return words
