"""Executors by name: one line each."""

from __future__ import annotations

from metta.agent.executors.base import Executor
from metta.agent.executors.compiled import CompiledExecutor
from metta.agent.executors.memory import MemoryExecutor
from metta.agent.executors.parallel import ParallelExecutor
from metta.agent.executors.sequential import SequentialExecutor

EXECUTORS: dict[str, type[Executor]] = {
    "sequential": SequentialExecutor,
    "parallel": ParallelExecutor,
    "compiled": CompiledExecutor,
    "memory": MemoryExecutor,
}
