"""NaN and infinity in each place where numbers come from, in the middle of a training: a clear end, nothing lost."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from metta.common.errors import NotANumberError

Start = Callable[..., Any]
NUMBERS = {"nan": float("nan"), "inf": float("inf"), "-inf": float("-inf")}
EPOCH = 2
TOLD = {
    "reward": rf"1 of 64 numbers in the rollout's 'rewards' became NaN or infinite .* epoch {EPOCH}",
    "observation": r"1 of 4 numbers in the rollout's 'env_obs' are NaN or infinite \(agents \[[02]\]\)",
    "loss": r"losses/",
    "gradient": r"losses/|weights network",
    "weight": r"numbers in the rollout's 'values'|weights network",
}
"""Where it came from, as far as it can be seen: a weight that is broken shows in the values that it gives."""


class Once:
    """True once, in the third epoch."""

    def __init__(self, trainer: Any) -> None:
        self.trainer, self.done = trainer, False

    def __call__(self) -> bool:
        due = self.trainer.state.epoch == EPOCH and not self.done
        self.done = self.done or due
        return due


def inject(place: str, number: float, training: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """One number of ``place`` is ``number`` in the third epoch."""
    trainer = training.trainer
    due, first = Once(trainer), next(trainer.policy.parameters())
    if place in {"reward", "observation"}:
        recv, field, calls = training.env.recv, f"{place}s", list[int]()

        def bad_recv(slot: int) -> Any:
            batch = recv(slot)
            calls.append(trainer.state.epoch)  # an epoch's first calls bring the rewards of the one before
            if calls.count(EPOCH) < 5 or batch.first.any() or not due():  # those of a reset count nowhere
                return batch
            values = np.array(getattr(batch, field))
            values.flat[0] = number
            return dataclasses.replace(batch, **{field: values})

        monkeypatch.setattr(training.env, "recv", bad_recv)
    elif place == "gradient":
        first.register_hook(lambda gradient: gradient.index_fill(0, torch.tensor([0]), number) if due() else None)
    elif place == "loss":
        forward = trainer.objective.forward

        def bad_forward(*arguments: Any, **named: Any) -> Any:
            total, metrics = forward(*arguments, **named)
            return (total * number if due() else total), metrics

        monkeypatch.setattr(trainer.objective, "forward", bad_forward)
    else:
        step = trainer.optimizer.step

        def bad_step(*arguments: Any, **named: Any) -> Any:
            result = step(*arguments, **named)
            if due():
                with torch.no_grad():
                    first.view(-1)[0] = number
            return result

        monkeypatch.setattr(trainer.optimizer, "step", bad_step)


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("place", TOLD)
def test_it_ends_the_run_and_the_next_start_goes_on(
    place: str, number: str, start: Start, undisturbed: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    training = start()
    inject(place, NUMBERS[number], training, monkeypatch)
    with pytest.raises(NotANumberError, match=TOLD[place]) as caught:
        training.trainer.train()
    assert caught.value.exit_code == 5
    assert training.store.newest_epoch() == EPOCH, "the state of the epoch's start"
    assert training.manager.epochs() == [1, 2], "no policy is written from broken weights"
    assert json.loads((training.run_dir.root / "nan_diagnosis.json").read_text())["epoch"] == EPOCH
    monkeypatch.undo()
    again = start()
    again.trainer.train()
    assert again.results() == undisturbed
