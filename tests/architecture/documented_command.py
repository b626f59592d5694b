"""Makes a documented command small enough for a test: the same command on the same recipe, with fewer steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

_TINY_ARENA = {
    "trainer.total_timesteps": "768",
    "trainer.batch_size": "384",
    "trainer.minibatch_size": "192",
    "trainer.bptt_horizon": "8",
    "trainer.update_epochs": "1",
    "training_env.num_envs": "2",
    "system.torch_threads": "1",
}
_TINY: dict[str, Mapping[str, str]] = {
    "train gym": {"trainer.total_timesteps": "1024", "system.torch_threads": "1"},
    "train": _TINY_ARENA,
    "evaluate": {"num_episodes": "1", "system.torch_threads": "1"},
    "replay": {"max_steps": "40", "system.torch_threads": "1"},
}
_NOT_INVOKED = {"--help", "-h", "--list", "--dry-run", "--version"}


def shrunk(arguments: Sequence[str]) -> list[str]:
    """``arguments`` of ``tools/run.py`` with the values above: in place where a key is given, else at the end."""
    if _NOT_INVOKED & set(arguments):
        return list(arguments)
    name = next((name for name in _TINY if list(arguments[: len(name.split())]) == name.split()), None)
    left = dict(_TINY[name]) if name else {}
    if any(argument.startswith("replay=") for argument in arguments):
        left.clear()  # shows a file: nothing is simulated that could be shorter
    changed: list[str] = []
    for argument in arguments:
        key = argument.partition("=")[0]
        changed.append(f"{key}={left.pop(key)}" if key in left else argument)
    return changed + [f"{key}={value}" for key, value in left.items()]
