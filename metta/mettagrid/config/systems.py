"""World systems that a game may switch on; each runs once a step, after the actions."""

from __future__ import annotations

from metta.common.config import Config


class SystemsConfig(Config):
    """All world systems of a game, each off by default."""
