"""How many steps a run of some minutes can make."""

from __future__ import annotations

import math
from time import monotonic

UNKNOWN = 2**30
"""The number of a run's steps while it is not known."""
MEASURED, FEWEST = 1 / 8, 20
SPARE = 0.05


class Clock:
    """The time of a run, from its beginning, with all that is compiled."""

    def __init__(self, minutes: float):
        self.began, self.seconds = monotonic(), 60 * minutes

    def steps(self, made: int, speed: float) -> int:
        """Return the number of all steps, from their speed in steps per second.

        It is known once an eighth of the time is over, and 20 steps are made. A twentieth of the
        time that is left is kept for validations.
        """
        over = monotonic() - self.began
        if over < MEASURED * self.seconds or made < FEWEST or not math.isfinite(speed):
            return UNKNOWN
        left = max(0.0, (1 - SPARE) * (self.seconds - over))
        return made + max(1, int(left * speed))
