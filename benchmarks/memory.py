"""Peak memory of closed-form matting above the imports and the inputs.

Each number is measured in a process of its own, which imports the library, runs it on a tiny
picture so that everything is compiled and loaded, reads the picture (float64), notes its memory,
runs once, and reports how far its peak lies above that (Linux: VmHWM, reset before the run, against
VmRSS). MB are 10⁶ bytes.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.cases import CASES, Picture, load
from benchmarks.report import Table, choose

METHODS = {
    "ours": "from alphamat import closed_form as method",
    "PyMatting": "from pymatting import estimate_alpha_cf as method",
}

CHILD = """
import sys, numpy as np
{load_method}

def status(key):
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith(key + ":"))

image, trimap = (np.load(path) for path in sys.argv[1:])
tiny = np.random.default_rng(0).random((32, 32, 3))
marks = np.full((32, 32), 0.5)
marks[:, :8], marks[:, -8:] = 0, 1
method(tiny, marks)
with open("/proc/self/clear_refs", "w") as file:
    file.write("5")
before = status("VmRSS")
method(image, trimap)
print(status("VmHWM") - before)
"""


def peak(method: str, picture: Picture) -> float:
    """Return the MB that `METHODS[method]` adds at its peak; NaN where no /proc tells."""
    if not Path("/proc/self/clear_refs").exists():
        return np.nan
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / "image.npy", Path(folder) / "trimap.npy"]
        for path, array in zip(paths, picture, strict=True):
            np.save(path, array)
        program = CHILD.format(load_method=METHODS[method])
        command = [sys.executable, "-W", "ignore", "-c", program, *map(str, paths)]
        child = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return int(child.stdout.split()[-1]) * 1024 / 1e6


def main() -> None:
    cases = choose(__doc__)
    table = Table("picture", "   MP", "unknown", "ours, MB", "PyMatting, MB", "share")
    for name, with_peer in cases:
        picture = load(CASES[name])
        ours = peak("ours", picture)
        theirs = peak("PyMatting", picture) if with_peer else np.nan
        table.add(
            name,
            f"{picture.trimap.size / 1e6:.2f}",
            f"{picture.unknown.mean():.0%}",
            f"{ours:.0f}",
            f"{theirs:.0f}",
            f"1/{theirs / ours:.1f}",
        )


if __name__ == "__main__":
    main()
