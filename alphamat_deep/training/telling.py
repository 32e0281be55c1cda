"""What a run tells: a bar or plain lines on stderr, `scalars.jsonl`, and a callback."""

from __future__ import annotations

import json
import math
import os
import sys
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from alphamat.io.whole import replace_file
from alphamat.progress import Bar, bar
from alphamat_deep.training.clock import UNKNOWN
from alphamat_deep.training.recipe import Recipe

Callback = Callable[[dict[str, Any]], None]
"""A function of what a line of `scalars.jsonl` holds."""

PAUSE = 30.0
"""Seconds between two plain lines."""
FIRST = "total", "gradient"


class Moment(NamedTuple):
    """When a step was done."""

    time: float
    step: int
    waited: float
    """Seconds that the devices had waited for data by then."""


class Teller:
    """Tells each step, and each validation, to whoever is there."""

    def __init__(self, scalars: BinaryIO, bar: Bar | None, recipe: Recipe):
        self.scalars, self.bar = scalars, bar
        self.batch = recipe.batch
        self.expect(recipe.steps)
        self.callback: Callback | None = None
        self.prints = True
        self.waited = 0.0
        """Seconds that the devices have waited for data."""
        self.recent: deque[Moment] = deque(maxlen=50)
        self.said = -math.inf
        self.skipped = 0
        """Damaged files in the run so far, in the place of which others were taken."""
        self.faults: Counter[str] = Counter()
        """Those since this process began, by what was said of them."""
        self.sizes: list[dict[str, tuple[int, ...]]] = []
        """Of batches; a step is compiled for each."""
        self.list: Path | None = None
        """File that names each of them once."""

    def expect(self, steps: int) -> None:
        """Tell from now on how many steps there will be, if that is known."""
        self.steps = steps if steps < UNKNOWN else math.inf
        if self.bar is not None:
            self.bar.drawn.update(self.bar.task, total=steps if steps < UNKNOWN else None)

    def of(self) -> str:
        return f" of {self.steps}" if math.isfinite(self.steps) else ""

    def step(self, step: int, scalars: Mapping[str, float]) -> None:
        """Tell the losses of a step."""
        self.recent.append(Moment(monotonic(), step, self.waited))
        rate, share = self.speed()
        self._write({"step": step, **scalars, "pictures_per_second": rate, "waiting": share})
        now = monotonic()
        if self.bar is None and now - self.said < PAUSE and step < self.steps:
            return
        told = ", ".join(f"{name} {scalars[name]:.4g}" for name in _in_order(scalars))
        if math.isfinite(rate):
            told += f"; {rate:.3g} pictures/s, {share:.0%} of the time waiting for data"
        if self.skipped:
            told += f"; damaged files left out {self.skipped} times"
        if self.bar is not None:
            self.bar.advance(told)
        else:
            self.say(f"step {step}{self.of()}: {told}{self._left(rate, step)}")

    def left_out(self, step: int, faults: Mapping[str, int]) -> None:
        """Tell of files that the batch of a step should have had; `faults` are all so far."""
        if more := Counter(faults) - self.faults:
            self.skipped += more.total()
            self.faults += more
            self._write({"step": step, "skipped": self.skipped})
            if self.list is not None:
                _add_lines(self.list, more)

    def compiled(self, step: int, batch: Mapping[str, Any]) -> None:
        """Say so where a step was compiled anew, for a size that no batch had before."""
        if (size := {key: np.shape(x) for key, x in batch.items()}) in self.sizes:
            return
        self.sizes.append(size)
        if len(self.sizes) > 1:
            key = "image" if "image" in size else next(iter(size))
            shape = " × ".join(map(str, size[key]))
            self.say(f"step {step} was compiled for {key} {shape}: {len(self.sizes)} programs now")
            self.pause()

    def validated(self, step: int, scores: Mapping[str, float], best: bool) -> None:
        self._write({"step": step, **{f"validation_{name}": x for name, x in scores.items()}})
        told = ", ".join(f"{name} {score:.4g}" for name, score in scores.items())
        self.say(f"validation after step {step}: {told}{', the best so far' * best}")

    def say(self, line: str) -> None:
        """Print a line beside the bar, or where there is none."""
        self.said = monotonic()
        if not self.prints:
            return
        if self.bar is None:
            print(line, file=sys.stderr, flush=True)
        else:
            self.bar.drawn.console.print(line, highlight=False, markup=False)

    def pause(self) -> None:
        """Leave out of the speed what has been done since the last step, such as a validation."""
        last = [moment._replace(time=monotonic()) for moment in [*self.recent][-1:]]
        self.recent.clear()
        self.recent.extend(last)

    def speed(self) -> tuple[float, float]:
        """Return pictures per second, and the share of time without data, over recent steps.

        The first step, which compiles, is not among them: both are NaN then.
        """
        if not self.recent:
            return math.nan, math.nan
        first, last = self.recent[0], self.recent[-1]
        seconds = last.time - first.time
        if not seconds:
            return math.nan, math.nan
        rate = self.batch * (last.step - first.step) / seconds
        return rate, min(1.0, (last.waited - first.waited) / seconds)

    def _left(self, rate: float, step: int) -> str:
        if not math.isfinite(rate + self.steps) or step == self.steps:
            return ""
        seconds = (self.steps - step) * self.batch / rate
        told = f"{seconds / 3600:.1f} h" if seconds > 5400 else f"{math.ceil(seconds / 60)} min"
        return f", {told} left"

    def _write(self, record: dict[str, Any]) -> None:
        finite = {k: v if math.isfinite(v) else None for k, v in record.items()}
        self.scalars.write(json.dumps(finite).encode() + b"\n")
        if self.callback is not None:
            self.callback(record)


