"""Settings of foreign environments are checked before anything starts."""

from __future__ import annotations

import pytest

from metta.common.errors import ConfigError
from metta.envs.gym_env_config import GymEnvConfig


def test_a_config_cannot_name_a_module_to_import() -> None:
    with pytest.raises(ConfigError, match="names a module to import"):
        GymEnvConfig(env_id="os:CartPole-v1")


def test_workers_share_the_environments_evenly() -> None:
    with pytest.raises(ConfigError, match=r"num_envs=5 cannot be shared evenly by training_env\.num_workers=2"):
        GymEnvConfig().replace({"num_envs": 5, "backend": "multiprocessing"})
    assert GymEnvConfig().replace({"num_envs": 5}).num_envs == 5, "the serial backend has no workers"
