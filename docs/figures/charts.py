"""Charts: speed, errors over the trimap's width, convergence. `python -m docs.figures.charts`.

The numbers of the first two are those of the tables in docs/; convergence is measured here.
"""

from __future__ import annotations

import time
import warnings
from functools import partial
from pathlib import Path

import numpy as np
from matplotlib import pyplot as plt

import alphamat
import solvers
from alphamat import examples
from docs.figures.style import INK, OTHERS, OURS, THIRD, write_chart

DOCS = Path(__file__).parents[1]


def main() -> None:
    speed()
    width()
    convergence()


def table(page: str, beginning: str) -> list[list[str]]:
    """Return the cells of a page's table whose first line begins like that, without its rule."""
    text = (DOCS / page).read_text()
    lines = text[text.index(beginning) :].split("\n\n")[0].splitlines()
    cells = [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in lines]
    return [cells[0], *cells[2:]]


def speed() -> None:
    rows = table("measured.md", "| | pictures | time |")[1:][::-1]
    names = [name.replace("`", "") for name, *_ in rows]
    mean, least = ([float(row[at].rstrip("×")) for row in rows] for at in (3, 4))
    at = np.arange(len(rows))
    _, ax = plt.subplots(figsize=(7, 3.4))
    ax.barh(at, mean, 0.62, color=OTHERS, label="PyMatting 1.1.16, geometric mean")
    ax.barh(at, np.ones(len(rows)), 0.62, color=OURS, label="alphamat")
    ax.plot(least, at, "|", color=INK, markersize=12, label="its least on any picture")
    for y, ratio in zip(at, mean, strict=True):
        ax.text(ratio + 0.4, y, f"{ratio:.2g}×", va="center")
    ax.set(yticks=at, yticklabels=names, xlabel="time, as a multiple of alphamat's", xlim=(0, 49))
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    ax.legend(frameon=False, loc="lower right")
    write_chart("speed")


def width() -> None:
    head, *rows = table("learned.md", "| pixels | 0 | 2 | 5 |")
    across = [int(cell) for cell in head[1:]]
    _, ax = plt.subplots(figsize=(7, 3.4))
    for name, *cells in rows:
        values = [float(cell) for cell in cells]
        chosen = {"learned": OURS, "closed_form": THIRD}.get(name)
        ax.plot(across, values, color=chosen or OTHERS, lw=2.2 if chosen else 1.4, zorder=2)
        if chosen:
            ax.text(across[-1] + 1, values[-1], name, color=chosen, va="center")
    ax.text(61, 19.3, "five others", color=INK, va="center", alpha=0.7)
    ax.set(xlabel="unknown pixels on each side of what is fractional", ylabel="SAD", ylim=0)
    ax.set(xlim=(0, 72), xticks=across)
    write_chart("width")


def convergence() -> None:
    """Follow three preconditioners on the astronaut with a band of 30 pixels on either side."""
    image, trimap = examples.astronaut()
    trimap = alphamat.trimap.from_mask(trimap > 0, inner=30, outer=30)
    system = alphamat.closed_form_system(image, trimap)
    print(f"{system.matrix.shape[0]} unknown pixels")
    exact = system.solve(solvers.direct).alpha
    _, (left, right) = plt.subplots(1, 2, figsize=(8.4, 3.4), layout="constrained")
    for name, colour in {"multigrid": OURS, "ichol": THIRD, "jacobi": INK}.items():
        solver = partial(solvers.cg, preconditioner=getattr(solvers, name), rtol=1e-8)
        residuals: list[float] = []
        follow = partial(solver, maxiter=1000, callback=lambda _, r, to=residuals: to.append(r))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", alphamat.ConvergenceWarning)
            solution = system.solve(follow).solution
        print(name, solution.iterations, solution.residual)
        left.loglog(np.arange(1, len(residuals) + 1), residuals, color=colour, label=name)
        limits = np.unique(np.geomspace(1, len(residuals), 7).round().astype(int)).tolist()
        seconds, errors = zip(*(cost(system, solver, n, exact) for n in limits), strict=True)
        right.loglog(seconds, errors, "o-", ms=3, color=colour, label=name)
        print(*(f"{s:.2f} s {e:.1e}" for s, e in zip(seconds, errors, strict=True)))
    left.set(xlabel="iterations", ylabel="residual")
    left.legend(frameon=False)
    right.set(xlabel="seconds of processor time, with set-up", ylabel="largest error of alpha")
    write_chart("convergence")


def cost(system, solver, iterations: int, exact) -> tuple[float, float]:
    """Return the processor time and the largest error of a solve that is stopped there."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", alphamat.ConvergenceWarning)
        start = time.process_time()
        alpha = system.solve(partial(solver, maxiter=iterations)).alpha
        return time.process_time() - start, float(abs(alpha - exact).max())


if __name__ == "__main__":
    main()
