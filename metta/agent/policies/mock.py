"""Scripted policies behind `mock://` URIs: yardsticks for evaluation."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor

from metta.agent.distribution import choose_actions
from metta.agent.memory import Rows
from metta.agent.module import Data
from metta.agent.policies.policy_uri import check_mock_name
from metta.agent.policies.scripted.forager import ForagerPolicy
from metta.agent.policies.scripted.teachers import arena_teacher, navigation_teacher
from metta.common.env_spec import EnvSpec
from metta.common.errors import ConfigError


class RandomPolicy:
    """`mock://random`: uniform over the allowed actions. ``greedy`` has no meaning for it.

    Shapes: as ``Policy.act``.
    """

    def __init__(self, spec: EnvSpec, device: torch.device | str = "cpu") -> None:
        self.spec = spec
        self.device = torch.device(device)

    def act(self, td: Data, *, generator: torch.Generator | None = None, greedy: bool = False) -> Data:
        """Add ``action``, ``act_log_prob`` and ``values`` (zeros) to ``td``."""
        obs = cast(Tensor, td["env_obs"])
        logits = obs.new_zeros(obs.shape[0], self.spec.num_actions, dtype=torch.float32)
        td["action"], td["act_log_prob"] = choose_actions(logits, td.get("action_mask", None), generator)
        td["values"] = torch.zeros_like(cast(Tensor, td["act_log_prob"]))
        return td

    def init_memory(self, num_rows: int) -> None:
        """Nothing to remember."""

    def reset_memory(self, rows: Rows | None = None) -> None:
        """Nothing to forget."""


class NoopPolicy:
    """`mock://noop`: does nothing, always.

    Shapes: as ``Policy.act``.

    Raises:
        ConfigError: the environment has no action called noop.
    """

    def __init__(self, spec: EnvSpec, device: torch.device | str = "cpu") -> None:
        if "noop" not in spec.action_names:
            raise ConfigError(
                f"mock://noop needs an action called 'noop'; environment {spec.name!r} has {list(spec.action_names)}. "
                f"Use policy_uri=mock://random."
            )
        self.spec = spec
        self.device = torch.device(device)
        self.noop = spec.action_names.index("noop")

    def act(self, td: Data, *, generator: torch.Generator | None = None, greedy: bool = False) -> Data:
        """Add ``action``, ``act_log_prob`` and ``values`` (zeros) to ``td``."""
        obs = cast(Tensor, td["env_obs"])
        td["action"] = torch.full((obs.shape[0],), self.noop, dtype=torch.int64, device=obs.device)
        td["act_log_prob"] = torch.zeros(obs.shape[0], device=obs.device)
        td["values"] = torch.zeros(obs.shape[0], device=obs.device)
        return td

    def init_memory(self, num_rows: int) -> None:
        """Nothing to remember."""

    def reset_memory(self, rows: Rows | None = None) -> None:
        """Nothing to forget."""


ScriptedPolicy = RandomPolicy | NoopPolicy | ForagerPolicy
MOCK_POLICIES: dict[str, Callable[[EnvSpec, torch.device | str], ScriptedPolicy]] = {
    "random": RandomPolicy,
    "noop": NoopPolicy,
    "arena_teacher": arena_teacher,
    "navigation_teacher": navigation_teacher,
}


def build_mock_policy(name: str, spec: EnvSpec, device: torch.device | str = "cpu") -> ScriptedPolicy:
    """The scripted policy behind `mock://<name>`.

    Raises:
        ConfigError: there is none of that name, or it does not fit the environment.
    """
    check_mock_name(name, MOCK_POLICIES)
    return MOCK_POLICIES[name](spec, device)
