"""What a user waits for before an answer: help, lists, dry runs and mistakes load neither torch nor its company."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WRAPPERS = "metta/mettagrid/wrappers"
"""Only these may know other libraries' environments; of them, only PufferLib's brings torch along."""
HEAVY = ("torch", "tensordict", "wandb", "pufferlib", "gymnasium", "duckdb", "safetensors")
COMMANDS = {
    "--help": 0,
    "--version": 0,
    "--list": 0,
    "train --help": 0,
    "train arena --help": 0,
    "train arena --dry-run": 0,
    "train gym --dry-run": 0,
    "train arena policy_architecture=bag_lstm --dry-run": 0,
    "train arena policy_architecture=network policy_architecture.network=roles --dry-run": 0,
    "train arena policy_architecture=network policy_architecture.network=rolls": 2,
    "evaluate arena policy_uris=mock://random --dry-run": 0,
    "trian arena": 2,
    "train arenna": 2,
    "train arena trainer.gama=0.9": 2,
    "train arena trainer.gamma=much": 2,
    "train arena trainer.batch_size=1000": 2,
    "train arena run=gone initial_policy_uri=file://gone/gone:v1.mpt": 1,
    "train arena run=gone trainer.losses.action_supervised.teacher_uri=mock://arena_teachr": 2,
    "train arena run=gone trainer.losses.action_supervised.teacher_uri=gone": 1,
    "evaluate arena policy_uris=gone": 1,
    "evaluate arena policy_uris=mock://randum": 2,
    "replay arena policy_uri=gone": 1,
    "export policy_uri=gone": 1,
}
"""Command lines and their exit codes."""
_COLD = "import json, sys; sys.prefix = sys.base_prefix"
"""The cache of answers is then looked for in XDG_CACHE_HOME, which is empty."""
_RUN = f"""
{_COLD}
from metta.cli.main import main
for command, expected in json.load(sys.stdin).items():
    code = main(command.split())
    assert code == expected, (command, code)
    loaded = [heavy for heavy in {HEAVY} if heavy in sys.modules]
    assert not loaded, (command, loaded)
"""
_WARM = f"""
{_COLD}
from metta.cli.warm import warm
warm()
assert not [heavy for heavy in {HEAVY} if heavy in sys.modules]
"""
_IMPORT = f"""
import importlib, json, sys
for name in json.load(sys.stdin):
    importlib.import_module(name)
    loaded = [heavy for heavy in {HEAVY} if heavy in sys.modules]
    assert not loaded, (name, loaded)
"""


def run(code: str, data: object, cache: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache), "NO_COLOR": "1"}
    return subprocess.run(
        [sys.executable, "-c", code],
        input=json.dumps(data),
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env=environment,
        timeout=290,
    )


def test_the_command_line_answers_without_torch(tmp_path: Path) -> None:
    """In one process, one after another: the first command that brings torch along is named."""
    done = run(_RUN, COMMANDS, tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert any(tmp_path.rglob("*.json")), "the cache was not empty, so this test saw less than it should"


def test_the_last_step_of_the_set_up_fills_the_cache(tmp_path: Path) -> None:
    done = run(_WARM, None, tmp_path)
    assert done.returncode == 0, done.stderr
    kept = {path.name: path.read_bytes() for path in tmp_path.rglob("*.json")}
    assert run(_RUN, {"train arena --help": 0, "evaluate --help": 0}, tmp_path).returncode == 0
    assert kept == {path.name: path.read_bytes() for path in tmp_path.rglob("*.json")}, "help was worked out again"
    assert kept


def test_configs_recipes_and_the_game_know_no_torch(tmp_path: Path) -> None:
    """In one process, one after another: the first module that brings torch along is named."""
    folders = ("metta/common", "metta/cli", "metta/mettagrid", "metta/tools", "recipes")
    paths = {path for folder in folders for path in (ROOT / folder).rglob("*.py")}
    paths.update((ROOT / "metta").rglob("*config.py"))
    paths.difference_update((ROOT / WRAPPERS).rglob("*.py"))
    paths.remove(ROOT / "metta/tools/rank_agent.py")  # torchrun's agent: imported when ranks are launched
    names = sorted(".".join(path.relative_to(ROOT).with_suffix("").parts) for path in paths)
    assert len(names) > 60
    done = run(_IMPORT, [name.removesuffix(".__init__") for name in names], tmp_path)
    assert done.returncode == 0, done.stderr


def test_wrappers_bring_torch_along_only_where_pufferlib_does(tmp_path: Path) -> None:
    names = sorted(f"{WRAPPERS.replace('/', '.')}.{path.stem}" for path in (ROOT / WRAPPERS).glob("*.py"))
    names = [name for name in names if not name.endswith(("__init__", ".puffer"))]
    assert len(names) > 5
    code = _IMPORT.replace(repr(HEAVY), repr(("torch", "tensordict", "wandb", "pufferlib")))
    done = run(code, names, tmp_path)
    assert done.returncode == 0, done.stderr
