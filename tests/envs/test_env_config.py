"""One place turns a config into a batch of environments."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

from metta.envs.env_config import EnvConfig, make_env, spec_of
from metta.envs.gym_env_config import GymEnvConfig
from metta.mettagrid.builder.envs import make_arena
from metta.mettagrid.vec_env_config import VecEnvConfig

CONFIGS = (GymEnvConfig(num_envs=2), VecEnvConfig(env=make_arena(6), num_envs=2, num_threads=1))


def test_the_type_key_chooses() -> None:
    adapter: TypeAdapter[VecEnvConfig | GymEnvConfig] = TypeAdapter(EnvConfig)
    assert isinstance(adapter.validate_python({"type": "gym", "env_id": "CartPole-v1"}), GymEnvConfig)
    assert isinstance(adapter.validate_python({"type": "mettagrid"}), VecEnvConfig)
    with pytest.raises(ValidationError, match="mettagrid"):
        adapter.validate_python({"type": "atari"})


@pytest.mark.parametrize("config", CONFIGS, ids=["gym", "mettagrid"])
def test_batches_keep_the_protocol(config: VecEnvConfig | GymEnvConfig) -> None:
    """Rows, slots and the spec fit each other; all starts are `first`."""
    env = make_env(config, seed=1)
    assert env.spec == spec_of(config)
    assert env.num_rows == 2 * env.spec.num_agents
    rows = 0
    for slot in range(env.num_slots):
        batch = env.recv(slot)
        size = batch.rows.stop - batch.rows.start
        assert batch.observations.shape == (size, *env.spec.obs_shape)
        assert str(batch.observations.dtype) == env.spec.obs_dtype
        assert batch.first.all()
        assert not batch.rewards.any()
        rows += size
        env.send(slot, np.zeros(size, np.int32))
        assert not env.recv(slot).first.any()
    assert rows == env.num_rows
    env.close()
