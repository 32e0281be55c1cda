"""Runs of `alphamat batch` whose processes are killed, and small pictures for them.

By hand: `python -m tests.alphamat.batch.havoc FOLDER 10000` makes so many pictures, mattes them
undisturbed, and again with its processes killed, compares the files, and prints what it saw.
"""

import os
import random
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import numpy as np

from alphamat.io.images import write_image

ROOT = Path(__file__).parents[3]


def paint(folder, count, size=48):
    """Write pictures of discs with soft edges, and their trimaps, a thousand to a folder."""
    y, x = np.mgrid[:size, :size]
    for at in range(count):
        rng = np.random.default_rng(at)
        far = np.hypot(y - rng.uniform(16, 32), x - rng.uniform(16, 32))
        radius = rng.uniform(8, 13)
        alpha = np.clip((radius - far) / 3 + 0.5, 0, 1)[..., None]
        colours = rng.uniform(size=(2, 3))
        image = alpha * colours[0] + (1 - alpha) * colours[1] + rng.normal(0, 0.03, (size, size, 3))
        trimap = np.select([far < radius - 4, far > radius + 4], [1.0, 0.0], 0.5)
        place = folder / f"{at // 1000:02}"
        place.mkdir(parents=True, exist_ok=True)
        write_image(place / f"{at:05}.png", np.clip(image, 0, 1))
        write_image(place / f"{at:05}_trimap.png", trimap)


def start(folder, out, *options):
    command = [sys.executable, "-m", "alphamat", "batch", folder, "-o", out, "--jobs", "2"]
    return subprocess.Popen(
        [*map(str, command), "--method", "closed-form", *options],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def results(out):
    """Return the content of each output by its name."""
    return {path.relative_to(out): path.read_bytes() for path in sorted(out.rglob("[!.]*.png"))}


def lines(out):
    """Count the finished pictures."""
    journal = out / ".batch" / "journal.jsonl"
    return journal.read_bytes().count(b"\n") if journal.exists() else 0


def workers(pid):
    """Return the processes that a process has started."""
    try:
        return [int(x) for x in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def resident(pid):
    """Return the mebibytes that a process holds; 0 of one that is gone."""
    try:
        told = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return next((int(x.split()[1]) / 1024 for x in told.splitlines() if x[:6] == "VmRSS:"), 0)


def disturbed(folder, out, every, ends, options=()):
    """Run until all is done; kill a process after so many pictures, and the run at some counts.

    Return how many were killed, how many runs it took, and (pictures, MiB) of the main process.
    """
    rng, ends = random.Random(58), list(ends)
    killed, runs, last, held = 0, 0, 0, []
    while runs < 20:
        program, runs = start(folder, out, *options), runs + 1
        while program.poll() is None:
            time.sleep(0.02)
            count = lines(out)
            held.append((count, resident(program.pid)))
            crew = workers(program.pid)
            if ends and count >= ends[0]:
                ends.pop(0)
                program.kill()
                last = count
            elif count >= last + every and crew:
                last, killed = count, killed + 1
                os.kill(rng.choice(crew), signal.SIGKILL)
        program.communicate()
        if program.returncode == 0:
            break
    return killed, runs, held


def main(folder, count):
    folder = Path(folder)
    paint(folder / "pictures", count)
    begin = time.monotonic()
    told = start(folder / "pictures", folder / "whole").communicate()[0]
    print(f"undisturbed: {told.strip()}, {time.monotonic() - begin:.0f} s", flush=True)
    begin = time.monotonic()
    ends = [count // 3, 2 * count // 3]
    killed, runs, held = disturbed(folder / "pictures", folder / "killed", count // 50, ends)
    print(f"{killed} processes killed, {runs} runs, {time.monotonic() - begin:.0f} s")
    one, other = results(folder / "whole"), results(folder / "killed")
    print(f"{len(one)} and {len(other)} files, equal: {one == other}")
    written = lines(folder / "killed")
    print(f"{written} lines in the journal: {written - count} pictures were done twice")
    for low, high in pairwise(range(0, count + count // 10, count // 10)):
        some = [mib for at, mib in held if low <= at < high and mib]
        if some:
            print(f"{low:6} to {high:6} pictures: {max(some):.1f} MiB at most")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
