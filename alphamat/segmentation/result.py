"""What a segmentation says, and how sure it is."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Segmentation(NamedTuple):
    """Where the foreground is, and how far that can be trusted."""

    foreground: np.ndarray
    """(H, W) float64 in [0, 1]: how likely a pixel is foreground."""
    doubt: float = 0.0
    """From 0, nothing speaks against it, to 1, it is worthless."""
    reason: str = ""
    """One sentence about the doubt; empty if there is none."""


class Doubt(NamedTuple):
    """One thing that speaks against a segmentation."""

    share: float
    """From 0 to 1."""
    reason: str


def worst(*doubts: Doubt) -> Doubt:
    """Return the greatest of some doubts, without a reason where there is none."""
    share, reason = max(doubts, key=lambda doubt: doubt.share)
    return Doubt(share, reason if share > 0 else "")
