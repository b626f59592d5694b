"""What every tool asks about the machine and the place of its files. Knows no torch."""

from __future__ import annotations

from pydantic import Field

from metta.common.config import Config


class SystemConfig(Config):
    """Seed, device, threads and data directory of a tool."""

    seed: int = Field(default=0, ge=0, lt=2**63, description="the one seed that all randomness is derived from")
    device: str = Field(
        default="auto",
        pattern=r"^(auto|cpu|cuda(:\d+)?)$",
        description="auto (CUDA when there is one), cpu, cuda or cuda:<n>",
    )
    torch_threads: int = Field(
        default=0, ge=0, description="threads of one torch operation; 0 = all cores, shared by ranks"
    )
    data_dir: str = Field(default="./train_dir", min_length=1, description="runs are written below this directory")
    nproc: int = Field(default=1, ge=1, le=1024, description="train: ranks on this machine, averaging their gradients")
    max_restarts: int = Field(
        default=3, ge=0, description="train with several ranks: new starts from the newest state after a rank died"
    )
    rank_patience: float = Field(
        default=30.0, ge=3, description="train with several ranks: seconds without a sign of life until one is given up"
    )
