"""What comes in from other libraries is either a fitting action or a named error."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from gymnasium import spaces
from hypothesis import given
from hypothesis import strategies as st

from metta.common.env_spec import EnvSpec
from metta.common.errors import ConfigError, EnvError, ShapeContractError
from metta.mettagrid.action_table import INVALID, ActionTable
from metta.mettagrid.builder.envs import make_arena
from metta.mettagrid.spec import env_spec
from metta.mettagrid.wrappers.spaces import ActionReader, observation_space

TABLE = ActionTable.from_game(make_arena(1).game)
FLAT, MULTI = ActionReader(TABLE, "flat"), ActionReader(TABLE, "multi")


def test_spaces() -> None:
    assert FLAT.single_space() == spaces.Discrete(14)
    assert MULTI.single_space() == spaces.MultiDiscrete([3, 9])
    assert FLAT.single_space() is not FLAT.single_space()
    assert observation_space(env_spec(make_arena(1))) == spaces.Box(0, 255, (200, 3), np.uint8)
    box = EnvSpec(name="x", obs_kind="box", obs_shape=(4,), obs_dtype="float32", action_names=("a",), num_agents=1)
    assert observation_space(box) == spaces.Box(-np.inf, np.inf, (4,), np.float32)
    with pytest.raises(ConfigError, match="action_space='pairs'"):
        ActionReader(TABLE, "pairs")  # pyright: ignore[reportArgumentType] - the mistake


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32, np.int64, np.uint64])
def test_integers_of_every_width_are_read(dtype: Any) -> None:
    flat = FLAT.read(np.arange(14, dtype=dtype), 14)
    assert flat.dtype == np.int32
    assert flat.tolist() == list(range(14))


def test_a_fitting_array_is_not_copied() -> None:
    actions = np.zeros(5, dtype=np.int32)
    assert FLAT.read(actions, 5) is actions
    strided = np.arange(10, dtype=np.int32)[::2]
    read = FLAT.read(strided, 5)
    assert read.flags.c_contiguous
    assert read.tolist() == strided.tolist()


def test_lists_and_tensors_are_read() -> None:
    assert FLAT.read([1, 2], 2).tolist() == [1, 2]
    assert FLAT.read(torch.tensor([1, 2]), 2).tolist() == [1, 2]


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 8)), min_size=1, max_size=9))
def test_pairs_become_flat_or_invalid(pairs: list[tuple[int, int]]) -> None:
    flat = MULTI.read(np.array(pairs), len(pairs))
    for (family, argument), index in zip(pairs, flat, strict=True):
        if index == INVALID:
            assert argument >= np.count_nonzero(TABLE.families == family)
        else:
            assert TABLE.to_pairs(index).tolist() == [family, argument]
    assert [MULTI.read_one(np.array(pair)) for pair in pairs] == flat.tolist()


@pytest.mark.parametrize(
    ("reader", "actions", "error", "message"),
    [
        (FLAT, np.zeros(3), ShapeContractError, r"actions is float64\[3\], expected integers \[2\].*astype"),
        (FLAT, np.zeros(3, dtype=np.int32), ShapeContractError, r"int32\[3\], expected integers \[2\]: one flat index"),
        (FLAT, np.zeros(2, dtype=np.bool_), ShapeContractError, "actions is bool"),
        (FLAT, [[0], [0, 1]], ShapeContractError, "actions is a list"),
        (FLAT, "ab", ShapeContractError, "actions is <U2"),
        (FLAT, None, ShapeContractError, "actions is a NoneType"),
        (FLAT, torch.zeros(2, device="meta"), ShapeContractError, r"lies on device meta.*\.cpu\(\)"),
        (FLAT, np.array([0, 14]), EnvError, r"actions\[1\] = 14 is no action of this game, expected 0 .. 13"),
        (FLAT, np.array([-1, 0], dtype=np.int32), EnvError, r"actions\[0\] = -1"),
        (FLAT, np.array([0, 2**32]), EnvError, r"actions\[1\] = 4294967296"),
        (MULTI, np.array([0, 1]), ShapeContractError, r"int64\[2\], expected integers \[2, 2\]: \(family, argument\)"),
        (MULTI, np.array([[0, 0], [3, 0]]), EnvError, r"actions\[1\]\[0\] = 3 is no family"),
        (MULTI, np.array([[0, 9], [0, 0]]), EnvError, r"actions\[0\]\[1\] = 9 is no argument"),
    ],
)
def test_mistakes_are_named(reader: ActionReader, actions: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        reader.read(actions, 2)


@pytest.mark.parametrize("action", [1.0, np.float32(1), [1, 2], np.array([1]), "1", None])
def test_one_action_is_one_integer(action: Any) -> None:
    assert [FLAT.read_one(good) for good in (3, np.int64(3), np.array(3), np.uint8(3))] == [3] * 4
    with pytest.raises(ShapeContractError, match="action is "):
        FLAT.read_one(action)
    with pytest.raises(EnvError, match="action = 14"):
        FLAT.read_one(14)


def test_masks_fit_their_spaces() -> None:
    mask = np.zeros(14, dtype=np.bool_)
    mask[[0, 4]] = True
    assert {int(FLAT.single_space().sample(FLAT.sample_mask(mask))) for _ in range(40)} == {0, 4}
    families, arguments = MULTI.sample_mask(mask)
    assert families.tolist() == [1, 1, 0]
    assert np.flatnonzero(arguments).tolist() == [0, 3]
    assert MULTI.single_space().sample((families, arguments)).tolist() in ([0, 0], [0, 3], [1, 0], [1, 3])
    assert MULTI.mask(mask).tolist() == [*families.astype(bool), *arguments.astype(bool)]
    own = FLAT.mask(mask)
    own[:] = True
    assert mask.sum() == 2
