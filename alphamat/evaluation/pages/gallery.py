"""The pictures of a report: image, trimap and truth, then each method's alpha and error."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

import numpy as np

from alphamat.evaluation.measure import Row
from alphamat.evaluation.pages import charts
from alphamat.evaluation.pages.pictures import error_colours, error_map, gray, photograph
from alphamat.evaluation.results import Results
from alphamat.evaluation.summary import Cell, by_rank, cells


def gallery(results: Results, shown: Sequence[int], side: int, metric: str) -> str:
    """Return the controls, a legend, and an article for each sample that is shown."""
    several, styles = len(results.methods), charts.colours(results.methods)
    in_order = [(means.method, styles[means.method]) for means in by_rank(results, metric)]
    articles = []
    for at in shown:
        rows = {row.method: row for row in results.rows[at * several : (at + 1) * several]}
        lines = [(rows[method], style) for method, style in in_order]
        articles.append(_article(results, at, lines, side, metric))
    return CONTROLS.format(legend=_legend()) + "".join(articles)


CONTROLS = """<div class="controls">
<div class="picks" role="radiogroup" aria-label="what is shown of each method">
<input type="radio" name="view" id="view-both" checked><label for="view-both">Both</label>
<input type="radio" name="view" id="view-alpha"><label for="view-alpha">Alpha</label>
<input type="radio" name="view" id="view-error"><label for="view-error">Error</label>
</div>
<div class="legend"><span>too transparent</span><i style="background:{legend}"></i>\
<span>too opaque</span></div>
<label class="size">Size <input type="range" id="size" min="110" max="480" value="210"></label>
</div>"""


def _legend() -> str:
    """Return a CSS gradient from an error of -1 to 1, even to the eye."""
    steps = np.linspace(-1, 1, 17)
    colours = np.rint(255 * error_colours(np.sign(steps) * steps**2)).astype(int)
    return f"linear-gradient(90deg,{','.join(f'rgb({r},{g},{b})' for r, g, b in colours)})"


def _article(
    results: Results, at: int, lines: Sequence[tuple[Row, str]], side: int, metric: str
) -> str:
    rows = [row for row, _ in lines]
    values = [row.score(metric) for row in rows]
    try:
        sample = results.dataset[at]
        tiles = [_tile("photograph", photograph(sample.image, side))]
        tiles += [
            _tile(caption, gray(levels, side))
            for caption, levels in (("trimap", sample.trimap), ("truth", sample.truth))
            if levels is not None
        ]
    except Exception as fault:  # a damaged file; the rows of the methods have the error too
        sample, tiles = None, [_failed("sample", "", str(fault))]
    first = min((value for value in values if not math.isnan(value)), default=math.nan)
    scores = cells(values, first if len(rows) > 1 else math.nan)
    for (row, style), score in zip(lines, scores, strict=True):
        tiles.append(_method_tile(results, row, sample, score, style, side))
    head = escape(rows[0].name) + f" <span>{escape(rows[0].group)}</span>" * bool(rows[0].group)
    return (
        f'<article id="sample-{at}"><h3>{head}</h3><div class="tiles">{"".join(tiles)}</div>'
        "</article>"
    )


def _method_tile(results: Results, row: Row, sample, score: Cell, style: str, side: int) -> str:
    if row[:3] not in results.alphas or sample is None:
        return _failed(row.method, style, row.error)
    alpha = results.alpha(*row[:3])
    error = ""
    if sample.truth is not None:
        error = error_map(alpha, sample.truth, results.scored(sample), side)
    text = "" if math.isnan(score.value) else score.text
    return _tile(row.method, gray(alpha, side), error, style, text, score.best, row.warning)


def _tile(
    caption: str,
    source: str,
    error: str = "",
    style: str = "",
    score: str = "",
    best: bool = False,
    warned: str = "",
) -> str:
    kind = "method" if style else "given"
    caption, views = escape(caption), f'<img class="alpha" alt="{escape(caption)}" src="{source}">'
    if error:
        views += f'<img class="error" alt="error of {caption}" src="{error}">'
    mark = f' <abbr title="{escape(warned)}">!</abbr>' if warned else ""
    return (
        f'<figure class="{kind}{" best" * best}" style="{style}"><button type="button">{views}'
        f"</button><figcaption><span>{caption}{mark}</span> <b>{score}</b></figcaption></figure>"
    )


def _failed(caption: str, style: str, error: str) -> str:
    return (
        f'<figure class="method failed" style="{style}"><div>{escape(error)}</div>'
        f"<figcaption><span>{escape(caption)}</span> <b>failed</b></figcaption></figure>"
    )
