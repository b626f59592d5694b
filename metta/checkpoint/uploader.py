"""Copies policies to an object store in the background; training never waits for it."""

from __future__ import annotations

import os
import re
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from metta.common.log import TELL, get_logger
from metta.common.run_dir import RunDir
from metta.common.storage import open_store

if TYPE_CHECKING:
    from obstore.store import ObjectStore

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
"""Seconds between two attempts: doubled after each failure."""
FAILURE_WAIT = 2.0
"""Seconds that a run which failed waits for an upload under way."""

_log = get_logger(__name__)


class Uploader:
    """Puts policies at ``<uri>/<run>/checkpoints/<run>:v<epoch>.mpt``, one after another, in the order they came.

    Each waits as a second link to its file in ``<run>/uploads``, so that retention cannot take it away and a killed run
    goes on uploading where it was. A store that fails is told once and asked again, with pauses that grow to a minute;
    a refusal (credentials, no such bucket) is asked again only when the next policy comes. A file is put whole or not
    at all, and putting it twice changes nothing.
    """

    interval = 0
    """Takes every policy that is saved."""

    def __init__(
        self, uri: str, run_dir: RunDir, timeout: float, *, first_pause: float = FIRST_PAUSE, request: float = 60.0
    ) -> None:
        self.uri = uri
        self.prefix = f"{run_dir.run}/checkpoints"
        self.folder = run_dir.uploads
        self.timeout = timeout
        self._first_pause = first_pause
        self._store: ObjectStore = open_store(uri, timeout=request)
        self._waiting: dict[str, int] = {}
        """Name -> how often it was added: a policy may be written again while its former bytes are under way."""
        self._changed = threading.Condition()
        self._stopping = False
        self._failures = 0
        self._thread = threading.Thread(target=self._work, name="uploads", daemon=True)

    def start(self) -> None:
        """Begin, with what an earlier start of the run left."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for path in sorted(self.folder.glob("*.mpt"), key=lambda path: (_epoch_of(path), path.name)):
            self._waiting[path.name] = 1
        self._thread.start()

    def add(self, path: Path, epoch: int, agent_step: int) -> None:
        """Upload the policy at ``path`` in the background. A disk that refuses the second link is told."""
        del epoch, agent_step
        try:
            _link(path, self.folder / path.name)
        except OSError as error:
            _log.warning("%s will not be uploaded: %s.", path, error.strerror or error)
            return
        with self._changed:
            self._waiting[path.name] = self._waiting.pop(path.name, 0) + 1
            self._changed.notify_all()

    def close(self, *, failed: bool, stop: Callable[[], bool] = lambda: False) -> None:
        """Wait until all is uploaded, at most ``timeout`` seconds (2 after a failure), or until ``stop()``."""
        end = time.monotonic() + (min(FAILURE_WAIT, self.timeout) if failed else self.timeout)
        with self._changed:
            while self._waiting and self._thread.is_alive() and time.monotonic() < end and not stop():
                self._changed.wait(min(0.2, max(0.0, end - time.monotonic())))
            self._stopping = True
            self._changed.notify_all()
            left = list(self._waiting)
        if self._thread.is_alive() and not left:  # between two uploads: a thread that outlives Python may end it badly
            self._thread.join(1.0)
        if left:
            _log.warning(
                "%d of the run's policies could not be uploaded to %s yet (the first: %s). They wait in %s; the same "
                "command uploads them.",
                len(left),
                self.uri,
                left[0],
                self.folder,
            )

    def _work(self) -> None:
        pause = self._first_pause
        while (name := self._next()) is not None:
            fault, refused = self._put(name)
            if fault is None:
                pause = self._first_pause
                continue
            self._tell(name, fault, refused=refused)
            with self._changed:
                known = dict(self._waiting)
                end = time.monotonic() + pause
                while not self._stopping and (refused or time.monotonic() < end):
                    self._changed.wait(None if refused else end - time.monotonic())
                    if refused and self._waiting != known:
                        break
            pause = min(2 * pause, LONGEST_PAUSE)

    def _next(self) -> str | None:
        """The oldest that waits; None when it is time to stop."""
        with self._changed:
            while not self._waiting and not self._stopping:
                self._changed.wait()
            return None if self._stopping else next(iter(self._waiting))

    def _put(self, name: str) -> tuple[Exception | None, bool]:
        """Upload it; the fault, and whether asking again soon is of no use."""
        import obstore
        from obstore.exceptions import BaseError, NotFoundError, PermissionDeniedError, UnauthenticatedError

        path = self.folder / name
        version = self._waiting[name]
        try:
            obstore.put(self._store, f"{self.prefix}/{name}", path)
        except FileNotFoundError:
            _log.warning("%s is gone: it is not uploaded.", path)
        except (NotFoundError, PermissionDeniedError, UnauthenticatedError) as error:
            return error, True
        except (BaseError, OSError, TimeoutError) as error:
            return error, False
        else:
            _log.info("uploaded %s to %s", name, self.uri)
            if self._failures:
                _log.warning("uploads to %s work again.", self.uri, extra=TELL)
            self._failures = 0
        with self._changed:
            if self._waiting[name] == version:
                del self._waiting[name]
                path.unlink(missing_ok=True)
            self._changed.notify_all()
        return None, False

    def _tell(self, name: str, error: Exception, *, refused: bool) -> None:
        """The first of several faults in a row is told to the person, all stand in the log."""
        self._failures += 1
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        when = "when the next policy is saved" if refused else "until it succeeds"
        text = "cannot upload %s to %s: %s. Training goes on; it is tried again %s."
        (_log.warning if self._failures == 1 else _log.info)(text, name, self.uri, reason, when)


def _link(source: Path, target: Path) -> None:
    """A second name for the file, or a copy where the file system has no links."""
    partial = target.with_name(f".partial-{target.name}")
    partial.unlink(missing_ok=True)
    try:
        os.link(source, partial)
    except OSError:
        shutil.copyfile(source, partial)
    os.replace(partial, target)
    partial.unlink(missing_ok=True)  # replacing one link by another to the same file leaves both


def _epoch_of(path: Path) -> int:
    match = re.search(r":v(\d+)\.mpt$", path.name)
    return int(match[1]) if match else -1
