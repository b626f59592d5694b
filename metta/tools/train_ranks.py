"""A training in several processes: starting the ranks, each rank's share of the sizes, and how a rank ends.

Knows no torch: sizes are checked before anything starts.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from metta.common.errors import ConfigError, InterruptedBySignal, MettaError, NotANumberError
from metta.common.log import FILE_ONLY, get_logger
from metta.rl.world import SOLO, PeerFailedError, RanksDifferError, World
from metta.tools.launcher import is_command_line, is_rank, launch, own_command, world_size
from metta.tracking.logger import NullLogger

if TYPE_CHECKING:
    from metta.tools.train import TrainTool

_log = get_logger(__name__)


class SilentConsole(NullLogger):
    """The console of ranks that do not speak."""

    def phase(self, name: str) -> None:
        del name

    def start(self, step: int, epoch: int = 0) -> None:
        del step, epoch


def ranks_of(tool: TrainTool) -> int:
    """How many ranks train: torchrun's number, or ``system.nproc``."""
    return world_size(tool.system.nproc)


def must_launch(tool: TrainTool) -> bool:
    """Whether this process is to start the ranks, and is none of them."""
    return tool.system.nproc > 1 and not is_rank()


def sized_for_rank(tool: TrainTool, world_size: int, local_size: int = 1) -> TrainTool:
    """``tool`` as one of ``world_size`` ranks runs it, ``local_size`` of which share this machine's cores.

    ``trainer.scale_batches_by_world_size``: the ranks share batch, minibatch and environments; else each has
    them whole.

    Raises:
        ConfigError: something cannot be shared evenly, or the environments cannot fill the batch.
    """
    env = tool.training_env
    changes: dict[str, object] = {}
    if tool.trainer.scale_batches_by_world_size and world_size > 1:
        if env.num_envs % world_size:
            raise ConfigError(
                f"training_env.num_envs={env.num_envs} cannot be shared by {world_size} ranks "
                f"(trainer.scale_batches_by_world_size=true). Set a multiple of {world_size}."
            )
        changes["num_envs"] = env.num_envs // world_size
    if local_size > 1 and env.type == "mettagrid" and env.num_threads == 0:
        changes["num_threads"] = threads_of_rank(local_size)
    trainer = tool.trainer.for_rank(world_size)
    env = env.replace(changes)
    trainer.check_rows(env.num_rows)
    return tool.model_copy(update={"trainer": trainer, "training_env": env})


def threads_of_rank(local_size: int) -> int:
    """Each rank's share of this machine's cores, at least one."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, cores // local_size)


def launch_ranks(tool: TrainTool) -> int:
    """Start ``system.nproc`` ranks of this training and wait for them; the exit code for all of them."""
    nproc, restarts = tool.system.nproc, tool.system.max_restarts
    if tool.system.device.startswith("cuda:"):
        raise ConfigError(
            f"system.device={tool.system.device} names one GPU, but system.nproc={nproc} ranks take one each. Set "
            "system.device=cuda; CUDA_VISIBLE_DEVICES chooses which ones."
        )
    if is_command_line():
        return launch(own_command(f"run={tool.run}"), nproc, restarts)
    with tempfile.TemporaryDirectory() as folder:  # invoked from Python: there is no command line to repeat
        config = Path(folder) / "config.yaml"
        tool.save_resolved(config)
        command = [sys.executable, "-P", "-m", "metta.cli.main", "train", f"config={config}"]
        return launch(command, nproc, restarts)


def in_world(tool: TrainTool, work: Callable[[World], int]) -> int:
    """``work(world)`` in the world that this process was started in.

    An error that all ranks know is told by the master, or by the rank where it came from: the others end quietly, with
    the same exit code.
    """
    if ranks_of(tool) == 1:
        return work(SOLO)
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")  # else each rank is told that it looks for unused parameters
    from metta.rl.distributed import open_world

    world = open_world(tool.system.device, patience=tool.system.rank_patience)
    try:
        return work(world)
    except PeerFailedError as error:
        _log.error("%s", error, extra=FILE_ONLY)
        return error.exit_code
    except MettaError as error:
        if world.is_master or not (isinstance(error, InterruptedBySignal | NotANumberError | RanksDifferError)):
            raise
        _log.error("%s", error, extra=FILE_ONLY)
        return int(error.exit_code)
    finally:
        world.close()


def device_of_rank(device: str, world: World) -> str:
    """``system.device`` of this rank: with several, each takes the GPU of its local number."""
    if world.size == 1 or device == "cpu":
        return device
    import torch

    on_gpu = device.startswith("cuda") or torch.cuda.is_available()
    return f"cuda:{world.local_rank}" if on_gpu else "cpu"
