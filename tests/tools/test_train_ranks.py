"""metta/tools/train_ranks.py: each rank's share of the sizes, and what cannot be shared."""

from __future__ import annotations

from typing import Any

import pytest

from metta.common.errors import ConfigError
from metta.mettagrid.builder.envs import make_arena
from metta.mettagrid.vec_env_config import VecEnvConfig
from metta.rl.trainer_config import TrainerConfig
from metta.tools.train import TrainTool
from metta.tools.train_ranks import launch_ranks, must_launch, ranks_of, sized_for_rank, threads_of_rank


def tool(**changes: Any) -> TrainTool:
    env = VecEnvConfig(env=make_arena(2), num_envs=8)
    return TrainTool(training_env=env, trainer=TrainerConfig(batch_size=1024, minibatch_size=256)).replace(changes)


def test_by_default_each_rank_has_the_whole_sizes_and_its_share_of_the_cores() -> None:
    sized = sized_for_rank(tool(), 4, local_size=2)
    assert (sized.trainer.batch_size, sized.trainer.minibatch_size, sized.training_env.num_envs) == (1024, 256, 8)
    assert sized.training_env.type == "mettagrid"
    assert sized.training_env.num_threads == threads_of_rank(2)
    assert threads_of_rank(10_000) == 1


def test_scaled_the_ranks_share_batch_and_environments() -> None:
    sized = sized_for_rank(tool(**{"trainer.scale_batches_by_world_size": True}), 4)
    assert (sized.trainer.batch_size, sized.trainer.minibatch_size, sized.training_env.num_envs) == (256, 64, 2)


@pytest.mark.parametrize(
    ("ranks", "changes", "match"),
    [
        (3, {}, r"training_env\.num_envs=8 cannot be shared by 3 ranks"),
        (16, {"training_env.num_envs": 16}, r"trainer\.minibatch_size=256 cannot be shared by 16 ranks .*=512\."),
    ],
)
def test_what_cannot_be_shared_is_refused(ranks: int, changes: dict[str, Any], match: str) -> None:
    with pytest.raises(ConfigError, match=match):
        sized_for_rank(tool(**{"trainer.scale_batches_by_world_size": True, **changes}), ranks)


def test_torchrun_s_number_of_ranks_counts_before_the_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    two = tool(**{"system.nproc": 2})
    assert (ranks_of(two), must_launch(two)) == (2, True)
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "4")
    assert (ranks_of(two), must_launch(two)) == (4, False)


def test_one_gpu_for_several_ranks_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"system\.device=cuda:1 names one GPU"):
        launch_ranks(tool(**{"system.nproc": 2, "system.device": "cuda:1"}))
