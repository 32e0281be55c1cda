"""Scores on alphamatting.com's training pictures, ours and PyMatting's in one run.

`python -m benchmarks.quality [--contest NAME …]`. GT01 to GT18 at low resolution, both trimaps: 36
mattes a method, each with its defaults, rounded to 8 bits as published numbers are. SAD, MSE, Grad
and Conn are means over them, of the unknown pixels, by the official definitions
(`alphamat.metrics`). The rank is as on alphamatting.com: by SAD among all methods of the run, for
each picture and trimap, averaged.
"""

from __future__ import annotations

from alphamat import datasets, evaluation
from benchmarks.cases import DATA
from benchmarks.contests import CONTESTS, PEER
from benchmarks.report import Table, choose

FOLDER = DATA / "alphamatting"


def main() -> None:
    options = choose(__doc__)
    if not FOLDER.is_dir():
        print(f"The pictures are not here: {FOLDER}")
        return
    methods = {}
    for name in options.contest:
        contest = CONTESTS[name]
        if contest.wants == "trimap":
            methods |= {
                entry if entry != PEER else f"{PEER}'s {contest.peer}": method
                for entry, method in contest.entries().items()
            }
    pictures = datasets.folder(FOLDER, image="input", trimap=("trimap1", "trimap2"), alpha="gt")
    found = evaluation.evaluate(methods, pictures)
    ranks = found.ranks("sad")
    table = Table(
        f"{'method':<36}", "  SAD", "    MSE", " Grad", " Conn", "rank", "mattes", "failed",
        "unconverged",
    )  # fmt: skip
    for means in found.means():
        table.add(
            means.method,
            f"{means.sad:.2f}",
            f"{means.mse:.4f}",
            f"{means.grad:.2f}",
            f"{means.conn:.2f}",
            f"{ranks[means.method].overall:.1f}",
            f"{means.scored}",
            f"{means.failed}",
            f"{means.unconverged}",
        )


if __name__ == "__main__":
    main()
