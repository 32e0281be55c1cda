"""Films of several takes, whose times begin again with each.

Recorders that join takes leave such films, and so does `cat a.ts b.ts`. Players go on where the
last take ended.
"""

from __future__ import annotations

from fractions import Fraction

NEAR = Fraction(1)
"""How far the ends of a take's sound and of its pictures may lie apart, in seconds."""


class Clock:
    """Moves the packets of a stream whose times go back to where the last ones ended."""

    def __init__(self, step: Fraction):
        """`step` is how long a packet lasts that does not say so, in seconds."""
        self.step = step
        self.last: Fraction | None = None
        self.end = self.shift = Fraction(0)
        self.alone = False

    def move(self, packet, pictures: Clock | None = None) -> bool:
        """Move a packet, and return whether times go back there.

        A stream of sound moves as far as the pictures do, if that is about where it ended.
        """
        unit, goes_back = packet.time_base, False
        if packet.dts is not None:  # these never go back in one take, unlike `pts`
            time = packet.dts * unit
            # Smaller steps back are the jitter of careless recorders.
            goes_back = self.last is not None and self.last - time > self.step / 2
            if goes_back:
                self.shift, self.alone = self.end - time, True
                if pictures is not None:
                    self.meet(pictures)
            self.last = time
            self.end = time + self.shift + ((packet.duration or 0) * unit or self.step)
        if self.shift:
            ticks = round(self.shift / unit)
            packet.pts = None if packet.pts is None else packet.pts + ticks
            packet.dts = None if packet.dts is None else packet.dts + ticks
        return goes_back

    def meet(self, pictures: Clock) -> None:
        """Move as far as the pictures from now on, if that is about as far as now."""
        if self.alone and abs(self.shift - pictures.shift) < NEAR:
            self.shift, self.alone = pictures.shift, False
