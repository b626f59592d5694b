"""Policies of a run on disk, and the one way to load a policy from a URI."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

import torch
from pydantic import TypeAdapter, ValidationError

from metta.agent.policies.mock import build_mock_policy
from metta.agent.policy import ActingPolicy, Policy, build_policy
from metta.agent.policy_config import PolicyConfig
from metta.checkpoint.artifact import PolicyMetadata, load_artifact, save_artifact
from metta.common.atomic import remove_leftovers
from metta.common.config_faults import describe_validation_error
from metta.common.env_spec import EnvSpec
from metta.common.errors import CheckpointError, NotANumberError
from metta.common.log import get_logger
from metta.common.run_dir import RunDir
from metta.common.uri import artifact_name, parse_policy_uri, resolve_latest, run_and_epoch, to_uri

_log = get_logger(__name__)
_ARCHITECTURE: TypeAdapter[PolicyConfig] = TypeAdapter(PolicyConfig)
_WRAPPERS = "wrapper_state/"
"""Before the names of what a policy's wrappers remember, among its weights in an artifact."""


class CheckpointManager:
    """Writes, lists and prunes ``<run>/checkpoints/<run>:v<epoch>.mpt``."""

    def __init__(self, run_dir: RunDir) -> None:
        self.folder = run_dir.checkpoints
        self.run = run_dir.run

    def path_of(self, epoch: int) -> Path:
        return self.folder / artifact_name(self.run, epoch)

    def save_policy(self, policy: Policy, epoch: int, agent_step: int) -> str:
        """Write the policy of ``epoch`` atomically; returns its ``file://`` URI.

        Raises:
            CheckpointError: it cannot be written.
            NotANumberError: a weight is NaN or infinite; nothing is written.
        """
        weights = {**policy.state_dict(), **{_WRAPPERS + key: value for key, value in policy.behavior_state().items()}}
        broken = [name for name, tensor in weights.items() if not bool(torch.isfinite(tensor).all())]
        if broken:
            raise NotANumberError(f"epoch {epoch}: weights {broken[:4]} hold NaN or infinity; no policy is written.")
        path = self.path_of(epoch)
        meta = PolicyMetadata(
            epoch=epoch,
            agent_step=agent_step,
            architecture=policy.config.model_dump(mode="json"),
            env_spec=policy.spec,
        )
        save_artifact(path, weights, meta)
        return to_uri(path)

    def epochs(self) -> list[int]:
        """Epochs of the policies on disk, oldest first."""
        return sorted(
            epoch
            for run, epoch in (_name_parts(path.name) for path in self.folder.glob("*.mpt"))
            if run == self.run and epoch >= 0
        )

    def latest(self) -> str | None:
        """URI of the newest policy; None before the first one."""
        epochs = self.epochs()
        return to_uri(self.path_of(epochs[-1])) if epochs else None

    def prune(
        self,
        keep_last: int,
        keep_best: int,
        scores: Mapping[int, float],
        *,
        newest: int | None = None,
        also: Collection[int] = (),
    ) -> list[int]:
        """Delete all but the ``keep_last`` newest, the ``keep_best`` best by ``scores`` (epoch -> score) and ``also``.

        Policies after ``newest`` do not count and stay: a killed run left them, and going on it writes them again. Of
        equal scores the later epoch is kept. A file that cannot be deleted is told and left. Returns what went.
        """
        epochs = [epoch for epoch in self.epochs() if newest is None or epoch <= newest]
        ranked = sorted((epoch for epoch in epochs if epoch in scores), key=lambda epoch: (scores[epoch], epoch))
        keep = {*epochs[-keep_last:], *(ranked[-keep_best:] if keep_best else ()), *also}
        removed: list[int] = []
        for epoch in epochs:
            if epoch in keep:
                continue
            try:
                self.path_of(epoch).unlink()
            except OSError as error:
                _log.warning("cannot delete the old policy %s: %s.", self.path_of(epoch), error.strerror or error)
            else:
                removed.append(epoch)
        return removed

    def remove_leftovers(self) -> None:
        """Delete half-written files of a killed process. Call it only while the run is owned."""
        remove_leftovers(self.folder)


def load_policy(uri: str, spec: EnvSpec, device: torch.device | str = "cpu") -> ActingPolicy:
    """The policy at ``uri`` (``file://``, a bare path, a folder's latest, ``mock://random``), ready for ``spec``.

    Raises:
        CheckpointError: missing or damaged, or made for other observations or actions than ``spec``.
        ConfigError: the URI cannot be read, or names an unknown scripted policy.
    """
    parsed = parse_policy_uri(uri)
    if parsed.scheme == "mock":
        return build_mock_policy(parsed.name, spec, device)
    return load_trained(uri, spec, device).eval()


def load_trained(uri: str, spec: EnvSpec | None, device: torch.device | str = "cpu") -> Policy:
    """As :func:`load_policy`, for policies that have weights and can be trained on.

    ``spec`` is the environment that it is to act in; None: the one that it was trained in.

    Raises:
        CheckpointError: also when ``uri`` names a scripted policy.
    """
    parsed = parse_policy_uri(uri)
    if parsed.path is None:
        raise CheckpointError(f"{uri} is a scripted policy without weights; expected file://<path of a .mpt>.")
    path = resolve_latest(parsed.path)
    weights, meta = load_artifact(path)
    spec = meta.env_spec if spec is None else spec
    if differences := meta.env_spec.differences(spec):
        listed = "".join(f"\n  - {difference}" for difference in differences[:12])
        more = f"\n  - and {len(differences) - 12} more" if len(differences) > 12 else ""
        raise CheckpointError(
            f"{path} was trained on {meta.env_spec.name!r} and cannot act in {spec.name!r}:{listed}{more}\n"
            "Use the game that it was trained on, or another policy."
        )
    try:
        config = _ARCHITECTURE.validate_python(meta.architecture)
    except ValidationError as error:
        raise CheckpointError(
            f"{path}: its architecture is unknown here: {describe_validation_error(error)}. Was it written by another "
            "version of Metta?"
        ) from error
    policy = build_policy(config, spec, device=device, seed=0)
    remembered = {key: weights.pop(key) for key in list(weights) if key.startswith(_WRAPPERS)}
    policy.load_behavior_state({key.removeprefix(_WRAPPERS): value for key, value in remembered.items()})
    try:
        policy.load_state_dict(weights, strict=True)
    except RuntimeError as error:
        raise CheckpointError(f"{path}: its weights do not fit its architecture: {error}") from error
    return policy


def _name_parts(name: str) -> tuple[str, int]:
    try:
        return run_and_epoch(name)
    except CheckpointError:
        return name, -1  # a file that somebody put there; it is never pruned