@contextmanager
def telling(
    out: Path | None, start: int, recipe: Recipe, callback: Callback | None
) -> Iterator[Teller]:
    """Yield what tells of a run from step `start` on; None as its folder tells nobody.

    Later lines of `scalars.jsonl`, and one cut short, are cut off.
    """
    path = Path(os.devnull)
    if out is not None:
        cut_back(path := out / "scalars.jsonl", start)
    with (
        open(path, "ab", buffering=0) as scalars,
        bar(total=recipe.steps, done=start, shown=out is not None) as shown,
    ):
        # Where nothing is drawn, plain lines take the bar's place.
        drawn = not shown.drawn.disable or shown.cell is not None
        told = Teller(scalars, shown if drawn else None, recipe)
        told.skipped = max((x.get("skipped", 0) for x in records(path)), default=0)
        told.list = None if out is None else out / "left_out.txt"
        told.prints, told.callback = out is not None, callback if out is not None else None
        yield told


def _add_lines(path: Path, texts: Iterable[str]) -> None:
    """Add lines that a file has not yet."""
    lines = [" ".join(text.split()) for text in texts]
    known = set(path.read_text("utf-8").splitlines()) if path.exists() else set()
    with open(path, "a", encoding="utf-8", errors="backslashreplace") as file:
        file.writelines(f"{line}\n" for line in lines if line not in known)


def cut_back(path: Path, step: int) -> None:
    """Leave out lines of later steps, which will be made again, and a line cut short."""
    if path.exists():
        with open(path, "rb") as file:
            replace_file(path, (line for line in file if _is_until(line, step)))


def records(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the lines of `scalars.jsonl` that are whole."""
    if path.exists():
        with open(path, "rb") as file:
            yield from (record for line in file if (record := _parsed(line)) is not None)


def _is_until(line: bytes, step: int) -> bool:
    record = _parsed(line)
    return record is not None and record["step"] <= step


def _parsed(line: bytes) -> dict[str, Any] | None:
    if not line.endswith(b"\n"):
        return None
    try:
        match json.loads(line):
            case {"step": int()} as record:
                return record
    except (ValueError, RecursionError):
        pass
    return None


def _in_order(scalars: Mapping[str, float]) -> list[str]:
    return [*[x for x in FIRST if x in scalars], *sorted(set(scalars) - set(FIRST))]
