"""May this command go on with that run? What the run was started with, compared with what is asked for now."""

from __future__ import annotations

import getpass
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metta.agent.policies.policy_uri import check_policy_uris
from metta.common.atomic import write_atomic
from metta.common.config import Config
from metta.common.errors import ConfigError
from metta.common.log import get_logger
from metta.common.run_dir import RunDir
from metta.tools.resolved import differences, load_resolved, resolved_tree

if TYPE_CHECKING:
    from metta.tools.train import TrainTool

_log = get_logger(__name__)

_MAY_CHANGE = (
    "run",
    "system.data_dir",
    "system.torch_threads",
    "system.nproc",
    "system.max_restarts",
    "system.rank_patience",
    "checkpointer",
    "evaluator",
    "metrics",
    "wandb",
)
"""Keys that decide where and how often a run is written, watched or measured, never what is learned. Another
``system.nproc`` does change that; a run may be moved to another machine all the same, and says so."""
_TOTAL = "trainer.total_timesteps"


def default_run_name() -> str:
    """``local.<user>.<date>.<time>``."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        user = "user"
    allowed = "".join(letter if letter.isalnum() or letter in "-_" else "-" for letter in user)
    return f"local.{allowed}.{time.strftime('%Y%m%d.%H%M%S')}"


def check_policies(tool: TrainTool) -> None:
    """Refuse a new run whose first policy, or a teacher, is not there: before torch is loaded and a folder is made.

    A run that goes on is not asked: it may be finished, and need none of them.

    Raises:
        ConfigError: a URI cannot be read.
        CheckpointError: nothing is there.
    """
    if tool.run is not None:
        states = RunDir.at(tool.system.data_dir, tool.run).trainer_state
        if any(states.glob("v*/manifest.json")):
            return
    if tool.initial_policy_uri is not None:
        check_policy_uris("initial_policy_uri", [tool.initial_policy_uri], trained=True)
    for name, loss in tool.trainer.losses.items():
        for key, uri in loss.teacher_uris.items() if loss.enabled else ():
            check_policy_uris(f"trainer.losses.{name}.{key}", [uri])


def check_same_run(run_dir: RunDir, wanted: Config) -> None:
    """Compare ``wanted`` with ``config.yaml`` of the run that is to go on.

    Keys that the saved config lacks, because an older version wrote it, count as their class defaults: a new key is
    made so that its default is what was done before there was one.

    Raises:
        ConfigError: a value differs that would make it another run; names every such key with both values.
    """
    if not run_dir.config_path.is_file():
        _log.warning("%s is missing: cannot tell whether the command is the same as before.", run_dir.config_path)
        return
    changed = differences(_completed(load_resolved(run_dir.config_path), type(wanted)), resolved_tree(wanted))
    refused: list[str] = []
    for path, (old, new) in changed.items():
        if any(path == free or path.startswith(f"{free}.") for free in _MAY_CHANGE):
            continue
        if path == _TOTAL and isinstance(old, int) and isinstance(new, int) and new > old:
            _log.info("%s: %d instead of %d", path, new, old)
            continue
        refused.append(f"\n  {path}: the run has {old!r}, the command asks for {new!r}")
    if refused:
        raise ConfigError(
            f"run={run_dir.run} was started with other settings:{''.join(refused)}\n"
            "A run goes on with its own settings; only a longer trainer.total_timesteps, checkpointer, evaluator, "
            "metrics and wandb may change. Drop these overrides, or choose another run=."
        )


def _completed(saved: dict[str, Any], kind: type[Config]) -> dict[str, Any]:
    """``saved`` with the class defaults of what it lacks; as it is where ``kind`` refuses it (a key that went away)."""
    try:
        return resolved_tree(kind.model_validate(saved))
    except ConfigError:
        return saved


def note_machine(path: Path, machine: Mapping[str, Any]) -> None:
    """Record what the bits of a run depend on beside its config; warn when a run goes on somewhere else."""
    if path.is_file():
        try:
            before = json.loads(path.read_bytes())
        except ValueError:
            before = {}
        for key in sorted(machine):
            if key in before and before[key] != machine[key]:
                _log.warning(
                    "this run had %s=%s, now it is %s: training goes on, but its bits may differ from those of an "
                    "undisturbed run.",
                    key,
                    before[key],
                    machine[key],
                )
    try:
        write_atomic(path, (json.dumps(dict(machine), indent=1, sort_keys=True) + "\n").encode())
    except OSError as error:
        raise ConfigError(
            f"cannot write {path}: {error.strerror or error}. The run needs space and permission there; or set "
            "system.data_dir to another place."
        ) from error
