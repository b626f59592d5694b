"""What a run that a signal ends says about its state."""

from __future__ import annotations

from collections.abc import Callable

from metta.common.errors import CheckpointError


def saved_in_words(save: Callable[[], None], saved_epoch: int, run: str) -> str:
    """``save`` the state and say so; a save that fails is told, not raised: the run still ends because of the signal.

    ``saved_epoch`` is that of the newest state on disk, below 0 where there is none.

    >>> saved_in_words(lambda: None, 3, "demo")
    'its state is saved; the same command with run=demo goes on from there'
    """
    again = f"the same command with run={run}"
    try:
        save()
    except CheckpointError as error:
        reason = str(error).removesuffix(".")
        if saved_epoch < 0:
            return f"its state could NOT be saved, and none was saved before; {again} starts anew ({reason})"
        return (
            f"its state could NOT be saved; the newest saved one is older: {again} goes on from "
            f"epoch {saved_epoch} ({reason})"
        )
    return f"its state is saved; {again} goes on from there"
