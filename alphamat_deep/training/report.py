"""A page that shows a run: its curves, its last pictures, its settings, all in one file."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

from alphamat.io.whole import replace_file
from alphamat_deep.training.folder import read_run
from alphamat_deep.training.telling import records

Curve = list[tuple[int, float]]
"""Steps and values."""

WIDTH, HEIGHT, LEFT, BOTTOM = 560, 220, 56, 24
NAMED = 50
"""Damaged files that are named."""
POINTS = 400
"""Of a curve; each is the mean of the steps that it stands for."""


def write_report(out: Path) -> None:
    """Write `report.html` from the other files of a run, whole or not at all."""
    replace_file(out / "report.html", [report(out).encode()])


def report(out: Path) -> str:
    """Return the page of a run as text."""
    run, curves = read_run(out), curves_of(out / "scalars.jsonl")
    curves.pop("skipped", None)
    settings, told = run["settings"], run["about"]
    last = max((curve[-1][0] for curve in curves.values()), default=0)
    title = f"Training of {settings['preset']}"
    validated = {k: c for k, c in curves.items() if k.startswith("validation_")}
    speeds = {k: c for k, c in curves.items() if k in SPEEDS}
    rest = sorted(set(curves) - {*validated, *speeds}, key=_place)
    losses = {name: curves[name] for name in rest}
    sections = [
        f'<header><h1>{escape(title)}</h1><p class="soft">After step {last} of '
        f"{settings['steps']}.</p></header>",
        _section("Validation", _charts(validated) + _sheet(out)),
        _section("Losses", _charts(losses)),
        _section("Speed", _charts(speeds)),
        _section("Left out", _left_out(out)),
        _section("Settings", _table(settings)),
        _section("About", _table(told)),
    ]
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n"
        f"{chr(10).join(filter(None, sections))}\n</main>\n</body>\n</html>\n"
    )


SPEEDS = {"pictures_per_second": "pictures per second", "waiting": "share of time without data"}

STYLE = """
:root { color-scheme: light dark; --paper: #fbfaf8; --ink: #1d1d1f; --soft: #6e6c68;
  --rule: #e4e1dc; --line: oklch(0.62 0.14 250); }
@media (prefers-color-scheme: dark) { :root { --paper: #141416; --ink: #ececee; --soft: #9b9aa0;
  --rule: #2e2e33; --line: oklch(0.74 0.13 250); } }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", sans-serif; }
main { max-width: 1240px; margin: 0 auto; padding: 56px 32px 80px; }
h1 { font-size: 34px; font-weight: 650; letter-spacing: -0.02em; margin: 0; }
h2 { font-size: 21px; font-weight: 650; margin: 56px 0 12px; }
.soft { color: var(--soft); margin: 8px 0 0; }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(480px, 100%), 1fr));
  gap: 24px; }
figure { margin: 0; }
figcaption b { font-weight: 400; color: var(--soft); font-variant-numeric: tabular-nums; }
svg { width: 100%; height: auto; display: block; margin-top: 6px; overflow: visible; }
svg text { fill: var(--soft); font-size: 12px; }
svg .grid { stroke: var(--rule); }
svg .curve { stroke: var(--line); stroke-width: 1.6; fill: none; }
svg .best { fill: var(--line); }
img { max-width: 100%; border-radius: 6px; margin-top: 24px; }
table { border-collapse: collapse; }
td { padding: 5px 24px 5px 0; border-bottom: 1px solid var(--rule); overflow-wrap: anywhere;
  vertical-align: top; }
td:first-child { color: var(--soft); white-space: nowrap; }
ul { padding-left: 20px; }
li { overflow-wrap: anywhere; }
@media (max-width: 560px) { main { padding: 32px 24px 48px; } svg text { font-size: 19px; } }
"""


def _place(loss: str) -> tuple[bool, bool, str]:
    """Return what puts totals first and gradients last."""
    return not loss.startswith("total"), loss.startswith("gradient"), loss


def curves_of(scalars: Path) -> dict[str, Curve]:
    """Return each scalar's curve, thinned to some hundred points."""
    found: dict[str, Curve] = {}
    for record in records(scalars):
        for name, value in record.items():
            if name != "step" and isinstance(value, int | float) and math.isfinite(value):
                found.setdefault(name, []).append((record["step"], float(value)))
    return {name: _thinned(curve) for name, curve in found.items()}


