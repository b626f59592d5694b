"""A small real policy and an empty run."""

from __future__ import annotations

from pathlib import Path

import pytest

from metta.agent.policy import Policy, build_policy
from metta.agent.policy_config import MlpConfig
from metta.common.env_spec import EnvSpec
from metta.common.run_dir import RunDir


@pytest.fixture
def spec() -> EnvSpec:
    return EnvSpec(
        name="corridor",
        obs_kind="box",
        obs_shape=(2,),
        obs_dtype="float32",
        action_names=("left", "right", "stay"),
        num_agents=1,
    )


@pytest.fixture
def policy(spec: EnvSpec) -> Policy:
    return build_policy(MlpConfig(hidden_sizes=(4,)), spec, seed=7)


@pytest.fixture
def run_dir(tmp_path: Path) -> RunDir:
    return RunDir.at(tmp_path, "demo").create()
