"""Weights & Biases. Imported only when the mode asks for it; a fault of network or service never costs the run."""

from __future__ import annotations

import math
import os
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

from metta.common.errors import ConfigError
from metta.common.log import get_logger
from metta.tracking.config import WandbConfig
from metta.tracking.logger import Logger, NullLogger

_log = get_logger(__name__)

STEP_METRIC = "metric/agent_step"
"""The x-axis of every chart but the one over time."""
PROBE_SECONDS = 5.0
"""How long a server may take to say anything at all, before a run is recorded offline."""
FINISH_SECONDS = 4.0
"""How long wandb may upload what is left at the end; its service then takes up to four more to stop."""
GIVE_UP_SECONDS = 9.5
"""After these its end is not waited for."""


def make_wandb_logger(
    config: WandbConfig, *, run: str, folder: Path, run_config: Mapping[str, Any], init_timeout: float = 30.0
) -> Logger:
    """The sink that ``config.mode`` names: nothing, an offline run under ``folder``/wandb, or an online one.

    Units: ``init_timeout`` seconds for a server that answers to make a run.

    Raises:
        ConfigError: wandb refuses the settings even offline.
    """
    if config.mode == "off":
        return NullLogger()
    # wandb's reports about itself go to the run's server, too; one that is silent would hold the end of the process.
    os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
    if config.mode == "online":
        try:
            _check_reachable()
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
    """One wandb run. The same run name goes on with the same wandb run.

    A service that dies, or a server that stops answering, is told once; the run goes on without it, and what was
    recorded stays in ``wandb/``. ``close`` takes at most :data:`GIVE_UP_SECONDS`.
    """

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
        self.mode = mode
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
                console="off",
                silent=True,
                disable_git=True,
                x_disable_stats=True,
                init_timeout=init_timeout,
                finish_timeout=FINISH_SECONDS,
                finish_timeout_raises=True,
            ),
        )
        self._path = f"{self._run.entity}/{self._run.project}/{self._run.id}"
        self._run.define_metric(STEP_METRIC)
        self._run.define_metric("*", step_metric=STEP_METRIC)
        self._run.define_metric("metric/total_time", hidden=True)
        self._run.define_metric("overview/reward_vs_total_time", step_metric="metric/total_time")

    def log(self, metrics: Mapping[str, float], step: int) -> None:
        finite = {key: value for key, value in metrics.items() if math.isfinite(value)}
        self._guarded(lambda run: run.log({**finite, STEP_METRIC: step}))

    def log_policy(self, path: Path, epoch: int, agent_step: int) -> None:
        """The policy at ``path`` as an artifact ``<run>`` of type ``model``, under the alias ``epoch-<epoch>``.

        wandb copies the file at once and uploads it by itself; the file may be deleted afterwards.
        """
        import wandb

        def upload(run: Any) -> None:
            artifact = wandb.Artifact(run.id, "model", metadata={"epoch": epoch, "agent_step": agent_step})
            artifact.add_file(str(path))
            run.log_artifact(artifact, aliases=["latest", f"epoch-{epoch}"])

        self._guarded(upload)

    def remote_tags(self) -> tuple[str, ...]:
        """The run's tags on the server now; blocks until it answers, so ask in a thread.

        Raises:
            Exception: whatever wandb raises when the server cannot be asked.
        """
        import wandb

        return tuple(wandb.Api(timeout=10).run(self._path).tags)

    def state(self) -> dict[str, Any]:
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Nothing to cut: rows that are logged again have the same ``metric/agent_step`` and the same values."""
        del state

    def close(self) -> None:
        if self._run is None:
            return
        run, self._run = self._run, None

        def finish() -> None:
            try:
                run.finish()
                _stop_service()  # waits until all is written: finish() alone may return before
            except Exception as error:  # noqa: BLE001 - a service of others may raise anything, and training is done
                self._tell(f"wandb could not finish its run ({_text(error)})")
                _stop_service()

        ending = threading.Thread(target=finish, name="wandb-finish", daemon=True)
        ending.start()
        ending.join(GIVE_UP_SECONDS)
        if ending.is_alive():
            self._tell(f"wandb did not finish its run within {GIVE_UP_SECONDS:g} s")

    def _guarded(self, call: Callable[[Any], object]) -> None:
        """``call`` with the wandb run; after its first fault wandb is given up for the rest of this start."""
        if self._run is None:
            return
        try:
            call(self._run)
        except Exception as error:  # noqa: BLE001 - a service of others may raise anything; the run must not end by it
            self._run = None
            self._tell(f"wandb failed ({_text(error)}) and gets no further rows")
            _stop_service()

    @staticmethod
    def _tell(what: str) -> None:
        _log.warning("%s. What it recorded is in the run's wandb/ folder; `wandb sync` uploads it later.", what)


class WandbArtifacts:
    """Policies as artifacts of a wandb run: every ``interval`` epochs, and the last one."""

    def __init__(self, logger: WandbLogger, interval: int) -> None:
        self.interval = interval
        self._logger = logger

    def start(self) -> None:
        """Nothing was left by an earlier start: wandb keeps its own queue."""

    def add(self, path: Path, epoch: int, agent_step: int) -> None:
        self._logger.log_policy(path, epoch, agent_step)

    def close(self, *, failed: bool, stop: Callable[[], bool]) -> None:
        """The logger's own end waits for the uploads."""
        del failed, stop


def _text(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _check_reachable() -> None:
    """A server that accepts connections and then says nothing would hold wandb for minutes.

    Raises:
        TimeoutError: nothing came back in time.
        OSError: no connection.
    """
    import wandb

    url = str(wandb.setup().settings.base_url)
    try:
        urllib.request.urlopen(url, timeout=PROBE_SECONDS).close()
    except urllib.error.HTTPError as answer:
        answer.close()  # whatever it says: it answers
    except urllib.error.URLError as error:
        if isinstance(error.reason, TimeoutError | ConnectionError | socket.gaierror):
            raise type(error.reason)(f"{url}: {error.reason}") from error
        # Certificates and the like: wandb has settings for these that are not known here.
    except TimeoutError as error:
        raise TimeoutError(f"{url} did not answer within {PROBE_SECONDS:g} s") from error


def _wandb_errors() -> tuple[type[BaseException], ...]:
    import wandb

    return (wandb.Error, OSError, TimeoutError)


def _stop_service() -> None:
    import wandb

    try:
        wandb.teardown()
    except (Exception, SystemExit) as error:  # noqa: BLE001 - gone already; wandb exits with a killed one's code
        _log.info("wandb's service ended by itself: %s", _text(error))


def _run_id(run: str) -> str:
    """wandb ids know no slashes or blanks and at most 128 characters; our run names may hold other letters too."""
    return "".join(letter if letter.isascii() and (letter.isalnum() or letter in "-_.") else "-" for letter in run)[
        :128
    ]
