"""Jobs, and the private folders that hold all that is known of their pictures."""

from __future__ import annotations

import secrets
import shutil
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from alphamat.serve.faults import Fault

TOLD = (
    *("id", "state", "progress", "step", "width", "height", "doubt", "reason", "error"),
    *("argument", "method", "warnings"),
)


UPLOADS = ("picture", "trimap", "plate", "mask")


@dataclass(eq=False)
class Job:
    """A picture, and what has become of it."""

    id: str
    folder: Path
    name: str = "picture"
    """What its file is called in an archive."""
    method: str = ""
    state: str = "queued"
    progress: float = 0.0
    step: str = ""
    width: int = 0
    height: int = 0
    doubt: float | None = None
    reason: str = ""
    error: str = ""
    argument: str | None = None
    warnings: list[str] = field(default_factory=list)
    asked: float = field(default_factory=time.monotonic)
    """When somebody last asked for it."""
    ready: bool = False
    """Whether its folder holds a trimap and an alpha."""
    bytes: int = 0

    @property
    def busy(self) -> bool:
        return self.state in ("queued", "running")

    def told(self) -> dict[str, object]:
        """Return what a client is told of the job."""
        return {name: getattr(self, name) for name in TOLD}

    def refuse_unless_ready(self) -> None:
        if not self.ready:
            raise Fault(409, f"There is no result yet: the job is {self.state}.", reason="early")

    def measure(self) -> None:
        """Sum the sizes of the job's files, which come and go."""
        self.bytes = 0
        with suppress(OSError):
            for path in self.folder.iterdir():
                with suppress(OSError):
                    self.bytes += path.stat().st_size

    def discard(self) -> None:
        """Delete what a run that failed has left: all but uploads, or but the older result."""
        with suppress(OSError):
            for path in self.folder.iterdir():
                if path.suffix == ".part" or not (self.ready or path.name in UPLOADS):
                    path.unlink(missing_ok=True)


class Jobs:
    """All jobs by their ids, which nobody can guess."""

    def __init__(self, folder: Path, keep: float, most_disk: int):
        self.folder, self.keep, self.most_disk = folder, keep, most_disk
        self.all: dict[str, Job] = {}
        self.batches: dict[str, list[Job]] = {}

    @contextmanager
    def new(self) -> Iterator[Job]:
        """Give a job with an empty folder; nothing is left of it where the request fails."""
        id = secrets.token_urlsafe(16)
        folder = self.folder / id
        folder.mkdir(mode=0o700)
        job = Job(id, folder)
        try:
            yield job
        except BaseException:
            self.remove(job)
            raise

    def get(self, id: str) -> Job:
        job = self.all.get(id)
        if job is None:
            raise missing()
        job.asked = time.monotonic()
        return job

    def remove(self, job: Job) -> None:
        self.all.pop(job.id, None)
        shutil.rmtree(job.folder, ignore_errors=True)

    def sweep(self) -> None:
        """Remove results that nobody has asked for lately, and the oldest of too many."""
        now = time.monotonic()
        total = sum(job.bytes for job in self.all.values())
        resting = [job for job in self.all.values() if not job.busy]
        for job in sorted(resting, key=lambda job: job.asked):
            if now - job.asked > self.keep or total > self.most_disk:
                total -= job.bytes
                self.remove(job)
        alive = {id: any(j.id in self.all for j in jobs) for id, jobs in self.batches.items()}
        self.batches = {id: jobs for id, jobs in self.batches.items() if alive[id]}

    def refuse_if_full(self) -> None:
        """Raise if the files of jobs that wait or run fill the disk."""
        self.sweep()
        if sum(job.bytes for job in self.all.values()) > self.most_disk:
            error = "The server keeps as many pictures as it may; try again later."
            raise Fault(507, error, reason="disk", retry=30)

    def states(self) -> Counter[str]:
        return Counter(job.state for job in self.all.values())


def missing() -> Fault:
    return Fault(404, "There is no such job; results are kept for a while only.", reason="missing")
