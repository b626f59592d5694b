"""Bad input, kind by kind: each is a named error that says what, where, what was expected and how to mend it.

The engine is asked twice: through the config classes, as users do, and with the bare data, as a foreign caller might.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np
import pytest
import torch

from metta.common.errors import ConfigError, EnvError, MettaError, ShapeContractError
from metta.mettagrid import _core
from metta.mettagrid.builder.envs import make_arena
from metta.mettagrid.compile_game import compile_game
from metta.mettagrid.vec_env import VecEnv, make_vec_env
from metta.mettagrid.vec_env_config import VecEnvConfig

ARENA = make_arena(6)

CONFIGS: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "unknown resource": (
        {"game.objects.altar.input_resources": {"batery_red": 1}},
        ("game.objects.altar.input_resources", "'batery_red'", "Did you mean 'battery_red'?", "game.resource_names"),
    ),
    "recipe of nothing": (
        {"game.objects.altar.input_resources": {"battery_red": 0}},
        ("input_resources.battery_red=0", "expected 1 .. 65535", "Change or remove"),
    ),
    "recipe beyond the largest amount": (
        {"game.objects.altar.output_resources": {"heart": 65_536}},
        ("output_resources.heart=65536", "expected 1 .. 65535"),
    ),
    "recipe that gives back what it takes": (
        {"game.objects.altar.output_resources": {"battery_red": 2}},
        ("battery_red", "inputs and outputs", "Remove"),
    ),
    "recipe that can never start": (
        {"game.objects.altar.max_output": 0},
        ("max_output=0", "never start", "Set max_output>=1 or -1"),
    ),
    "recipe of what nobody can carry": (
        {"game.agent.resource_limits": {"heart": 0}},
        ("game.objects.altar.output_resources.heart=1", "Raise game.agent.resource_limits.heart"),
    ),
    "map with too few agents": (
        {"game.map": {"type": "ascii", "rows": ("@.@",)}},
        ("draws 2 agents", "game.num_agents=6", "Set game.num_agents=2"),
    ),
    "map with too many agents": (
        {"game.map": {"type": "ascii", "rows": ("@@@@@@@@",)}},
        ("draws 8 agents", "game.num_agents=6", "Set game.num_agents=8"),
    ),
    "map without room for its agents": (
        {"game.map": {"type": "random", "width": 4, "height": 4, "objects": {}}},
        ("6 agents", "4 free cells", "game.map.width"),
    ),
    "unknown symbol": (
        {"game.map": {"type": "ascii", "rows": ("@@@@@@?",)}},
        ("map.rows[0] has '?' at column 6", "map.legend"),
    ),
    "symbol of an unknown object": (
        {"game.map": {"type": "ascii", "rows": ("@@@@@@x",), "legend": {"x": "altr"}}},
        ("game.map.legend.x", "'altr'", "Did you mean 'altar'?"),
    ),
    "symbol of an unknown group": (
        {"game.map": {"type": "ascii", "rows": ("@@@@@b",), "legend": {"b": "agent.blue"}}},
        ("game.map.legend.b", "'blue'", "game.groups"),
    ),
    "ragged rows": (
        {"game.map": {"type": "ascii", "rows": ("@@@@@@", "..")}},
        ("map.rows[1] has 2 characters", "expected 6"),
    ),
    "map too wide": ({"game.map": {"type": "random", "width": 1025, "height": 5}}, ("width", "1024")),
    "too many agents": ({"game.num_agents": 1025}, ("num_agents", "1024")),
    "no agents": ({"game.num_agents": 0}, ("num_agents", "1")),
    "too many resources": (
        {"game.resource_names": tuple(f"r{i}" for i in range(239))},
        ("resource_names", "238"),
    ),
    "a window too large": ({"game.obs.width": 17}, ("width", "15")),
    "a window without a centre": ({"game.obs.width": 10}, ("obs.width=10", "odd")),
    "too many tokens": ({"game.obs.num_tokens": 4097}, ("num_tokens", "4096")),
    "an endless negative episode": ({"game.max_steps": -1}, ("max_steps", "0")),
    "a limit beyond the largest amount": ({"game.agent.resource_limits": {"heart": 70_000}}, ("heart", "65535")),
    "more at the start than can be held": (
        {"game.agent.initial_inventory": {"ore_red": 51}},
        ("initial_inventory.ore_red=51", "limit of 50"),
    ),
    "a negative price": ({"game.actions.attack.consumed_resources": {"laser": -1}}, ("laser=-1", "65535")),
    "a reward for an unknown statistic": (
        {"game.agent.rewards.stats": {"heart.gaind": 1.0}},
        ("rewards.stats", "'heart.gaind'"),
    ),
    "a reward beyond all bounds": (
        {"game.agent.rewards.inventory": {"heart": 1e300}},
        ("rewards.inventory.heart=1e+300", "expected -1e+06 .. 1e+06"),
    ),
    "a reward that is no number": ({"game.agent.rewards.stats": {"heart.gained": float("nan")}}, ("heart.gained=nan",)),
    "a cap beyond all bounds": (
        {"game.agent.rewards.inventory_max": {"heart": 1e300}},
        ("rewards.inventory_max.heart=1e+300", "to lift a cap, remove it"),
    ),
    "a term's weight beyond all bounds": (
        {"game.agent.rewards.terms": {"x": {"resource": "heart", "weight": -1e300}}},
        ("terms.x.weight", "-1000000"),
    ),
    "a term's cap beyond all bounds": (
        {"game.agent.rewards.terms": {"x": {"resource": "heart", "cap": float("inf")}}},
        ("terms.x.cap", "1000000"),
    ),
    "a term's floor beyond all bounds": (
        {"game.agent.rewards.terms": {"x": {"resource": "heart", "floor": -1e300}}},
        ("terms.x.floor", "-1000000"),
    ),
    "a penalty beyond all bounds": (
        {"game.agent.action_failure_penalty": 1e300},
        ("action_failure_penalty", "1000000"),
    ),
    "shares of rewards beyond all bounds": (
        {"game.reward_sharing": [[1e300] * 6] * 6},
        ("game.reward_sharing holds 1e+300", "expected -1e+06 .. 1e+06"),
    ),
    "a goal beyond all bounds": (
        {"game.terminate_when": {"heart.amount": 1e300}},
        ("terminate_when.heart.amount=1e+300", "at most 1e+15"),
    ),
    "a fraction of a price that is no number": (
        {"game.actions.attack.consumed_resources": {"laser": float("nan")}},
        ("consumed_resources.laser=nan", "65535"),
    ),
    "a resource shared twice": (
        {"game.actions.share": {"enabled": True, "shareable_resources": ("heart", "laser", "heart")}},
        ("actions.share.shareable_resources[2]='heart' is listed twice",),
    ),
    "a soul-bound resource twice": (
        {"game.agent.soul_bound_resources": ("heart", "heart")},
        ("agent.soul_bound_resources[1]='heart' is listed twice",),
    ),
    "a resource twice in a shared limit": (
        {"game.agent.shared_limits": {"both": {"limit": 9, "resources": ("heart", "heart")}}},
        ("resources[1]='heart' is listed twice",),
    ),
    "an object to clip twice": (
        {"game.systems.clipper": {"objects": ("altar", "altar"), "rate": 0.5, "unclipping_resources": {"laser": 1}}},
        ("systems.clipper.objects[1]='altar' is listed twice",),
    ),
    "a side of a chest twice": (
        {"game.objects.chest": {"type": "chest", "resource": "heart", "deposit_positions": ("N", "N")}},
        ("deposit_positions[1]='N' is listed twice",),
    ),
    "counts of groups that do not add up": (
        {"game.groups.agent": {"id": 0, "count": 5}},
        ("sum to 5", "game.num_agents=6"),
    ),
    "more actions than a byte counts": (
        {"game.actions.change_glyph": {"enabled": True, "number_of_glyphs": 255}},
        ("actions have 269 variants", "255 of them from actions.change_glyph", "at most 256"),
    ),
    "an unknown key": ({"game.agnt": 1}, ("'game.agnt'", "Did you mean 'agent'?")),
}


@pytest.mark.parametrize(("changes", "parts"), CONFIGS.values(), ids=CONFIGS.keys())
def test_config(changes: dict[str, Any], parts: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError) as caught:
        ARENA.replace(changes)
    for part in parts:
        assert part in str(caught.value)


@pytest.mark.parametrize("kind", CONFIGS)
def test_the_bare_engine_refuses_it_too(kind: str) -> None:
    """No config class stands in between: the engine must find it itself, and must not crash or build half a game."""
    game = ARENA.game.model_dump(mode="json")
    for path, value in CONFIGS[kind][0].items():
        *parents, leaf = path.split(".")[1:]
        node = game
        for name in parents:
            node = node[name]
        node[leaf] = value
    if kind in ("recipe that can never start", "recipe of what nobody can carry"):
        assert _core.GameProgram(game).num_agents == 6  # useless, but sound: only users are warned
        return
    with pytest.raises(MettaError, match=r"\w"):
        _core.GameProgram(game)


def make() -> VecEnv:
    return make_vec_env(VecEnvConfig(env=ARENA, num_envs=2, num_slots=1, num_threads=1), seed=0)


ACTIONS: dict[str, tuple[Any, tuple[str, ...]]] = {
    "dtype": (np.zeros(12, np.int64), ("actions is int64[12]", "expected int32[12]", "actions.astype(numpy.int32)")),
    "shape": (np.zeros(6, np.int32), ("actions is int32[6]", "expected int32[12]", "environments times agents")),
    "dimensions": (np.zeros((2, 6), np.int32), ("int32[2, 6]", "expected int32[12]")),
    "contiguity": (np.zeros(24, np.int32)[::2], ("not C-contiguous", "numpy.ascontiguousarray")),
    "byte order": (np.zeros(12, np.dtype(">i4")), ("actions is >i4[12]", "expected int32[12]")),
    "device": (torch.zeros(12, dtype=torch.int32, device="meta"), ("actions is a Tensor", "tensor.numpy()")),
    "a list": ([0] * 12, ("actions is a list", "expected a numpy array int32[12]")),
    "nothing": (None, ("actions is a NoneType", "expected a numpy array int32[12]")),
}


@pytest.mark.parametrize(("actions", "parts"), ACTIONS.values(), ids=ACTIONS.keys())
def test_actions(actions: Any, parts: tuple[str, ...]) -> None:
    env = make()
    env.recv(0)
    with pytest.raises(ShapeContractError) as caught:
        env.send(0, actions)
    for part in parts:
        assert part in str(caught.value)
    env.send(0, np.zeros(12, dtype=np.int32))  # the batch goes on
    assert env.recv(0).rows == slice(0, 12)
    env.close()


BUFFERS: dict[str, tuple[str, Any, tuple[str, ...]]] = {
    "dtype": ("rewards", np.zeros(12), ("rewards is float64[12]", "expected float32[12]", "astype(numpy.float32)")),
    "shape": (
        "observations",
        np.zeros((12, 10, 3), np.uint8),
        ("observations is uint8[12, 10, 3]", "expected uint8[12, 200, 3]"),
    ),
    "contiguity": (
        "observations",
        np.zeros((12, 200, 6), np.uint8)[:, :, ::2],
        ("not C-contiguous", "numpy.ascontiguousarray"),
    ),
    "writability": ("first", np.broadcast_to(np.zeros(1, np.bool_), 12).copy(), ("read-only", "written")),
    "device": ("rewards", torch.zeros(12, device="meta"), ("rewards is a Tensor", "numpy array float32[12]")),
}


@pytest.mark.parametrize(("name", "array", "parts"), BUFFERS.values(), ids=BUFFERS.keys())
def test_buffers(name: str, array: Any, parts: tuple[str, ...]) -> None:
    native = _core.VecEnv([compile_game(ARENA)], num_envs=2, num_slots=1, num_threads=1, desync_episodes=False)
    if "read-only" in parts:
        array.setflags(write=False)
    buffers: dict[str, Any] = {
        "observations": np.zeros((12, 200, 3), dtype=np.uint8),
        "rewards": np.zeros(12, dtype=np.float32),
        "action_mask": np.zeros((12, 14), dtype=np.bool_),
        "used_tokens": np.zeros(12, dtype=np.uint16),
    } | {flags: np.zeros(12, dtype=np.bool_) for flags in ("terminated", "truncated", "first", "action_success")}
    with pytest.raises(ShapeContractError) as caught:
        native.bind(**{**buffers, name: array})
    for part in parts:
        assert part in str(caught.value)


def test_actions_out_of_range_fail_and_are_counted_once() -> None:
    """Random and learning code may send anything: the step goes on, the record tells."""
    config = ARENA.replace({"game.max_steps": 1})
    env = make_vec_env(VecEnvConfig(env=config, num_envs=1, num_slots=1, num_threads=1, desync_episodes=False), seed=0)
    env.recv(0)
    env.send(0, np.array([-1, 14, 2**31 - 1, -(2**31), 0, 0], dtype=np.int32))
    env.recv(0)
    assert env.action_success.tolist() == [False] * 4 + [True] * 2
    (record,) = env.drain_episodes()
    assert record.agent_stats["action.invalid_index"].tolist() == [1, 1, 1, 1, 0, 0]
    env.close()


def test_a_strict_batch_refuses_actions_out_of_range() -> None:
    env = make()
    env.recv(0)
    with pytest.raises(MettaError, match=r"99.*expected 0 \.\. 13"):
        env.send(0, np.array([0] * 11 + [99], dtype=np.int32), strict=True)
    env.close()


USES: dict[str, Callable[[VecEnv], object]] = {
    "recv": lambda env: env.recv(0),
    "send": lambda env: env.send(0, np.zeros(12, dtype=np.int32)),
    "reset": lambda env: env.reset(0),
    "drain_episodes": lambda env: env.drain_episodes(),
    "snapshot": lambda env: env.snapshot(),
    "restore": lambda env: env.restore({}),
    "grid_objects": lambda env: env.grid_objects(0),
    "render": lambda env: env.render(0),
    "state_hash": lambda env: env.state_hash(0),
    "inventory": lambda env: env.inventory(0),
}


@pytest.mark.parametrize("use", USES.values(), ids=USES.keys())
def test_using_a_closed_batch(use: Callable[[VecEnv], object]) -> None:
    env = make()
    env.close()
    with pytest.raises(EnvError, match=r"'arena'.* was closed\. Make a new one with make_vec_env"):
        use(env)


BATCHES: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "no environments": ({"num_envs": 0}, ("num_envs", "greater than or equal to 1")),
    "uneven slots": ({"num_envs": 3, "num_slots": 2}, ("num_envs=3", "num_slots=2")),
    "negative threads": ({"num_threads": -1}, ("num_threads",)),
}


@pytest.mark.parametrize(("changes", "parts"), BATCHES.values(), ids=BATCHES.keys())
def test_batches(changes: dict[str, Any], parts: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError) as caught:
        VecEnvConfig(env=ARENA, num_envs=2, num_slots=1).replace(changes)
    for part in parts:
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("use", "parts"),
    [
        (lambda env: env.recv(7), ("slot 7 does not exist", "expected 0 .. 0")),
        (lambda env: env.state_hash(2), ("environment 2 does not exist", "expected 0 .. 1")),
        (lambda env: env.render(-1), ("environment -1 does not exist", "expected 0 .. 1")),
        (lambda env: env.fork(0, 2**70), ("does not exist", "expected 0 .. 1")),
        (lambda env: env.set_inventory(0, -1, "heart", 1), ("agent -1 does not exist", "expected 0 .. 5")),
        (lambda env: env.set_inventory(0, 0, "heart", cast(int, 1.5)), ("amount=1.5", "a whole number")),
        (lambda env: env.reset(cast(int, 1.5)), ("seed=1.5", "a whole number")),
        (lambda env: env.reset(cast(int, "a")), ("seed='a'", "system.seed")),
        (lambda env: env.reset(-1), ("seed=-1", "expected 0 .. 2**64 - 1")),
        (lambda env: env.reset(2**64), ("seed=18446744073709551616", "expected 0 .. 2**64 - 1")),
        (lambda env: env.set_inventory(0, 9, "heart", 1), ("agent 9 does not exist", "expected 0 .. 5")),
        (lambda env: env.set_inventory(0, 0, "gold", 1), ("'gold' is no resource", "heart")),
        (lambda env: env.set_inventory(0, 0, "heart", 256), ("255", "got 256", "agent.resource_limits")),
        (lambda env: env.set_inventory(0, 0, "heart", -1), ("amount=-1", "expected 0 .. 65535")),
        (lambda env: env.restore_env(0, b"abc"), ("3 bytes", "another game or engine version")),
        (lambda env: env.restore({"worlds": np.zeros((2, 5), np.uint8)}), ("lacks ['episodes']",)),
    ],
)
def test_use(use: Callable[[VecEnv], object], parts: tuple[str, ...]) -> None:
    env = make()
    env.recv(0)
    with pytest.raises(MettaError) as caught:
        use(env)
    for part in parts:
        assert part in str(caught.value)
    env.send(0, np.zeros(12, dtype=np.int32))
    env.close()
