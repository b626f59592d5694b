"""Layout of the experience: segments of a row adjacent, one memory, minibatches of whole segments."""

from __future__ import annotations

from typing import cast

import pytest
import torch

from metta.common.env_spec import EnvSpec
from metta.common.errors import ConfigError
from metta.rl.experience import Experience
from metta.rl.trainer_config import TrainerConfig

SPEC = EnvSpec(
    name="toy", obs_kind="box", obs_shape=(2,), obs_dtype="float32", action_names=("a", "b", "c"), num_agents=1
)


def experience(rows: int = 3, segments: int = 2, horizon: int = 4, minibatch: int | None = None) -> Experience:
    size = rows * segments * horizon
    sizes = {"batch_size": size, "minibatch_size": minibatch or size, "bptt_horizon": horizon}
    return Experience(
        SPEC,
        TrainerConfig().replace(sizes),
        rows,
        has_action_mask=True,
        policy_spec={"extra": ((5,), torch.float32)},
        memory_spec={"lstm": ((2, 7), torch.float32)},
    )


def test_shapes_follow_the_specs() -> None:
    data = experience()
    shapes = {key: tuple(tensor.shape) for key, tensor in data.buffer.items()}
    assert data.buffer.batch_size == torch.Size([6])
    assert shapes["env_obs"] == (6, 4, 2)
    assert shapes["action_mask"] == (6, 4, 3)
    assert shapes["extra"] == (6, 4, 5)
    assert shapes["memory/lstm"] == (6, 2, 7)
    assert {"rewards", "valid", "terminated", "truncated", "first", "values"} <= set(shapes)


def test_a_row_runs_through_its_segments() -> None:
    """Step 5 of row 1 is step 1 of its second segment, which is segment 3 of the buffer."""
    data = experience()
    data.write_step(5, slice(1, 2), {"rewards": torch.tensor([7.0])})
    assert data.buffer["rewards"].nonzero().tolist() == [[3, 1]]
    assert data.timeline("rewards")[1, 5] == 7.0
    assert data.timeline("rewards").data_ptr() == data.buffer["rewards"].data_ptr()


def test_memory_is_stored_at_segment_starts() -> None:
    data = experience()
    memory = {"lstm": torch.arange(3.0)[:, None, None].expand(3, 2, 7)}
    data.write_memory(4, slice(1, 3), memory)
    assert data.buffer["memory/lstm"][:, 0, 0].tolist() == [0, 0, 0, 1, 0, 2]


def test_unknown_keys_are_refused() -> None:
    with pytest.raises(KeyError):
        experience().write_step(0, slice(0, 3), {"reward": torch.zeros(3)})


def test_minibatches_cover_every_segment_once_in_seeded_order() -> None:
    data = experience(rows=4, segments=2, horizon=4, minibatch=8)
    data.buffer["values"].copy_(torch.arange(8.0)[:, None].expand(8, 4))
    seen = [batch["values"][:, 0].tolist() for batch in data.minibatches(torch.Generator().manual_seed(1))]
    again = [batch["values"][:, 0].tolist() for batch in data.minibatches(torch.Generator().manual_seed(1))]
    other = [batch["values"][:, 0].tolist() for batch in data.minibatches(torch.Generator().manual_seed(2))]
    assert sorted(segment for part in seen for segment in part) == list(range(8))
    assert [len(part) for part in seen] == [2, 2, 2, 2]
    assert seen == again != other


def test_minibatches_share_one_memory_and_leave_the_buffer_alone() -> None:
    data = experience(rows=4, segments=2, horizon=4, minibatch=8)
    pointers = set()
    for batch in data.minibatches(torch.Generator().manual_seed(1)):
        assert all(cast(torch.Tensor, tensor).is_contiguous() for tensor in batch.values())
        pointers.add(batch["env_obs"].data_ptr())
        cast(torch.Tensor, batch["env_obs"]).fill_(9.0)
    assert len(pointers) == 1
    assert (data.buffer["env_obs"] == 0).all()


def test_too_many_rows_are_refused() -> None:
    with pytest.raises(ConfigError, match="7 agents need one each"):
        Experience(SPEC, TrainerConfig().replace({"batch_size": 8, "minibatch_size": 8, "bptt_horizon": 4}), 7)