def _thinned(curve: Curve) -> Curve:
    size = math.ceil(len(curve) / POINTS)
    parts = [curve[at : at + size] for at in range(0, len(curve), size)]
    return [(part[-1][0], sum(value for _, value in part) / len(part)) for part in parts]


def _charts(curves: dict[str, Curve]) -> str:
    if not curves:
        return ""
    return f'<div class="charts">{"".join(_chart(n, c) for n, c in curves.items())}</div>'


def _chart(name: str, curve: Curve) -> str:
    """Draw a curve; by its logarithm where it spans more than a factor of 20."""
    steps, values = zip(*curve, strict=True)
    low, high = min(values), max(values)
    log = low > 0 and high > 20 * low
    scale = math.log10 if log else float
    bottom, top = scale(low), scale(high)
    rise = (top - bottom) or 1.0
    first, span = steps[0], (steps[-1] - steps[0]) or 1

    def x(step: float) -> float:
        return LEFT + (WIDTH - LEFT - 8) * (step - first) / span

    def y(value: float) -> float:
        return 8 + (HEIGHT - BOTTOM - 16) * (1 - (scale(value) - bottom) / rise)

    ticks = (low, 10 ** ((bottom + top) / 2) if log else (low + high) / 2, high)
    body = "".join(
        f'<path class="grid" d="M{LEFT} {y(tick):.1f}H{WIDTH}"/>'
        f'<text x="{LEFT - 8}" y="{y(tick) + 4:.1f}" text-anchor="end">{tick:.3g}</text>'
        for tick in dict.fromkeys(ticks)
    )
    points = "L".join(f"{x(step):.1f} {y(value):.1f}" for step, value in curve)
    body += f'<path class="curve" d="M{points}"/>'
    if name.startswith("validation_"):
        body += "".join(
            f'<circle class="best" cx="{x(step):.1f}" cy="{y(value):.1f}" r="3">'
            f"<title>step {step}: {value:.5g}</title></circle>"
            for step, value in curve
        )
    body += f'<text x="{LEFT}" y="{HEIGHT - 6}">step {first}</text>'
    body += f'<text x="{WIDTH}" y="{HEIGHT - 6}" text-anchor="end">{steps[-1]}</text>'
    score = name.removeprefix("validation_")
    told = escape(SPEEDS.get(name, name if score == name else score.upper()))
    return (
        f"<figure><figcaption>{told} <b>{values[-1]:.4g}</b></figcaption>"
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{told}">{body}</svg></figure>'
    )


def _sheet(out: Path) -> str:
    """Return the last contact sheet, inlined."""
    sheets: Sequence[Path] = sorted((out / "sheets").glob("*.png"))
    if not sheets:
        return ""
    content = base64.b64encode(sheets[-1].read_bytes()).decode("ascii")
    return (
        f'<figure><img alt="image, trimap, alpha, truth" src="data:image/png;base64,{content}">'
        f"<figcaption>After step {int(sheets[-1].stem)}: image, trimap where there is one, alpha, "
        "truth</figcaption></figure>"
    )


def _left_out(out: Path) -> str:
    """Name damaged files once each, and say how often others took their place."""
    times = max((line.get("skipped", 0) for line in records(out / "scalars.jsonl")), default=0)
    if not times:
        return ""
    named = (out / "left_out.txt").read_text("utf-8").splitlines()
    items = [escape(text) for text in named[:NAMED]]
    items += [f"and {len(named) - NAMED} more, in left_out.txt"] if len(named) > NAMED else []
    return (
        f'<p class="soft">Damaged files, in the place of which others were taken {times} times.'
        f"</p><ul>{''.join(f'<li>{text}</li>' for text in items)}</ul>"
    )


def _table(rows: dict[str, Any]) -> str:
    def cell(value: Any) -> str:
        return escape(value if isinstance(value, str) else json.dumps(value))

    lines = "".join(f"<tr><td>{escape(k)}</td><td>{cell(v)}</td></tr>" for k, v in rows.items())
    return f"<table>{lines}</table>"


def _section(head: str, body: str) -> str:
    return f"<section><h2>{head}</h2>{body}</section>" if body else ""
