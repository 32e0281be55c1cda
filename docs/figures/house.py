"""The floors, and the rooms of each: `python -m docs.figures.house`."""

from __future__ import annotations

from matplotlib import pyplot as plt

from docs.figures.style import OTHERS, OURS, THIRD, write_chart
from tests.test_architecture import FLOORS, ROOMS

COLOURS = dict(zip(FLOORS, (OTHERS, OURS, THIRD), strict=True))
NEEDS = {
    "solvers": "numpy, scipy, numba; JAX in solvers.jax",
    "alphamat": "never JAX",
    "alphamat_deep": "JAX, Flax, optax",
}


def main() -> None:
    rows: list[tuple[str, list[str]]] = []
    for floor in FLOORS:
        levels: dict[int, list[str]] = {}
        for room in ROOMS:
            if room.split(".")[0] == floor:
                levels.setdefault(level(room), []).append(room.partition(".")[2] or "solvers")
        rows += [(floor, sorted(levels[at])) for at in sorted(levels)]
    _, ax = plt.subplots(figsize=(10.5, 0.4 * len(rows) + 0.4))
    for at, (floor, names) in enumerate(rows):
        ax.barh(at, 13.2, 0.98, left=0, color=COLOURS[floor], alpha=0.18, lw=0)
        if at == len(rows) - 1 or rows[at + 1][0] != floor:
            ax.text(-0.2, at, floor, weight="bold", va="center", ha="right")
            ax.text(13.0, at, NEEDS[floor], fontsize=8.5, va="center", ha="right", alpha=0.75)
        for along, name in enumerate(names):
            ax.text(1.84 * along + 0.2, at, name, va="center", fontsize=8)
    ax.annotate("", (13.5, -0.4), (13.5, len(rows) - 0.6), arrowprops={"arrowstyle": "->"})
    ax.text(13.65, len(rows) / 2, "imports", rotation=270, va="center")
    ax.set(xlim=(-2, 14.1), ylim=(-0.6, len(rows) - 0.4))
    ax.axis("off")
    write_chart("house")


def level(room: str) -> int:
    """Return how many rooms of its floor lie below one another under this one."""
    floor = room.split(".")[0]
    return max((1 + level(f"{floor}.{name}") for name in ROOMS[room].split()), default=0)


if __name__ == "__main__":
    main()
