"""Charts for the report: inline SVG, coloured by its style sheet."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import NamedTuple

import numpy as np

from alphamat.evaluation.digits import count, probability
from alphamat.evaluation.statistics import Comparison

WIDTH, NAMES, NOTES, LINE = 1176, 220, 200, 30
"""Pixels: a chart's width, its names at the left, its notes at the right, a line's height."""


class Dot(NamedTuple):
    value: float
    told: str
    link: str


def colours(methods: Sequence[str]) -> dict[str, str]:
    """Return the style that gives each method its colour."""
    hues = {method: (250 + 360 * at / len(methods)) % 360 for at, method in enumerate(methods)}
    return {method: f"--hue:{hue:.0f}" for method, hue in hues.items()}


def strips(
    lines: Mapping[str, Sequence[Dot]], styles: Mapping[str, str], notes: Mapping[str, str]
) -> str:
    """Draw each value as a dot, a line per method, and a bar at its median."""
    values = [dot.value for dots in lines.values() for dot in dots]
    if not values:
        return ""
    axis = _Axis.about(values, log=True)
    body = [_ticks(axis, len(lines))]
    for at, (method, dots) in enumerate(lines.items()):
        y = LINE * at + LINE / 2
        marks = "".join(
            f'<a href="{escape(dot.link)}"><circle cx="{axis(dot.value):.1f}" cy="{y}" r="3.5">'
            f"<title>{escape(dot.told)}</title></circle></a>"
            if dot.link
            else f'<circle cx="{axis(dot.value):.1f}" cy="{y}" r="3.5">'
            f"<title>{escape(dot.told)}</title></circle>"
            for dot in dots
        )
        if dots:
            middle = axis(float(np.median([dot.value for dot in dots])))
            marks += f'<path class="median" d="M{middle:.1f} {y - 10}v20"/>'
        body.append(_line(method, y, styles[method], marks, notes.get(method, "")))
    return _svg(body, len(lines), "Errors of each method on each sample")


def forest(comparisons: Sequence[Comparison], styles: Mapping[str, str]) -> str:
    """Draw the interval of each difference about zero."""
    ends = [end for c in comparisons for end in (c.low, c.high, c.difference)]
    ends = [end for end in ends if math.isfinite(end)]
    if not ends:
        return ""
    axis = _Axis.about([*ends, 0.0], log=False)
    body = [_ticks(axis, len(comparisons)), _zero(axis, len(comparisons))]
    for at, c in enumerate(comparisons):
        y = LINE * at + LINE / 2
        marks = ""
        if math.isfinite(c.low):
            marks += f'<path class="interval" d="M{axis(c.low):.1f} {y}H{axis(c.high):.1f}"/>'
        if math.isfinite(c.difference):
            told = f"{c.better} of {count(c.pairs, 'picture')} better, {c.worse} worse"
            marks += f'<circle cx="{axis(c.difference):.1f}" cy="{y}" r="5">'
            marks += f"<title>{told}</title></circle>"
        note = f"{c.worse} of {c.pairs} worse, p {probability(c.p_holm)}"
        body.append(_line(c.method, y, styles[c.method], marks, note))
    return _svg(body, len(comparisons), "Mean differences with their intervals")


class _Axis(NamedTuple):
    low: float
    high: float
    log: bool

    @classmethod
    def about(cls, values: Sequence[float], *, log: bool) -> _Axis:
        low, high = min(values), max(values)
        if log:
            # Zero has no logarithm; it is drawn at the left end.
            low = min((value for value in values if value > 0), default=1.0)
            high = max(high, low)
            # So is all below a thousandth of the greatest.
            return cls(max(low, high / 1000) / 1.2, high * 1.2, True)
        margin = (high - low) * 0.05 or 1.0
        return cls(low - margin, high + margin, False)

    def __call__(self, value: float) -> float:
        """Return the x of a value."""
        low, high = self.low, self.high
        if self.log:
            low, high, value = math.log(low), math.log(high), math.log(max(value, low))
        return NAMES + (WIDTH - NAMES - NOTES) * (value - low) / (high - low)

    def ticks(self) -> list[float]:
        if self.log:
            decades = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
            steps = (1, 2, 5) if self.high / self.low < 200 else (1,)
            ticks = [step * 10.0**decade for decade in decades for step in steps]
        else:
            step = 10.0 ** math.floor(math.log10((self.high - self.low) / 2))
            step *= 2 if (self.high - self.low) / step > 8 else 1
            first, last = math.ceil(self.low / step), math.floor(self.high / step)
            ticks = [step * at for at in range(first, last + 1)]
        return [tick for tick in ticks if self.low <= tick <= self.high]


def _ticks(axis: _Axis, lines: int) -> str:
    bottom = LINE * lines
    return "".join(
        f'<path class="grid" d="M{axis(tick):.1f} 0V{bottom}"/>'
        f'<text class="tick" x="{axis(tick):.1f}" y="{bottom + 18}">{tick:.3g}</text>'
        for tick in axis.ticks()
    )


def _zero(axis: _Axis, lines: int) -> str:
    return f'<path class="zero" d="M{axis(0):.1f} 0V{LINE * lines}"/>'


def _line(name: str, y: float, style: str, marks: str, note: str) -> str:
    return (
        f'<g style="{style}"><circle class="key" cx="5" cy="{y}" r="5"/>'
        f'<text class="name" x="20" y="{y}">{escape(name)}</text>{marks}'
        f'<text class="note" x="{WIDTH}" y="{y}">{escape(note)}</text></g>'
    )


def _svg(body: Sequence[str], lines: int, label: str) -> str:
    height = LINE * lines + 26
    return (
        f'<div class="wide"><svg class="chart" viewBox="0 0 {WIDTH} {height}" role="img" '
        f'aria-label="{label}">' + "".join(body) + "</svg></div>"
    )
