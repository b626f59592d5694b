"""Weights & Biases. Imported only when the mode asks for it; a network fault never costs the run."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from metta.common.errors import ConfigError
from metta.common.log import get_logger
from metta.tracking.config import WandbConfig
from metta.tracking.logger import Logger, NullLogger

_log = get_logger(__name__)

STEP_METRIC = "metric/agent_step"
"""The x-axis of every chart."""


def make_wandb_logger(
    config: WandbConfig, *, run: str, folder: Path, run_config: Mapping[str, Any], init_timeout: float = 30.0
) -> Logger:
    """The sink that ``config.mode`` names: nothing, an offline run under ``folder``/wandb, or an online one.

    Units: ``init_timeout`` seconds to reach the server.

    Raises:
        ConfigError: wandb refuses the settings even offline.
    """
    if config.mode == "off":
        return NullLogger()
    if config.mode == "online":
        try:
            return WandbLogger(config, "online", run, folder, run_config, init_timeout)
        except _wandb_errors() as error:
            _log.warning(
                "wandb.mode=online failed (%s); recording offline under %s instead (`wandb sync` uploads it later).",
                " ".join(str(error).split()) or type(error).__name__,
                folder / "wandb",
            )
            _stop_service()  # it would hold the failed run's id
    try:
        return WandbLogger(config, "offline", run, folder, run_config, init_timeout)
    except _wandb_errors() as error:
        raise ConfigError(f"wandb={config.mode} cannot be used: {error}. Set wandb=off to train without it.") from error


class WandbLogger:
    """One wandb run. The same run name goes on with the same wandb run."""

    def __init__(
        self,
        config: WandbConfig,
        mode: Literal["offline", "online"],
        run: str,
        folder: Path,
        run_config: Mapping[str, Any],
        init_timeout: float,
    ) -> None:
        import wandb

        folder.mkdir(parents=True, exist_ok=True)
        self._run: Any = wandb.init(
            mode=mode,
            project=config.project,
            entity=config.entity,
            group=config.group,
            tags=list(config.tags),
            notes=config.notes or None,
            name=run,
            id=_run_id(run),
            resume="allow",
            dir=str(folder),
            config=dict(run_config),
            settings=wandb.Settings(
                console="off", silent=True, disable_git=True, x_disable_stats=True, init_timeout=init_timeout
            ),
        )
        self._run.define_metric(STEP_METRIC)
        self._run.define_metric("*", step_metric=STEP_METRIC)

    def log(self, metrics: Mapping[str, float], step: int) -> None:
        if self._run is not None:
            finite = {key: value for key, value in metrics.items() if math.isfinite(value)}
            self._run.log({STEP_METRIC: step, **finite})

    def state(self) -> dict[str, Any]:
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Nothing to cut: rows that are logged again have the same ``metric/agent_step`` and the same values."""
        del state

    def close(self) -> None:
        if self._run is not None:
            run, self._run = self._run, None
            run.finish()
            _stop_service()  # waits until all is written: finish() alone may return before


def _wandb_errors() -> tuple[type[BaseException], ...]:
    import wandb

    return (wandb.Error, OSError, TimeoutError)


def _stop_service() -> None:
    import wandb

    wandb.teardown()


def _run_id(run: str) -> str:
    """wandb ids know no slashes or blanks and at most 128 characters; our run names may hold other letters too."""
    return "".join(letter if letter.isascii() and (letter.isalnum() or letter in "-_.") else "-" for letter in run)[
        :128
    ]
