"""Groups: counts, shared limits, sharing and goals are refused with the key that is wrong."""

from __future__ import annotations

from typing import Any

import pytest

from metta.common.errors import ConfigError
from metta.mettagrid.compile_game import compile_game
from metta.mettagrid.config.game import MettaGridConfig

TWO = {"red": {"id": 0, "count": 1}, "blue": {"id": 1, "count": 1}}
IDENTITY = [[1.0, 0.0], [0.0, 1.0]]


def game(**fields: Any) -> MettaGridConfig:
    return MettaGridConfig.model_validate({"game": {"num_agents": 2, "groups": TWO, **fields}})


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"num_agents": 3}, r"count sum to 2 .*num_agents=3. Set game.num_agents=2"),
        (
            {"map": {"type": "ascii", "rows": ["@b"], "legend": {"b": "agent.blue"}}},
            r"legend.b places agents of the group 'blue'.*remove the counts",
        ),
        ({"reward_sharing": [[1.0, 0.0]]}, r"1 rows of \[2\] numbers, expected 2 rows of 2"),
        ({"reward_sharing": [[1.0], [1.0, 2.0]]}, r"2 rows of \[1, 2\] numbers"),
        ({"reward_sharing": [[1.0, float("nan")], [0.0, 1.0]]}, "sums of rewards must stay finite"),
        (
            {"reward_sharing": IDENTITY, "groups": {**TWO, "blue": {"id": 1, "count": 1, "reward_share": 0.5}}},
            r"groups.blue.reward_share=0.5 too; expected one of the two",
        ),
        ({"terminate_when": {"heart.amont": 3}}, r"terminate_when names the statistic 'heart.amont'.*heart.amount"),
        ({"terminate_when": {"heart.amount": 0}}, r"terminate_when.heart.amount=0.0, expected a number above 0"),
        ({"groups": {"red": {"id": 0, "limits": {"hart": 1}}}}, r"groups.red.limits names the resource 'hart'"),
        ({"agent": {"shared_limits": {"ores": {"limit": 1, "resources": ["ore"]}}}}, r"shared_limits.ores.resources"),
        (
            {
                "agent": {
                    "initial_inventory": {"heart": 1, "laser": 1},
                    "shared_limits": {"bag": {"limit": 1, "resources": ["heart", "laser"]}},
                }
            },
            r"holds 2 units of \['heart', 'laser'\], more than agent.shared_limits.bag.limit=1",
        ),
        ({"agent": {"rewards": {"terms": {"x": {"resource": "hart"}}}}}, r"rewards.terms.x.resource names the res"),
        ({"agent": {"rewards": {"terms": {"x": {"stat": "attack.hitt"}}}}}, r"rewards.terms.x.stat names the stat"),
    ],
)
def test_what_cannot_be_is_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        game(**fields)


def test_the_engine_checks_too() -> None:
    """Configs made without validation still do not get in."""
    whole = game()
    for fields, message in (
        ({"num_agents": 3}, "counts of groups sum to 2"),
        ({"reward_sharing": ((1.0, 0.0),)}, "reward_sharing has 1 rows, expected 2"),
        ({"terminate_when": {"nothing": 1.0}}, "terminate_when names the statistic 'nothing'"),
    ):
        with pytest.raises(ConfigError, match=message):
            compile_game(whole.model_copy(update={"game": whole.game.model_copy(update=fields)}))
