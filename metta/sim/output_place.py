"""Where results about a policy belong."""

from __future__ import annotations

from pathlib import Path

from metta.common.errors import CheckpointError
from metta.common.uri import PolicyUri, run_and_epoch


def place_for(policy: PolicyUri, data_dir: Path | str) -> tuple[Path, str]:
    """The folder that evaluations and replays of ``policy`` go under, and a short name for the policy.

    An artifact of a run belongs to its run's folder; a file that lies elsewhere keeps its results beside it; a mock
    policy, which belongs to no run, uses the data directory.

    >>> from metta.common.uri import parse_policy_uri
    >>> place, label = place_for(parse_policy_uri("file:///data/demo/checkpoints/demo:v7.mpt"), "train_dir")
    >>> str(place), label
    ('/data/demo', 'v7')
    """
    if policy.path is None:
        return Path(data_dir).expanduser().absolute(), policy.name
    folder = policy.path.parent
    place = folder.parent if folder.name == "checkpoints" else folder
    try:
        _, epoch = run_and_epoch(policy.path.name)
    except CheckpointError:
        return place, policy.path.stem
    return place, f"v{epoch}"
