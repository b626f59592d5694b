from __future__ import annotations

import json

from metta.rl.monitor.row_means import RowMeans

EPOCHS = (
    {"losses/total": 0.1, "overview/reward.avg": 1.0, "hyperparameters/learning_rate": 3.0},
    {"losses/total": 0.2, "overview/reward": 5.0, "overview/reward.avg": 2.0, "hyperparameters/learning_rate": 2.0},
    {"losses/total": 0.7},
)


def test_means_over_the_epochs_that_have_a_number() -> None:
    means = RowMeans()
    for row in EPOCHS:
        means.add(row)
    assert means.take() == {
        "hyperparameters/learning_rate": 2.0,
        "losses/total": (0.1 + 0.2 + 0.7) / 3,
        "overview/reward": 5.0,
        "overview/reward.avg": 2.0,
    }
    assert means.take() == {}


def test_one_epoch_is_taken_unchanged() -> None:
    means = RowMeans()
    means.add({"a": 0.1, "b": float("inf")})
    assert means.take() == {"a": 0.1, "b": float("inf")}


def test_half_a_row_survives_a_resume_exactly() -> None:
    whole, first, second = RowMeans(), RowMeans(), RowMeans()
    for row in EPOCHS:
        whole.add(row)
    first.add(EPOCHS[0])
    second.load_state_dict(json.loads(json.dumps(first.state_dict())))
    for row in EPOCHS[1:]:
        second.add(row)
    assert second.take() == whole.take()
