"""Numbers for Prometheus, in its text format."""

from __future__ import annotations

import math
import os
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

BUCKETS = (0.1, 0.3, 1, 3, 10, 30, 100, 300)
"""Seconds."""


class Metrics:
    """What has happened since the service was started."""

    def __init__(self) -> None:
        self.refused: Counter[str] = Counter()
        self.finished: Counter[str] = Counter()
        self.seconds: dict[str, Counter[float]] = {}
        self.total: dict[str, float] = defaultdict(float)

    @contextmanager
    def timed(self, what: str) -> Iterator[None]:
        """Count one more piece of work, and its seconds."""
        began = time.monotonic()
        try:
            yield
        finally:
            seconds = time.monotonic() - began
            bound = next((bound for bound in BUCKETS if seconds <= bound), math.inf)
            self.seconds.setdefault(what, Counter())[bound] += 1
            self.total[what] += seconds


def text(metrics: Metrics, jobs: Mapping[str, int], pids: Mapping[str, int], **now: float) -> str:
    """Return all numbers.

    `jobs` counts jobs by state, `pids` are processes by name, whose memory is told, and `now` are
    other numbers by name.
    """
    families = [
        ("jobs", "gauge", _labelled("state", jobs)),
        ("jobs_finished_total", "counter", _labelled("state", metrics.finished)),
        ("requests_refused_total", "counter", _labelled("reason", metrics.refused)),
        ("seconds", "histogram", list(_histogram(metrics))),
        ("memory_bytes", "gauge", _labelled("process", _memory(pids))),
    ]
    for name, value in now.items():
        kind = "counter" if name.endswith("_total") else "gauge"
        families.append((name, kind, [("", value)]))
    lines = []
    for name, kind, samples in families:
        lines.append(f"# TYPE alphamat_{name} {kind}")
        lines += [f"alphamat_{name}{rest} {value:.10g}" for rest, value in samples]
    return "\n".join(lines) + "\n"


def _labelled(label: str, values: Mapping[str, float]) -> list[tuple[str, float]]:
    return [(f'{{{label}="{name}"}}', value) for name, value in sorted(values.items())]


def _histogram(metrics: Metrics) -> Iterator[tuple[str, float]]:
    for what, counts in sorted(metrics.seconds.items()):
        for bound in (*BUCKETS, math.inf):
            below = sum(count for other, count in counts.items() if other <= bound)
            edge = "+Inf" if bound == math.inf else f"{bound:g}"
            yield f'_bucket{{what="{what}",le="{edge}"}}', below
        yield f'_sum{{what="{what}"}}', metrics.total[what]
        yield f'_count{{what="{what}"}}', counts.total()


def _memory(pids: Mapping[str, int]) -> dict[str, float]:
    """Return resident bytes by process, where Linux tells."""
    found = {}
    for name, pid in pids.items():
        try:
            pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        except (OSError, ValueError, IndexError):
            continue
        found[name] = pages * os.sysconf("SC_PAGE_SIZE")
    return found
