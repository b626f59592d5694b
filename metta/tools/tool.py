"""What the command line runs: a config that can be invoked."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod

from pydantic import Field

from metta.common.config import Config
from metta.tools.system_config import SystemConfig


class Tool(Config, ABC):
    """One command with all its settings: built and validated first, then invoked.

    A tool's module imports no torch; ``invoke`` imports what it needs when it runs.
    """

    system: SystemConfig = Field(default_factory=SystemConfig, description="seed, device, threads, data directory")

    @classmethod
    def tool_name(cls) -> str:
        """The name on the command line: ``TrainTool`` is ``train``, ``EvaluateRemoteTool`` is ``evaluate_remote``."""
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__.removesuffix("Tool")).lower()

    @abstractmethod
    def invoke(self) -> int:
        """Do it; returns an ``ExitCode``."""
