"""Several processes train one policy: the world that torchrun describes in the environment of each of them.

Two groups of connections, for two kinds of talk:

    gradients   gloo on CPUs, nccl on GPUs; every rank is there at the same time, so minutes of silence mean a fault
    control     gloo, always; a rank may wait here for hours while the master evaluates or uploads

That a rank died shows at once: its connections close. That it hangs shows by its missing heartbeat (``heartbeat.py``).
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from metta.common.errors import CheckpointError, ConfigError, ExitCode, MettaError, NotANumberError
from metta.rl.context import StopRequested
from metta.rl.heartbeat import PATIENCE, Heartbeat, open_ring
from metta.rl.signals import StopFlag
from metta.rl.world import PeerFailedError, RankLostError, RanksDifferError, World

CONTROL_TIMEOUT = timedelta(hours=24)
"""Longer than any evaluation, upload or pause: hanging ranks are found by their heartbeat, dead ones at once."""
GRADIENT_TIMEOUT = timedelta(minutes=10)
_FRAME = 2048
_HEADER = 8

_MSG_APART = (
    "the ranks are at different points of the program: {points}. They must walk the same way; a setting, an "
    "environment variable or a random decision differs between them."
)

_MSG_DIFFER = (
    "the ranks hold different {what}; the first that differs is {name} ({parts}). Gradients are averaged over ranks,"
    " so something else changed it: a random decision, or a module that is trained outside of the losses. Saved states "
    "are as they were: started again, training goes on from the newest one, on all ranks with the weights of rank 0."
)


def open_world(device: str = "auto", *, start: timedelta = timedelta(minutes=10), patience: float = PATIENCE) -> World:
    """The world that torchrun started this process in; a world of one outside of torchrun, or with one process.

    Collective: returns when all ranks are there, at the latest after ``start``. A rank that gives no sign of life for
    ``patience`` seconds is given up.

    Raises:
        ConfigError: torchrun's variables are incomplete.
        RankLostError: the others did not come.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1 or "RANK" not in os.environ:
        return World()
    return Ranks(device, start, patience)


