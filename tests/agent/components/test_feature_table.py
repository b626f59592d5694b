"""FeatureTable: rows and weights of token bytes."""

from __future__ import annotations

import math

import numpy as np
import pytest

from metta.agent.components.feature_table import FeatureTable
from metta.common.env_spec import EnvSpec, FeatureSpec
from metta.common.errors import ConfigError


def test_size_counts_channels_times_positions(token_spec: EnvSpec) -> None:
    table = FeatureTable.from_spec(token_spec)
    assert (table.num_cell_channels, table.num_global_channels) == (6 + 1 + 4 + 1, 1 + 5 + 1)
    assert table.num_rows == 12 * 63 + 7


def test_every_used_token_has_its_own_row(token_spec: EnvSpec) -> None:
    """Numeric features share a row over values; everything else is one to one, and together they fill the box."""
    table = FeatureTable.from_spec(token_spec)
    seen: set[int] = set()
    for feature in token_spec.features:
        positions = table.positions[table.scopes[feature.id]]
        values = range(feature.num_values) if feature.kind == "categorical" else [0]
        rows = {int(table.rows[feature.id, v] + p) for v in values for p in positions[positions >= 0]}
        assert len(rows) == len(values) * (63 if feature.scope == "cell" else 1)
        assert not rows & seen
        seen |= rows
    assert seen == set(range(table.num_rows))


def test_ignored_bytes(token_spec: EnvSpec) -> None:
    table = FeatureTable.from_spec(token_spec)
    cell, global_, unknown = 0, 1, 2
    assert table.positions[cell, 0xFE] == -1
    assert table.positions[cell, 0xFF] == -1
    assert table.positions[cell, 7 << 4] == -1
    assert table.positions[cell, 9] == -1
    assert (table.positions[global_] >= 0).sum() == 1
    assert (table.positions[unknown] == -1).all()
    assert table.scopes[99] == unknown
    assert table.rows[0, 6] == -1


def test_numeric_weights(token_spec: EnvSpec) -> None:
    linear = FeatureTable.from_spec(token_spec, "linear").weights
    assert linear[17, 50] == np.float32(0.5)
    assert linear[10, 128] == 0
    assert linear[10, 78] == np.float32(-0.5)
    log = FeatureTable.from_spec(token_spec, "log").weights
    assert log[17, 100] == 1
    assert log[17, 1] == np.float32(math.log(2) / math.log(101))
    assert log[10, 28] == -1
    assert (np.diff(log[10]) > 0).all()


def test_order_of_the_list_does_not_matter(token_spec: EnvSpec) -> None:
    reversed_spec = token_spec.replace({"features": tuple(reversed(token_spec.features))})
    one, two = FeatureTable.from_spec(token_spec), FeatureTable.from_spec(reversed_spec)
    assert np.array_equal(one.rows, two.rows)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"obs_kind": "box"}, "reads tokens. Choose policy_architecture=mlp"),
        ({"window": (16, 11)}, "window of 1..15"),
        ({"obs_shape": (7, 4)}, r"obs_shape \(K, 3\)"),
        ({"features": ()}, "empty feature table"),
        ({"features": (FeatureSpec(id=1, name="a", kind="categorical", scope="cell"),)}, "'a' needs num_values"),
        ({"features": (FeatureSpec(id=1, name="a", kind="numeric", scope="cell"),) * 2}, "both have id 1"),
    ],
)
def test_faulty_specs(token_spec: EnvSpec, change: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        FeatureTable.from_spec(token_spec.replace(change))
