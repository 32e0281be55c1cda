"""Numbers as a person reads them in a column."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

NONE = "–"


def column(values: Sequence[float]) -> list[str]:
    """Write numbers with as many decimals each; a dash for NaN.

    They are enough for three digits of a small number: the lower quartile.
    """
    sizes = [abs(value) for value in values if math.isfinite(value) and value != 0]
    decimals = 2 - math.floor(math.log10(np.quantile(sizes, 0.25))) if sizes else 0
    decimals = min(max(decimals, 0), 6)
    return [f"{value:z.{decimals}f}" if math.isfinite(value) else NONE for value in values]


def probability(p: float) -> str:
    if math.isnan(p):
        return NONE
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def count(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