class Ranks(World):
    """This process among ``size`` others; see :class:`World` for what its methods promise."""

    def __init__(self, device: str, start: timedelta, patience: float) -> None:
        self.rank, self.size = _number("RANK"), _number("WORLD_SIZE")
        self.local_rank, self.local_size = _number("LOCAL_RANK"), _number("LOCAL_WORLD_SIZE")
        self.on_gpu = device.startswith("cuda") or (device == "auto" and torch.cuda.is_available())
        self.stop = StopFlag()
        self._agreed: BaseException | None = None
        self._open: str = ""
        with self._contact("starting"):
            if self.on_gpu:
                torch.cuda.set_device(self.local_rank)
            dist.init_process_group("nccl" if self.on_gpu else "gloo", timeout=max(start, GRADIENT_TIMEOUT))
            self._control = dist.new_group(backend="gloo", timeout=CONTROL_TIMEOUT)
            self.gather(None, "the start")
        self._heartbeat = Heartbeat(self.rank, self.size, open_ring(self), patience=patience)
        self._heartbeat.start()

    # --- talk -----------------------------------------------------------------------------------------------------

    def gather(self, value: Any, what: str) -> list[Any]:
        if self._open:
            raise AssertionError(
                f"{what!r} was asked for in the middle of {self._open!r}, where each rank is by itself"
            )
        return self._gather(value, what)

    def sum(self, tensor: Tensor) -> Tensor:
        total = tensor.detach().clone(memory_format=torch.contiguous_format)
        with self._contact("a sum"):
            dist.all_reduce(total, group=self._control if total.device.type == "cpu" else None)
        return total

    def check_stop(self) -> bool:
        """Whether any rank was asked to stop; where one was, each rank's flag is set."""
        mine = [self.stop.signum, self.stop.asked_by] if self.stop.signum is not None else None
        asked = self.gather(mine, "stop?")
        self._heed(asked)
        return any(one is not None for one in asked)  # not the flag: a signal may have come since it was told

    @contextlib.contextmanager
    def contact(self, what: str) -> Iterator[None]:
        try:
            yield
        except RuntimeError as error:
            if isinstance(error, MettaError) or not _is_about_ranks(error):
                raise
            raise lost_contact(error, self, what) from error

    @contextlib.contextmanager
    def together(self, what: str) -> Iterator[None]:
        mine: BaseException | None = None
        self._open = what
        try:
            yield
        except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - told to the others, then raised again
            mine = error
        self._open = ""
        if isinstance(mine, RankLostError | KeyboardInterrupt):
            raise mine
        raised = self._of_all(mine, self._gather(_outcome(mine, self.stop), what))
        if raised is not None:
            self._agreed = raised
            raise raised

    def has_agreed_on(self, error: BaseException) -> bool:
        # The latter come from numbers and saves that the ranks share: all raise them at the same point.
        return error is self._agreed or isinstance(error, StopRequested | NotANumberError | CheckpointError)

    # --- equality -------------------------------------------------------------------------------------------------

    def check_equal(self, tensors: Mapping[str, Tensor], what: str) -> None:
        digests = {name: _digest(tensor) for name, tensor in tensors.items()}
        whole = hashlib.sha256("".join(digests.values()).encode()).hexdigest()
        if len(set(self.gather(whole, f"{what}: equal?"))) == 1:
            return
        everyone = self.gather(digests, f"{what}: what differs?")
        for name in everyone[0]:
            groups: dict[str, list[int]] = {}
            for rank, known in enumerate(everyone):
                groups.setdefault(known.get(name, "missing"), []).append(rank)
            if len(groups) > 1:
                parts = " / ".join(f"ranks {ranks}: {digest[:12]}" for digest, ranks in groups.items())
                raise RanksDifferError(_MSG_DIFFER.format(what=what, name=name, parts=parts))
        raise RanksDifferError(f"the ranks hold different {what}: other names or another order.")

    def close(self) -> None:
        self._heartbeat.stop()
        if dist.is_initialized():
            dist.destroy_process_group()

    # --- inside ---------------------------------------------------------------------------------------------------

    def _gather(self, value: Any, what: str) -> list[Any]:
        """One exchange of small frames; a second one of what did not fit into them."""
        data = json.dumps([what, value]).encode()
        with self._contact(what):
            frames = self._exchange(len(data).to_bytes(_HEADER, "little") + data[: _FRAME - _HEADER], _FRAME)
            sizes = [int.from_bytes(frame[:_HEADER], "little") for frame in frames]
            parts = [frame[_HEADER : _HEADER + size] for frame, size in zip(frames, sizes, strict=True)]
            if (rest := max(sizes) - (_FRAME - _HEADER)) > 0:
                ends = self._exchange(data[_FRAME - _HEADER :], rest)
                parts = [(a + b)[:size] for a, b, size in zip(parts, ends, sizes, strict=True)]
        said = [json.loads(part) for part in parts]
        if any(point != what for point, _ in said):
            points = ", ".join(f"rank {rank} at {point!r}" for rank, (point, _) in enumerate(said))
            raise RanksDifferError(_MSG_APART.format(points=points))
        return [value for _, value in said]

    def _exchange(self, data: bytes, size: int) -> list[bytes]:
        mine = torch.zeros(size, dtype=torch.uint8)
        mine[: len(data)] = torch.frombuffer(bytearray(data), dtype=torch.uint8) if data else mine[:0]
        frames = [torch.empty_like(mine) for _ in range(self.size)]
        dist.all_gather(frames, mine, group=self._control)
        return [frame.numpy().tobytes() for frame in frames]

    @contextlib.contextmanager
    def _contact(self, what: str) -> Iterator[None]:
        try:
            yield
        except RuntimeError as error:  # dist's errors are its subclasses, gloo throws it bare
            if isinstance(error, MettaError):
                raise
            raise lost_contact(error, self, what) from error

    def _of_all(self, mine: BaseException | None, outcomes: list[Any]) -> BaseException | None:
        """What this rank raises: the first error of any rank; without one, the wish to stop."""
        errors = [(rank, one) for rank, one in enumerate(outcomes) if one is not None and one[0] == "error"]
        if errors:
            rank, (_, exit_code, name, message) = errors[0]
            if mine is not None and not isinstance(mine, StopRequested) and str(mine) != message:
                return mine
            if rank == self.rank:
                return mine
            if name == CheckpointError.__name__:  # some go on after it: then all ranks do
                return CheckpointError(f"rank {rank}: {message}")
            return PeerFailedError(rank, exit_code, f"{name}: {message}")
        self._heed([one[1:] if one is not None else None for one in outcomes])
        return StopRequested() if any(outcomes) else None

    def _heed(self, asked: list[Any]) -> None:
        for one in asked:
            if one is not None and self.stop.signum is None:
                self.stop.set(one[0])
                self.stop.asked_by = one[1]


