"""What hooks tell each other and the trainer: every field by name, with who writes it. Part of the trainer's state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class EvaluationScores:
    """What the policy of ``epoch`` scored: ``scores["suite/name"][metric]`` are means over the episodes, ``score`` is
    the mean reward over the simulations. ``in_force`` is the epoch whose row of metrics holds them."""

    epoch: int
    uri: str
    score: float
    scores: Mapping[str, Mapping[str, float]]
    in_force: int

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        scores = {name: dict(metrics) for name, metrics in data["scores"].items()}
        epoch = int(data["epoch"])
        return cls(epoch, str(data["uri"]), float(data["score"]), scores, int(data.get("in_force", epoch)))


@dataclass(frozen=True, slots=True)
class PendingEvaluation:
    """The policy of ``epoch`` is being evaluated; its scores take effect in epoch ``due``."""

    epoch: int
    due: int


@dataclass(slots=True)
class SharedState:
    """State that hooks share.

    =========================  ===================  =================================
    field                      written by           read by
    =========================  ===================  =================================
    ``latest_policy_uri``      CheckpointHook       EvaluationHook, the command line
    ``evaluation_scores``      EvaluationHook       MetricsHook
    ``scores_by_epoch``        EvaluationHook       CheckpointHook (``keep_best``)
    ``pending_evaluations``    EvaluationHook       CheckpointHook (keeps the files)
    ``end_reason``             MetricsHook          the trainer: no further epoch
    =========================  ===================  =================================

    ``end_reason`` is not saved: a run that was ended early goes on when it is started again.

    >>> SharedState.from_json(SharedState(latest_policy_uri="file:///a/demo:v1.mpt").to_json()).latest_policy_uri
    'file:///a/demo:v1.mpt'
    """

    latest_policy_uri: str | None = None
    evaluation_scores: EvaluationScores | None = None
    scores_by_epoch: dict[int, float] = field(default_factory=dict[int, float])
    pending_evaluations: tuple[PendingEvaluation, ...] = ()
    end_reason: str = ""

    def tell_scores(self, scores: EvaluationScores) -> None:
        """``scores`` take effect: they are the newest ones and count for ``keep_best``."""
        self.evaluation_scores = scores
        self.scores_by_epoch[scores.epoch] = scores.score

    def to_json(self) -> dict[str, Any]:
        """Plain JSON; equal states give equal text."""
        return {
            "latest_policy_uri": self.latest_policy_uri,
            "evaluation_scores": None if self.evaluation_scores is None else asdict(self.evaluation_scores),
            "scores_by_epoch": {str(epoch): score for epoch, score in sorted(self.scores_by_epoch.items())},
            "pending_evaluations": [asdict(pending) for pending in self.pending_evaluations],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """From ``to_json``, or from the free dict that earlier versions saved; keys that nobody knows are dropped."""
        evaluated = data.get("evaluation_scores")
        uri = data.get("latest_policy_uri")
        return cls(
            latest_policy_uri=None if uri is None else str(uri),
            evaluation_scores=None if evaluated is None else EvaluationScores.from_json(evaluated),
            scores_by_epoch={int(epoch): float(score) for epoch, score in data.get("scores_by_epoch", {}).items()},
            pending_evaluations=tuple(
                PendingEvaluation(int(entry["epoch"]), int(entry["due"]))
                for entry in data.get("pending_evaluations", ())
            ),
        )

    def restore(self, data: Mapping[str, Any]) -> None:
        """Become what ``data`` says, in place: the hooks hold this very object."""
        other = type(self).from_json(data)
        for name in type(self).__dataclass_fields__:
            setattr(self, name, getattr(other, name))
