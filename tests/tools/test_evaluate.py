"""The evaluate tool through the command line, with scripted policies."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from metta.cli.main import main
from metta.common.errors import ConfigError
from metta.eval.scorecard import Scorecard
from metta.mettagrid.builder.envs import make_arena
from metta.sim.simulation_config import SimulationConfig
from metta.sim.stats.episode_store import EpisodeStore
from metta.tools.evaluate import EvaluateTool

SMALL = make_arena(4).replace({"game.max_steps": 40})
SIMULATION = SimulationConfig(suite="arena", name="small", env=SMALL, num_episodes=3)


def test_a_bare_string_is_a_list_of_one() -> None:
    tool = EvaluateTool.model_validate({"simulations": (SIMULATION,), "policy_uris": "mock://noop"})
    assert tool.policy_uris == ("mock://noop",)
    with pytest.raises(ConfigError, match="policy_uris"):
        tool.replace({"policy_uris": ()})


def test_it_writes_what_it_prints(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tool = EvaluateTool(
        simulations=(SIMULATION,), policy_uris=("mock://random", "mock://noop", "mock://random")
    ).replace({"output_dir": str(tmp_path / "out"), "system.device": "cpu"})
    assert tool.invoke() == 0
    printed = capsys.readouterr().out
    assert "mock://noop" in printed
    assert "heart.gained" in printed
    data = json.loads((tmp_path / "out" / "scorecard.json").read_text())
    assert list(data["policies"]) == ["mock://random", "mock://noop"]
    summary = data["policies"]["mock://random"]["arena/small"]["heart.gained"]
    assert set(summary) == {"mean", "low", "high", "n"}
    assert summary["n"] == 3
    assert data["policies"]["mock://noop"]["arena/small"]["reward"]["mean"] == 0.0
    with EpisodeStore(tmp_path / "out" / "stats.duckdb") as store:
        assert store.counts()["episodes"] == 6
        (mean,) = store.query(
            "SELECT avg(value) FROM agent_metrics JOIN episodes USING (episode_id) JOIN simulations "
            "USING (simulation_id) JOIN policies USING (policy_id) WHERE metric = 'reward' AND uri = 'mock://random'"
        )[0]
    reward = Scorecard.model_validate(data).policies["mock://random"]["arena/small"]["reward"]
    assert mean == pytest.approx(reward.mean)


def test_scripted_policies_leave_their_results_in_the_data_directory(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["num_agents=2", "num_episodes=2", "policy_uri=mock://noop", f"system.data_dir={tmp_path}"]
    assert main(["evaluate", "arena", *arguments]) == 0
    assert (tmp_path / "evaluations" / "arena-noop" / "scorecard.json").is_file()
    assert (tmp_path / "evaluations" / "arena-noop" / "config.yaml").is_file()


def test_the_same_seed_gives_the_same_file(tmp_path: Path) -> None:
    texts: list[str] = []
    for seed, folder in ((0, "a"), (0, "b"), (1, "c")):
        tool = EvaluateTool(simulations=(SIMULATION,)).replace(
            {"output_dir": str(tmp_path / folder), "system.seed": seed, "system.device": "cpu"}
        )
        assert tool.invoke() == 0
        texts.append((tmp_path / folder / "scorecard.json").read_text())
    assert texts[0] == texts[1] != texts[2]


def test_a_missing_policy_is_told_with_what_is_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "demo").mkdir()
    assert main(["evaluate", "arena", f"policy_uris=file://{tmp_path}/dema/checkpoints"]) != 0
    shown = capsys.readouterr().err
    assert "Did you mean 'demo'?" in shown
    assert "Traceback" not in shown
