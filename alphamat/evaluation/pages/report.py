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
from alphamat.evaluation.summary import against, by_rank, failures, label, means_columns
from alphamat.metrics import METRICS


def report(results: Results, title: str, side: int, most: int) -> str:
    """Return the page as text; `Evaluation.report` explains the parameters."""
    title = title or "Matting methods compared"
    shown = chosen(results, most)
    scored = not np.isnan(results.scores()).all()
    sections = [
        _header(results, title),
        _section("Means", means_table(results, "sad"), _about_means(results)),
        _charts(results, shown) if scored else "",
        _failures(results),
        _section("Pictures", gallery(results, shown, side), _about_pictures(results, shown)),
        _all_scores(results) if scored else "",
        f"<footer>Made by alphamat {__version__}.</footer>",
    ]
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>\n{_asset('report.css')}</style>\n</head>\n<body>\n"
        f"<main>\n{chr(10).join(filter(None, sections))}\n</main>\n"
        f"{LIGHTBOX}\n<script>\n{_asset('report.js')}</script>\n</body>\n</html>\n"
    )


MOST_LINES = 500
"""At most so many samples are dots, or lines of a table; more would slow a browser down."""

LIGHTBOX = """<dialog id="lightbox" aria-label="Enlarged picture">
<figure><img id="large" alt="" src="data:,"><figcaption id="told"></figcaption></figure>
<p>← → next picture · ↑ ↓ next sample · e alpha or error · Esc close</p>
</dialog>"""


def chosen(results: Results, most: int) -> list[int]:
    """Return which samples to show, at most so many.

    They are spread evenly from easy to hard, and in the order of the data set.
    """
    total = results.samples
    if total <= most:
        return list(range(total))
    scores = results.scores()
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


def _header(results: Results, title: str) -> str:
    groups = [group for group in results.groups if group]
    facts = [count(len(results.methods), "method"), count(results.samples, "sample")]
    if len(groups) > 1:
        facts[-1] += f" in {len(groups)} groups ({', '.join(groups)})"
    facts.append(f"scored {'after' if results.quantise else 'before'} rounding to 8 bits")
    return (
        f'<header class="top"><h1>{escape(title)}</h1>'
        f'<p class="facts">{escape(" · ".join(facts))}</p>'
        f'<p class="verdict">{_verdict(results)}</p></header>'
    )


def _verdict(results: Results) -> str:
    """Say in a sentence or two which method leads, and whether that may be chance."""
    first, *others = by_rank(results, "sad")
    rank = results.ranks("sad")[first.method].overall
    if not others or math.isnan(rank):
        return ""
    text = f"<b>{escape(first.method)}</b> ranks first by SAD, at {rank:.2f} on average."
    c = against(results, first.method, "sad")[0]
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


def _charts(results: Results, shown: Sequence[int]) -> str:
    """Return the charts of each metric; the page shows those of one at a time."""
    picks = "".join(
        f'<input type="radio" name="metric" id="by-{key}"{" checked" * (key == "sad")}>'
        f'<label for="by-{key}">{kind.title}</label>'
        for key, kind in METRICS.items()
    )
    parts = [f'<div class="picks" role="radiogroup" aria-label="metric">{picks}</div>']
    for key in METRICS:
        order = [means.method for means in by_rank(results, key)]
        chart = f"<h3>Every sample</h3>{_strips(results, order, key, shown)}"
        if len(order) > 1:
            others = against(results, order[0], key)
            chart += f"<h3>Beside {escape(order[0])}, which ranks first</h3>"
            chart += charts.forest(others, charts.colours(results.methods))
        parts.append(f'<div class="of-metric of-{key}">{chart}</div>')
    what = {"name": "A picture with several trimaps", "group": "A group"}[results.unit]
    about = (
        "A dot is a sample, the bar a method’s median; a click leads to the pictures. Below, how "
        "far a method’s mean error lies above the first’s, with its 95 % bootstrap interval; "
        "p-values are of Wilcoxon’s signed-rank test, with Holm’s correction for all pairs of "
        f"methods. {what} counts once."
    )
    return _section("Spread", "".join(parts), about)


def _strips(results: Results, order: list[str], key: str, shown: Sequence[int]) -> str:
    scores, several = results.scores(key), len(results.methods)
    drawn = set(chosen(results, MOST_LINES)) | set(shown)
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
    means = means_columns(results, key)[METRICS[key].title]
    notes = {method: f"mean {mean.text}" for method, mean in zip(order, means, strict=True)}
    return charts.strips(lines, charts.colours(results.methods), notes)


def _failures(results: Results) -> str:
    told = [
        f"<li><b>{escape(method)}</b> on {escape(samples)}: {escape(error)}</li>"
        for method, samples, error in failures(results)
    ]
    if not told:
        return ""
    about = "They count in no mean, and rank last in their cell."
    return _section("Failures", f'<ul class="bad">{"".join(told)}</ul>', about)


def _all_scores(results: Results) -> str:
    """Return one folded table per metric."""
    if results.samples > MOST_LINES:
        return ""
    parts = [
        f"<details><summary>{kind.title}</summary>{scores_table(results, key)}</details>"
        for key, kind in METRICS.items()
    ]
    return _section("All scores", "".join(parts))


def _about_pictures(results: Results, shown: Sequence[int]) -> str:
    total = results.samples
    chosen = f"{len(shown)} of {total} samples, evenly from easy to hard. " * (len(shown) < total)
    return (
        f"{chosen}Numbers are SAD; the best alpha of a sample has a frame. Click a picture to "
        "enlarge it, and others in its place by the arrow keys; <b>e</b> changes between alpha and "
        "error, which is shown by its square root: blue where alpha is too low."
    )


def _section(head: str, body: str, about: str = "") -> str:
    told = f'<p class="about">{about}</p>' if about else ""
    return f"<section><h2>{head}</h2>{told}{body}</section>"


def _asset(name: str) -> str:
    return files("alphamat.evaluation.pages").joinpath(name).read_text(encoding="utf-8")
