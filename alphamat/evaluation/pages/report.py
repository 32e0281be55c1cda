"""One HTML page that shows an evaluation, with its pictures, styles and script inside."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from importlib.resources import files

import numpy as np

from alphamat import __version__
from alphamat.evaluation.digits import column, count, probability
from alphamat.evaluation.pages import charts
from alphamat.evaluation.pages.gallery import gallery
from alphamat.evaluation.pages.tables import means_table, scores_table
from alphamat.evaluation.results import Results
from alphamat.evaluation.summary import (
    ABOUT_P,
    Failure,
    against,
    by_rank,
    failures,
    label,
    means_columns,
    notes,
)


def report(results: Results, title: str, side: int, most: int, metric: str) -> str:
    """Return the page as text; `Evaluation.report` explains the parameters."""
    title = title or "Matting methods compared"
    shown = chosen(results, most, metric)
    scored = not np.isnan(results.scores()).all()
    sections = [
        _header(results, title, metric),
        _section("Means", means_table(results, metric), _about_means(results)),
        _charts(results, shown, metric) if scored else "",
        _failures(results),
        _notes(results),
        _section(
            "Pictures",
            gallery(results, shown, side, metric),
            _about_pictures(results, shown, metric),
        ),
        _all_scores(results) if scored else "",
        f"<footer>Made by alphamat {__version__}.</footer>",
    ]
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>\n{_asset('report.css')}{_of_metrics(results)}</style>\n</head>\n<body>\n"
        f"<main>\n{chr(10).join(filter(None, sections))}\n</main>\n"
        f"{LIGHTBOX}\n<script>\n{_asset('report.js')}</script>\n</body>\n</html>\n"
    )


MOST_LINES = 500
"""At most so many samples are dots, or lines of a table; more would slow a browser down."""

LIGHTBOX = """<dialog id="lightbox" aria-label="Enlarged picture">
<figure><img id="large" alt="" src="data:,"><figcaption id="told"></figcaption></figure>
<p>← → next picture · ↑ ↓ next sample · e alpha or error · Esc close</p>
</dialog>"""


def chosen(results: Results, most: int, metric: str) -> list[int]:
    """Return which samples to show, at most so many.

    They are spread evenly from easy to hard, and in the order of the data set.
    """
    total = results.samples
    if total <= most:
        return list(range(total))
    scores = results.scores(metric)
    known = ~np.isnan(scores)
    mean = np.where(known, scores, 0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    from_easy = np.argsort(mean, kind="stable")
    return sorted(from_easy[np.linspace(0, total - 1, most).round().astype(int)].tolist())


def _about_means(results: Results) -> str:
    text = "Means over the samples; lower is better. "
    if len(results.methods) > 1:
        text += (
            "The small numbers are mean ranks: in each cell, one picture with one trimap, the "
            "methods are ranked, and the ranks are averaged over each kind of trimap, then over "
            "the kinds. "
        )
    return text + "Seconds, and MB of memory at the peak, are medians."


def _header(results: Results, title: str, metric: str) -> str:
    groups = [group for group in results.groups if group]
    facts = [count(len(results.methods), "method"), count(results.samples, "sample")]
    if len(groups) > 1:
        facts[-1] += f" in {len(groups)} groups ({', '.join(groups)})"
    facts.append(f"scored {'after' if results.quantise else 'before'} rounding to 8 bits")
    return (
        f'<header class="top"><h1>{escape(title)}</h1>'
        f'<p class="facts">{escape(" · ".join(facts))}</p>'
        f'<p class="verdict">{_verdict(results, metric)}</p></header>'
    )


def _verdict(results: Results, metric: str) -> str:
    """Say in a sentence or two which method leads, and whether that may be chance."""
    first, *others = by_rank(results, metric)
    rank = results.ranks(metric)[first.method].overall
    if not others or math.isnan(rank):
        return ""
    title = escape(results.metrics[metric])
    text = f"<b>{escape(first.method)}</b> ranks first by {title}, at {rank:.2f} on average."
    c = against(results, first.method, metric)[0]
    if c.pairs < 2 or c.difference == 0:
        return text
    size, told = abs(c.difference), "lower" if c.difference > 0 else "higher"
    outcome = (
        "the pictures tell the two apart"
        if c.p_holm < 0.05
        else f"{c.pairs} pictures are too few to tell the two apart"
    )
    return (
        f"{text} Its mean error is {column([size])[0]} {told} than that of the next, "
        f"{escape(c.method)}: {outcome} (p = {probability(c.p_holm)} after Holm’s correction)."
    )


def _of_metrics(results: Results) -> str:
    """Return the rules that show what belongs to the metric that is picked."""
    return "".join(
        f"body:has(#by-{at}:checked) .of-{at} {{ display: block; }}\n"
        for at in range(len(results.metrics))
    )


def _charts(results: Results, shown: Sequence[int], metric: str) -> str:
    """Return the charts of each metric; the page shows those of one at a time."""
    picks = "".join(
        f'<input type="radio" name="metric" id="by-{at}"{" checked" * (key == metric)}>'
        f'<label for="by-{at}">{escape(title)}</label>'
        for at, (key, title) in enumerate(results.metrics.items())
    )
    parts = [f'<div class="picks" role="radiogroup" aria-label="metric">{picks}</div>']
    for at, key in enumerate(results.metrics):
        order = [means.method for means in by_rank(results, key)]
        chart = f"<h3>Every sample</h3>{_strips(results, order, key, shown)}"
        if len(order) > 1:
            others = against(results, order[0], key)
            chart += f"<h3>Beside {escape(order[0])}, which ranks first</h3>"
            chart += charts.forest(others, charts.colours(results.methods))
        parts.append(f'<div class="of-metric of-{at}">{chart}</div>')
    what = {"name": "A picture with several trimaps", "group": "A group"}[results.unit]
    about = (
        "A dot is a sample, the bar a method’s median; a click leads to the pictures. Below, how "
        "far a method’s mean error lies above the first’s, with its 95 % bootstrap interval; "
        "p-values are of Wilcoxon’s signed-rank test, with Holm’s correction for all pairs of "
        f"methods. {what} counts once. {ABOUT_P}"
    )
    return _section("Spread", "".join(parts), about)


def _strips(results: Results, order: list[str], key: str, shown: Sequence[int]) -> str:
    scores, several = results.scores(key), len(results.methods)
    drawn = set(chosen(results, MOST_LINES, key)) | set(shown)
    lines: dict[str, list[charts.Dot]] = {}
    for method in order:
        at = results.methods.index(method)
        lines[method] = [
            charts.Dot(
                float(score),
                f"{label(results.rows[sample * several])}: {score:.4g}",
                f"#sample-{sample}" if sample in shown else "",
            )
            for sample, score in enumerate(scores[:, at])
            if sample in drawn and not math.isnan(score)
        ]
    means = means_columns(results, key)[results.metrics[key]]
    notes = {method: f"mean {mean.text}" for method, mean in zip(order, means, strict=True)}
    return charts.strips(lines, charts.colours(results.methods), notes)


def _failures(results: Results) -> str:
    told = _listed(failures(results))
    about = "They count in no mean, and rank last in their cell."
    return _section("Failures", f'<ul class="bad">{told}</ul>', about) if told else ""


MOST_NOTES = 20
"""At most so many warnings are listed; all are in the pictures of their samples, and in the CSV."""


def _notes(results: Results) -> str:
    found = notes(results)
    told = _listed(found[:MOST_NOTES])
    more = f"And {len(found) - MOST_NOTES} more." if len(found) > MOST_NOTES else ""
    return _section("Warnings", f"<ul>{told}</ul>", more) if told else ""


def _listed(found: Sequence[Failure]) -> str:
    return "".join(
        f"<li><b>{escape(method)}</b> on {escape(samples)}: {escape(text)}</li>"
        for method, samples, text in found
    )


def _all_scores(results: Results) -> str:
    """Return one folded table per metric."""
    if results.samples > MOST_LINES:
        return ""
    parts = [
        f"<details><summary>{escape(title)}</summary>{scores_table(results, key)}</details>"
        for key, title in results.metrics.items()
    ]
    return _section("All scores", "".join(parts))


def _about_pictures(results: Results, shown: Sequence[int], metric: str) -> str:
    total = results.samples
    chosen = f"{len(shown)} of {total} samples, evenly from easy to hard. " * (len(shown) < total)
    return (
        f"{chosen}Numbers are {escape(results.metrics[metric])}; the best alpha of a sample has a "
        "frame. Click a picture to enlarge it, and others in its place by the arrow keys; <b>e</b> "
        "changes between alpha and error, which is shown by its square root: blue where alpha is "
        "too low."
    )


def _section(head: str, body: str, about: str = "") -> str:
    told = f'<p class="about">{about}</p>' if about else ""
    return f"<section><h2>{head}</h2>{told}{body}</section>"


def _asset(name: str) -> str:
    return files("alphamat.evaluation.pages").joinpath(name).read_text(encoding="utf-8")
