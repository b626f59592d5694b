"""Sizes that nobody set follow machine, game and length; set ones stay; a run keeps its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from metta.common.run_dir import RunDir
from metta.rl.trainer_config import TrainerConfig
from metta.tools.resolved import load_resolved
from metta.tools.train import TrainTool
from metta.tools.train_resume import check_same_run
from metta.tools.train_sizes import FEWEST_EPOCHS, FITTED, keep_sizes
from recipes.prod import arena, gym, navigation

STEPS = "trainer.total_timesteps"


def sizes(tool: TrainTool) -> tuple[int, int, int]:
    return tool.training_env.num_envs, tool.trainer.batch_size, tool.trainer.minibatch_size


@pytest.fixture
def tool() -> TrainTool:
    return arena.train().replace({"system.device": "cpu", "policy_architecture": {"type": "fast"}})


def test_a_long_training_has_the_tuned_sizes(tool: TrainTool) -> None:
    assert sizes(tool) == (16, TrainerConfig().batch_size, TrainerConfig().minibatch_size)
    assert (tool.evaluator.epoch_interval, tool.evaluator.num_episodes) == (100, None)


def test_a_short_training_has_several_epochs_and_is_evaluated(tool: TrainTool) -> None:
    short = tool.replace({STEPS: 20_000})
    assert sizes(short) == (4, 3072, 768)
    epochs = -(-20_000 // 3072)
    assert (short.evaluator.epoch_interval, short.evaluator.num_episodes) == (epochs, 2)


def test_bags_take_small_steps_on_a_cpu(tmp_path: Path) -> None:
    """Minibatches of 1,536 steps, one pass; what is set stays, and a run keeps what it began with."""
    made = arena.train().replace({"system.device": "cpu"})
    assert (*sizes(made), made.trainer.update_epochs) == (16, 24_576, 1_536, 1)
    assert made.replace({"policy_architecture": {"type": "bag_lstm"}}).trainer == made.trainer
    assert sizes(made.replace({STEPS: 20_000})) == (4, 3072, 384)
    assert sizes(made.replace({"training_env.num_envs": 2})) == (2, 3072, 384)
    for other in ({"policy_architecture": {"type": "fast"}}, {"system.device": "cuda"}):
        assert made.replace(other).trainer.update_epochs == 3
    assert made.replace({"trainer.update_epochs": 2}).trainer.update_epochs == 2
    tuning = {"trainer.update_epochs_autotune": {"evaluation_epochs": 4, "min_update_epochs": 2}}
    assert made.replace(tuning).trainer.update_epochs == 2
    run_dir = RunDir.at(tmp_path, "x").create()
    made.replace({"trainer.update_epochs": 3}).with_origins({}).save_resolved(run_dir.config_path)
    assert keep_sizes(made.with_origins({}), run_dir).trainer.update_epochs == 3


@pytest.mark.parametrize("device", ["cpu", "cuda"])
@pytest.mark.parametrize("agents", [1, 6, 7, 24, 60])
def test_all_lengths_fit(agents: int, device: str) -> None:
    made = arena.train(num_agents=agents).replace({"system.device": device})
    for steps in (1, 5_000, 20_000, 123_456, 10**6, 10**9):
        fitted = made.replace({STEPS: steps})
        fitted.trainer.check_rows(fitted.training_env.num_rows)
        if steps >= 20_000:
            assert steps / fitted.trainer.batch_size > FEWEST_EPOCHS / 3


def test_a_gpu_gets_more_environments_and_larger_minibatches(tool: TrainTool) -> None:
    for small, large in zip(sizes(tool), sizes(tool.replace({"system.device": "cuda"})), strict=True):
        assert large > 2 * small


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"trainer.batch_size": 49_152}, (16, 49_152, 6_144)),
        ({"trainer.minibatch_size": 2_048}, (16, 24_576, 2_048)),
        ({"training_env.num_envs": 4}, (4, 6_144, 1_536)),
        ({"trainer.bptt_horizon": 64}, (16, 24_576, 6_144)),
        ({"trainer.batch_size": 12_288, STEPS: 20_000}, (16, 12_288, 3_072)),
    ],
)
def test_what_is_set_stays(tool: TrainTool, changes: dict[str, Any], expected: tuple[int, int, int]) -> None:
    made = tool.replace(changes)
    assert sizes(made) == expected
    made.trainer.check_rows(made.training_env.num_rows)


def test_sizes_are_fitted_anew_when_the_length_changes(tool: TrainTool) -> None:
    assert sizes(tool.replace({STEPS: 20_000}).replace({STEPS: 10**8})) == sizes(tool)
    assert tool.training_env.replace({"num_threads": 1}).num_rows == tool.training_env.num_rows


def test_recipes_that_set_their_sizes_keep_them() -> None:
    made = gym.train().replace({STEPS: 20_000})
    assert sizes(made) == (8, 1024, 256)
    assert sizes(navigation.train().replace({"system.device": "cpu"})) == (48, 24_576, 1_536)


def test_a_longer_run_goes_on_with_its_own_sizes(tool: TrainTool, tmp_path: Path) -> None:
    run_dir = RunDir.at(tmp_path, "x").create()
    short = tool.replace({STEPS: 20_000}).with_origins({})
    short.save_resolved(run_dir.config_path)
    longer = keep_sizes(tool.replace({STEPS: 10**8}).with_origins({}), run_dir)
    assert sizes(longer) == sizes(short)
    check_same_run(run_dir, longer)
    explicit = tool.replace({STEPS: 10**8, "trainer.batch_size": 49_152})
    assert keep_sizes(explicit, run_dir).trainer.batch_size == 49_152


def test_the_config_says_the_numbers(tool: TrainTool, tmp_path: Path) -> None:
    short = tool.replace({STEPS: 20_000, "trainer.minibatch_size": 384}).with_origins({})
    short.save_resolved(tmp_path / "config.yaml")
    lines = (tmp_path / "config.yaml").read_text().splitlines()
    assert any("batch_size: 3072" in line and FITTED in line for line in lines)
    assert not any("minibatch_size" in line and FITTED in line for line in lines)
    again = TrainTool.model_validate(load_resolved(tmp_path / "config.yaml"))
    assert sizes(again) == sizes(short)
    assert sizes(again.replace({STEPS: 10**8})) == sizes(short), "a config that says numbers has nothing to fit"
