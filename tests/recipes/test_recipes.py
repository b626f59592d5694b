"""Every recipe with every tool: it builds, validates and prints its config without importing torch."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import recipes.prod
from metta.cli.main import main
from metta.mettagrid.vec_env_config import VecEnvConfig
from metta.rl.trainer_config import TrainerConfig
from metta.tools.evaluate import EvaluateTool
from metta.tools.tool import Tool
from metta.tools.train import TrainTool

TOOLS = ("train", "evaluate", "play", "replay")


def makers() -> list[tuple[str, str]]:
    names = [module.name for module in pkgutil.iter_modules(recipes.prod.__path__)]
    modules = {name: importlib.import_module(f"recipes.prod.{name}") for name in names}
    return [(tool, name) for name in names for tool in TOOLS if hasattr(modules[name], tool)]


@pytest.mark.parametrize(("tool", "recipe"), makers())
def test_dry_run(tool: str, recipe: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([tool, recipe, "--dry-run"]) == 0
    assert f"# {tool} {recipe}" in capsys.readouterr().out


@pytest.mark.parametrize(("tool", "recipe"), makers())
def test_makers_need_no_arguments_and_say_what_they_do(tool: str, recipe: str) -> None:
    maker = getattr(importlib.import_module(f"recipes.prod.{recipe}"), tool)
    made = maker()
    assert isinstance(made, Tool)
    assert made.tool_name() == tool
    assert inspect.getdoc(maker)


@pytest.mark.parametrize("recipe", ["arena", "arena_sparse"])
def test_the_number_of_agents_reaches_every_tool(recipe: str) -> None:
    module = importlib.import_module(f"recipes.prod.{recipe}")
    train, evaluate = module.train(num_agents=6), module.evaluate(num_agents=6)
    assert isinstance(train, TrainTool)
    assert isinstance(train.training_env, VecEnvConfig)
    assert isinstance(evaluate, EvaluateTool)
    assert train.training_env.env.game.num_agents == 6
    assert [simulation.num_agents for simulation in evaluate.simulations] == [6, 6]
    assert [simulation.num_agents for simulation in train.evaluator.simulations] == [6, 6]
    assert [simulation.key for simulation in evaluate.simulations] == [f"{recipe}/basic", f"{recipe}/combat"]


def test_navigation_scores_a_team_and_a_lone_agent() -> None:
    module = importlib.import_module("recipes.prod.navigation")
    train, evaluate = module.train(num_agents=6), module.evaluate(num_agents=6)
    assert isinstance(train.training_env, VecEnvConfig)
    assert train.training_env.num_rows == 384
    assert [(one.key, one.num_agents) for one in evaluate.simulations] == [
        ("navigation/team", 6),
        ("navigation/alone", 1),
    ]
    assert train.evaluator.simulations == evaluate.simulations


def test_gym_takes_any_environment(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "gym", "env_id=Acrobot-v1", "--dry-run"]) == 0
    assert capsys.readouterr().out.count("env_id: Acrobot-v1 ") == 2


def test_recipes_import_no_torch() -> None:
    names = [f"recipes.prod.{module.name}" for module in pkgutil.iter_modules(recipes.prod.__path__)]
    code = f"import sys, {', '.join(names)}\nassert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(recipes.__file__).parents[1])


@pytest.mark.parametrize("recipe", ["arena", "arena_sparse"])
def test_the_batch_fits_any_number_of_agents(recipe: str) -> None:
    module = importlib.import_module(f"recipes.prod.{recipe}")
    for num_agents in range(1, 101):
        tool = module.train(num_agents)
        tool.trainer.check_rows(tool.training_env.num_rows)
        assert 300 <= tool.training_env.num_rows <= 480
    tuned = module.train()
    small_steps = TrainerConfig().replace({"minibatch_size": 1_536, "update_epochs": 1})
    assert (tuned.training_env.num_envs, tuned.trainer) == (16, small_steps)
