"""Scores on photographs with true alphas, ours and PyMatting's in one run.

`python -m benchmarks.quality [--contest NAME …]`. GT01 to GT18 of alphamatting.com at low
resolution with the narrow and the wide trimap, crops of Adobe's pictures, two portraits, and three
pictures of Composition-1k, each with its method's defaults, rounded to 8 bits as published numbers
are. SAD, MSE, Grad and Conn are means over a set, of the unknown pixels, by the official
definitions (`alphamat.metrics`). The rank is as on alphamatting.com: by SAD among all methods of
the run, for each picture, averaged.
"""

from __future__ import annotations

from functools import partial

from alphamat import datasets, evaluation
from benchmarks.cases import DATA
from benchmarks.contests import CONTESTS, PEER
from benchmarks.report import Table, choose

PHOTOGRAPHS = partial(datasets.folder, DATA / "alphamatting", image="input", alpha="gt")
SETS = {
    "narrow trimaps": partial(PHOTOGRAPHS, trimap="trimap1"),
    "wide trimaps": partial(PHOTOGRAPHS, trimap="trimap2"),
    "Adobe, crops": partial(datasets.folder, DATA / "adobe_crops_320"),
    "portraits": partial(datasets.folder, DATA / "portraits"),
    "Composition-1k": partial(datasets.folder, DATA / "composition1k_samples"),
}


def main() -> None:
    options = choose(__doc__)
    if not DATA.is_dir():
        print(f"The pictures are not here: {DATA}")
        return
    methods = {}
    for name in options.contest:
        contest = CONTESTS[name]
        if contest.wants == "trimap":
            methods |= {
                entry if entry != PEER else f"{PEER}'s {contest.peer}": method
                for entry, method in contest.entries().items()
            }
    for name, pictures in SETS.items():
        print(f"\n{name}")
        print_scores(evaluation.evaluate(methods, pictures()))


def print_scores(found: evaluation.Results) -> None:
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
