from __future__ import annotations

import json

from metta.rl.shared_state import EvaluationScores, PendingEvaluation, SharedState


def full() -> SharedState:
    state = SharedState(latest_policy_uri="file:///a/demo:v4.mpt", end_reason="the tag")
    state.pending_evaluations = (PendingEvaluation(4, due=9),)
    for epoch, score in ((2, 0.1), (3, 1 / 3)):
        state.tell_scores(
            EvaluationScores(epoch, f"file:///a/demo:v{epoch}.mpt", score, {"arena/a": {"reward": score}}, epoch + 1)
        )
    return state


def test_all_but_the_reason_to_end_survives_json_exactly() -> None:
    state = full()
    again = SharedState()
    again.restore(json.loads(json.dumps(state.to_json())))
    assert again.end_reason == ""
    again.end_reason = state.end_reason
    assert again == state
    assert again.scores_by_epoch == {2: 0.1, 3: 1 / 3}
    assert again.evaluation_scores is not None
    assert (again.evaluation_scores.epoch, again.evaluation_scores.in_force) == (3, 4)


def test_restoring_forgets_what_was_there_before() -> None:
    state = full()
    state.restore({})
    assert state == SharedState()


def test_the_free_dict_of_earlier_versions_is_migrated() -> None:
    """Their scores stood in the row of the epoch that was evaluated; keys of strangers are dropped."""
    old = {
        "latest_policy_uri": "file:///a/demo:v2.mpt",
        "evaluation_scores": {"epoch": 2, "uri": "u", "score": 1.5, "scores": {"arena/a": {"reward": 1.5}}},
        "somebody_else": [1],
    }
    state = SharedState.from_json(old)
    assert state.latest_policy_uri == "file:///a/demo:v2.mpt"
    assert state.evaluation_scores == EvaluationScores(2, "u", 1.5, {"arena/a": {"reward": 1.5}}, in_force=2)
    assert state.scores_by_epoch == {}
    assert SharedState.from_json({"latest_policy_uri": None}) == SharedState()
