"""Layout of the experience: segments of a row adjacent, one memory, minibatches of whole segments."""

from __future__ import annotations

import re
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


def test_what_is_written_lands_in_its_cells_only() -> None:
    """Whatever has to be converted, spread out or gathered on the way."""
    data = experience()
    written = {
        "env_obs": torch.rand(2, 2),
        "first": torch.tensor([True, False]),
        "action": torch.tensor([1, 2], dtype=torch.int32),
        "values": torch.rand(2, 3)[:, 1],
        "rewards": torch.tensor(0.5),
        "action_mask": torch.rand(2, 3) > 0.5,
        "extra": torch.rand(5, 2).t(),
    }
    expected = {key: timeline.clone() for key, timeline in data.timelines.items()}
    for key, value in written.items():
        expected[key][1:3, 6] = value.to(expected[key].dtype)
    data.write_step(6, slice(1, 3), written)
    assert all(torch.equal(data.timelines[key], expected[key]) for key in expected)
    assert not torch.equal(expected["extra"], torch.zeros_like(expected["extra"]))


def test_cells_of_another_shape_are_refused() -> None:
    with pytest.raises(RuntimeError):
        experience().write_step(0, slice(0, 3), {"action_mask": torch.zeros(3, 4, dtype=torch.bool)})
    with pytest.raises(IndexError, match=r"step 8 is not in 0 \.\. 7"):
        experience().write_step(8, slice(0, 3), {"rewards": torch.zeros(3)})


@pytest.mark.parametrize("threads", [1, 3])
def test_gathered_segments_equal_those_of_the_buffer(threads: int) -> None:
    """Every key, also where a segment comes twice."""
    data = experience(rows=6, segments=20, horizon=50, minibatch=3000)
    for tensor in data.timelines.values():
        tensor.copy_(torch.randint(0, 2 if tensor.dtype == torch.bool else 100, tensor.shape))
    data.buffer["memory/lstm"].normal_()
    segments = torch.randperm(120, generator=torch.Generator().manual_seed(0))[:60]
    segments[7] = segments[8]
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(threads)
        batch = data.gather(segments)
    finally:
        torch.set_num_threads(before)
    assert (batch == data.buffer[segments]).all()


@pytest.mark.parametrize(("segments", "told"), [([0, 6], "6 is not in 0 .. 5"), ([-1, 0], "-1 is not"), ([0], "(2,)")])
def test_segments_that_are_not_there_are_refused(segments: list[int], told: str) -> None:
    with pytest.raises(ValueError, match=re.escape(told)):
        experience(minibatch=8).gather(torch.tensor(segments))


def test_too_many_rows_are_refused() -> None:
    with pytest.raises(ConfigError, match="7 agents need one each"):
        Experience(SPEC, TrainerConfig().replace({"batch_size": 8, "minibatch_size": 8, "bptt_horizon": 4}), 7)
