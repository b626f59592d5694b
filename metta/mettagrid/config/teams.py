"""Checks of what groups have together: how many agents, which share of rewards, which goals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from metta.mettagrid.config.agent import GroupConfig
from metta.mettagrid.config.limits import MAX_GOAL, MAX_REWARD


def check_counts(groups: Mapping[str, GroupConfig], num_agents: int, placed: Mapping[str, str]) -> None:
    """Refuse counts that do not add up to the game's agents; ``placed``: groups that the map names -> by which key.

    Raises:
        ValueError: another sum, or a map that places groups itself.
    """
    counts = {name: group.count for name, group in groups.items() if group.count is not None}
    total = sum(counts.values())
    if counts and total != num_agents:
        raise ValueError(
            f"game.groups.<name>.count sum to {total} {counts}, but game.num_agents={num_agents}. "
            f"Set game.num_agents={max(total, 1)}, or change or remove the counts."
        )
    for name, key in placed.items() if counts else ():
        raise ValueError(
            f"{key} places agents of the group {name!r}, while game.groups.<name>.count deals agents to groups. Draw "
            "plain '@' agents, or remove the counts."
        )


def check_sharing(groups: Mapping[str, GroupConfig], matrix: Sequence[Sequence[float]] | None, num_agents: int) -> None:
    """Refuse a matrix that is not agents x agents, and two ways of sharing at once.

    Raises:
        ValueError: another size, a number too large, or a group's share besides the matrix.
    """
    if matrix is None:
        return
    sizes = sorted({len(row) for row in matrix})
    if len(matrix) != num_agents or sizes != [num_agents]:
        raise ValueError(
            f"game.reward_sharing has {len(matrix)} rows of {sizes} numbers, expected {num_agents} rows of "
            f"{num_agents}: one for each of game.num_agents."
        )
    for weight in (weight for row in matrix for weight in row):
        if not abs(weight) <= MAX_REWARD:
            raise ValueError(
                f"game.reward_sharing holds {weight}, expected -{MAX_REWARD:g} .. {MAX_REWARD:g}: sums of rewards must "
                "stay finite. Use smaller weights."
            )
    if shared := [name for name, group in groups.items() if group.reward_share > 0]:
        raise ValueError(
            f"game.reward_sharing is given, and game.groups.{shared[0]}.reward_share={groups[shared[0]].reward_share} "
            "too; expected one of the two. Set the groups' reward_share to 0, or remove game.reward_sharing."
        )


def check_goals(terminate_when: Mapping[str, float]) -> None:
    """Refuse goals that can never be met or are met before the first step.

    Raises:
        ValueError: a threshold that is not above 0, or too large.
    """
    for name, threshold in terminate_when.items():
        if not 0 < threshold <= MAX_GOAL:
            raise ValueError(
                f"game.terminate_when.{name}={threshold}, expected a number above 0, at most {MAX_GOAL:g}: the sum of "
                "the statistic over all agents starts at 0. Change or remove it."
            )
