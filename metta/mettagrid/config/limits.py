"""Sizes that the engine's number types can hold. The C++ structs rely on them; a config beyond them is refused."""

from __future__ import annotations

from typing import Final

MAX_SIDE: Final = 1024
"""Cells along one side of a map."""
MAX_AGENTS: Final = 1024
MAX_AMOUNT: Final = 65_535
"""Largest amount of a resource in one inventory or recipe (``uint16``)."""
MAX_TOGETHER: Final = MAX_AMOUNT * MAX_AGENTS
"""Largest limit that resources or agents share."""
MAX_TICKS: Final = 65_535
"""Longest cooldown, conversion or freeze, in steps (``uint16``)."""
MAX_STEPS: Final = 2**31 - 1
MAX_ACTIONS: Final = 256
"""Flat actions of a game: the token ``last_action`` is one byte."""
MAX_TYPE_ID: Final = 255
MAX_OBJECT_KINDS: Final = 120
"""Entries of ``game.objects``: a map cell is an ``int8``, agents and emptiness included."""
MAX_RESOURCES: Final = 238
"""Feature ids 17 .. 254 are inventories."""
MAX_REWARD: Final = 1e6
"""Largest size of a reward's weight, cap or floor, and of a weight by which rewards are shared: whatever a game counts,
sums of such rewards stay numbers of 32 bits."""
MAX_GOAL: Final = 1e15
"""Largest threshold of a statistic."""
MAX_TOKENS: Final = 4096
