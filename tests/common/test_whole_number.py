"""What counts as a whole number, and as a seed."""

from __future__ import annotations

import numpy as np
import pytest

from metta.common.errors import ConfigError
from metta.common.whole_number import checked_seed, whole_number


def test_every_kind_of_integer_is_one() -> None:
    assert [whole_number(n) for n in (3, np.int64(3), np.uint8(3), True)] == [3, 3, 3, 1]
    assert [whole_number(n) for n in (3.0, "3", None, np.float32(3))] == [None] * 4


def test_seeds_have_64_bits() -> None:
    assert checked_seed(np.uint64(2**64 - 1)) == 2**64 - 1
    for bad in (-1, 2**64, 1.5, "x"):
        with pytest.raises(ConfigError, match=r"expected 0 \.\. 2\*\*64 - 1, a whole number"):
            checked_seed(bad)
