"""Tokens as planes."""

from __future__ import annotations

import numpy as np
import pytest

from metta.agent.policies.scripted.token_window import TokenWindow
from metta.common.env_spec import EnvSpec
from metta.common.errors import ConfigError

PAD = (0xFF, 0xFF, 0xFF)


def test_planes_show_what_the_tokens_say(token_spec: EnvSpec) -> None:
    window = TokenWindow(token_spec, ["inv:ore"])
    tokens = [(0xFE, 8, 3), (0x34, 0, 0), (0x34, 17, 5), (0x34, 3, 2), (0x68, 0, 2), PAD]
    planes = window.read(np.array([tokens, [PAD] * 6], dtype=np.uint8))
    assert planes.shape == (2, 2, 7, 9)
    expected = np.zeros((2, 2, 7, 9), dtype=np.uint8)
    expected[0, 0, 3, 4], expected[0, 1, 3, 4], expected[0, 0, 6, 8] = 1, 5, 3  # types are one higher
    np.testing.assert_array_equal(planes, expected)


def test_what_a_spec_lacks_is_named(token_spec: EnvSpec, box_spec: EnvSpec) -> None:
    with pytest.raises(ConfigError, match=r"'tiny' lacks features \['inv:gold'\]"):
        TokenWindow(token_spec, ["inv:gold"])
    with pytest.raises(ConfigError, match=r"'cart' lacks token observations"):
        TokenWindow(box_spec, [])