class AgreedStop(StopFlag):
    """A flag that the ranks look at together: true on all of them as soon as one of them was asked to stop.

    Asking it is a meeting of all ranks: only where each of them comes by at the same point.
    """

    __slots__ = ("local", "ranks")

    def __init__(self, ranks: Ranks, local: StopFlag) -> None:
        self.ranks, self.local = ranks, local  # not super().__init__: signum and asked_by are those of `local`
        ranks.stop = local

    def __bool__(self) -> bool:
        return self.ranks.check_stop()

    def set(self, signum: int) -> None:
        self.local.set(signum)

    def ask(self, who: str) -> None:
        self.local.ask(who)

    def ask_checkpoint(self, who: str) -> None:
        self.local.ask_checkpoint(who)

    def take_checkpoint_request(self) -> str:
        asked = self.ranks.gather(self.local.take_checkpoint_request(), "a checkpoint?")
        return next(filter(None, asked), "")


def agreed_stop(world: World, local: StopFlag) -> StopFlag:
    """What to ask where all ranks come by: ``local`` itself in a world of one."""
    return AgreedStop(world, local) if isinstance(world, Ranks) else local


def lost_contact(error: RuntimeError, world: World, what: str) -> RankLostError:
    """``error`` of a collective operation in words."""
    reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    reason = reason.partition(". This is typically")[0]  # gloo's guesses
    return RankLostError(
        f"rank {world.rank} of {world.size} lost contact with the other ranks ({what}): {reason}. A rank died or left; "
        "its own log says more. Training goes on from the newest saved state when it is started again."
    )


def _outcome(error: BaseException | None, stop: StopFlag) -> list[Any] | None:
    if error is None:
        return None
    if isinstance(error, StopRequested):
        return ["stop", stop.signum, stop.asked_by]
    exit_code = error.exit_code if isinstance(error, MettaError) else ExitCode.FAILED
    return ["error", int(exit_code), type(error).__name__, str(error)]


def _is_about_ranks(error: RuntimeError) -> bool:
    text = str(error)
    return isinstance(error, dist.DistError) or any(word in text for word in ("gloo", "NCCL", "Connection closed"))


def _digest(tensor: Tensor) -> str:
    data = tensor.detach().to("cpu").contiguous()
    return hashlib.sha256(data.reshape(-1).view(torch.uint8).numpy().tobytes()).hexdigest()


def _number(name: str) -> int:
    text = os.environ.get(name, "")
    if not text.isdecimal():
        raise ConfigError(
            f"the environment variable {name} is {text!r}, expected a number. RANK, WORLD_SIZE, LOCAL_RANK and "
            "LOCAL_WORLD_SIZE come from torchrun: start with it, or with system.nproc=N, or unset RANK and WORLD_SIZE."
        )
    return int(text)
