"""Jobs, and the private folders that hold all that is known of their pictures."""

from __future__ import annotations

import secrets
import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path

from alphamat.serve.faults import Fault

STATES = ("queued", "running", "done", "unsure", "failed")


@dataclass(eq=False)
class Job:
    """A picture, and what has become of it."""

    id: str
    folder: Path
    name: str = "picture"
    """What its files are called in an archive."""
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
    bytes: int = 0

    @property
    def busy(self) -> bool:
        return self.state in ("queued", "running")

    def told(self) -> dict:
        """Return what a client is told of the job."""
        names = ("id", "state", "progress", "step", "width", "height", "doubt", "reason")
        more = ("error", "argument", "method", "warnings")
        return {name: getattr(self, name) for name in (*names, *more)}

    def measure(self) -> None:
        """Sum the sizes of the job's files."""
        files = [path for path in self.folder.rglob("*") if path.is_file()]
        self.bytes = sum(path.stat().st_size for path in files)


class Jobs:
    """All jobs by their ids, which nobody can guess."""

    def __init__(self, folder: Path, keep: float, most_disk: int):
        self.folder, self.keep, self.most_disk = folder, keep, most_disk
        self.all: dict[str, Job] = {}
        self.batches: dict[str, list[Job]] = {}

    def new(self) -> Job:
        """Return a job with an empty folder, which is not known by its id yet."""
        id = secrets.token_urlsafe(16)
        folder = self.folder / id
        folder.mkdir(mode=0o700)
        return Job(id, folder)

    def get(self, id: str) -> Job:
        job = self.all.get(id)
        if job is None:
            raise Fault(404, "There is no such job; results are kept for a while only.")
        job.asked = time.monotonic()
        return job

    def remove(self, job: Job) -> None:
        self.all.pop(job.id, None)
        shutil.rmtree(job.folder, ignore_errors=True)

    def sweep(self) -> None:
        """Remove results that nobody has asked for lately, and the oldest of too many."""
        now = time.monotonic()
        idle = sorted((job for job in self.all.values() if not job.busy), key=lambda job: job.asked)
        total = sum(job.bytes for job in self.all.values())
        for job in idle:
            if now - job.asked > self.keep or total > self.most_disk:
                total -= job.bytes
                self.remove(job)
        for id in [
            id for id, jobs in self.batches.items() if not any(j.id in self.all for j in jobs)
        ]:
            del self.batches[id]
