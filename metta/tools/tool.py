"""What the command line runs: a config that can be invoked."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Self

from pydantic import Field, PrivateAttr

from metta.common.config import Config
from metta.tools.resolved import resolved_text, save_resolved
from metta.tools.system_config import SystemConfig


class Tool(Config, ABC):
    """One command with all its settings: built and validated first, then invoked.

    A tool's module imports no torch; ``invoke`` imports what it needs when it runs.
    """

    takes_recipe: ClassVar[bool] = True
    """False for a tool that stands alone: its module has a function of its name that makes it without arguments."""

    system: SystemConfig = Field(default_factory=SystemConfig, description="seed, device, threads, data directory")

    # Where each value came from, by dotted path; the command line fills it in. Not a field: it is no setting.
    _origins: dict[str, str] = PrivateAttr(default_factory=dict[str, str])
    _heading: str = PrivateAttr(default="")

    @classmethod
    def tool_name(cls) -> str:
        """The name on the command line: ``TrainTool`` is ``train``, ``EvaluateRemoteTool`` is ``evaluate_remote``."""
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__.removesuffix("Tool")).lower()

    @abstractmethod
    def invoke(self) -> int:
        """Do it; returns an ``ExitCode``."""

    def with_origins(self, origins: Mapping[str, str], heading: str = "") -> Self:
        """The same tool, remembering where its values came from."""
        tool = self.model_copy()
        tool._origins = dict(origins)
        tool._heading = heading
        return tool

    def as_made(self) -> Self:
        """The tool with just the values that were set on it, without those that it worked out from them."""
        return self

    def resolved_text(self) -> str:
        """The resolved config as YAML, with the origin of each value."""
        return resolved_text(self, self._origins, self._heading)

    def save_resolved(self, path: Path | str) -> None:
        """Write the resolved config to ``path``; starting with ``config=<path>`` does the same again."""
        save_resolved(self, self._origins, path, self._heading)
