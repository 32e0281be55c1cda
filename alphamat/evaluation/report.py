"""One HTML page that shows an evaluation, with all that it needs inside."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from importlib.resources import files

import numpy as np

from alphamat import __version__
from alphamat.evaluation import charts
from alphamat.evaluation.digits import TITLES, column, count, probability
from alphamat.evaluation.gallery import gallery
from alphamat.evaluation.markdown import best, by_rank, costs, label, listed
from alphamat.evaluation.measure import METRICS
from alphamat.evaluation.statistics import Comparison, swapped
from alphamat.evaluation.table import Evaluation


def report(evaluation: Evaluation, title: str, side: int, most: int) -> str:
    """Return the page as text; `Evaluation.report` explains the parameters."""
    title = title or "Matting methods compared"
    shown = chosen(evaluation, most)
    scored = not np.isnan(evaluation.scores()).all()
    sections = [
        _header(evaluation, title),
        _section("Means", means_table(evaluation, "sad"), _about_means(evaluation)),
        _charts(evaluation, shown) if scored else "",
        _failures(evaluation),
        _section("Pictures", gallery(evaluation, shown, side), _about_pictures(evaluation, shown)),
        _all_scores(evaluation) if scored else "",
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
"""Samples that are drawn as dots, or listed, so that a browser can bear it."""

LIGHTBOX = """<dialog id="lightbox" aria-label="Enlarged picture">
<figure><img id="large" alt="" src="data:,"><figcaption id="told"></figcaption></figure>
<p>← → next picture · ↑ ↓ next sample · e alpha or error · Esc close</p>
</dialog>"""


def chosen(evaluation: Evaluation, most: int) -> list[int]:
    """Return at most so many samples to show, evenly from easy to hard, in the data set's order."""
    total = evaluation.samples
    if total <= most:
        return list(range(total))
    scores = evaluation.scores()
    known = ~np.isnan(scores)
    mean = np.where(known, scores, 0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    from_easy = np.argsort(mean, kind="stable")
    return sorted(from_easy[np.linspace(0, total - 1, most).round().astype(int)].tolist())


def means_table(evaluation: Evaluation, metric: str) -> str:
    """Return a table of means, with mean ranks, the best-ranked method first."""
    means = by_rank(evaluation, metric)
    several = len(means) > 1
    ranks = {key: evaluation.ranks(key) for key in METRICS}
    heads = ["method", *(TITLES[key] for key in METRICS), "seconds", "MB"]
    styles = charts.colours(evaluation.methods)
    lines = [
        [
            f'<td class="method" title="{escape(evaluation.definitions[m.method])}">'
            f"{escape(m.method)}</td>"
        ]
        for m in means
    ]
    for key in METRICS:
        values = [getattr(m, key) for m in means]
        top, first = max((v for v in values if v == v), default=0), best(means, key)
        for line, m, text in zip(lines, means, column(values), strict=True):
            rank = ranks[key][m.method].overall
            line.append(_score_cell(text, getattr(m, key), top, first, rank if several else None))
    for line, m, seconds, megabytes in zip(lines, means, *costs(means), strict=True):
        line.append(_cell(seconds, m.seconds))
        line.append(_cell(megabytes, m.peak_memory))
    if any(m.failed for m in means):
        heads.append("failed")
        for line, m in zip(lines, means, strict=True):
            line.append(f'<td class="bad">{m.failed or ""}</td>')
    if any(m.unconverged for m in means):
        heads.append("not converged")
        for line, m in zip(lines, means, strict=True):
            line.append(f"<td>{m.unconverged or ''}</td>")
    return _table(heads, lines, [styles[m.method] for m in means])


def _about_means(evaluation: Evaluation) -> str:
    text = "Means over the samples; lower is better. "
    if len(evaluation.methods) > 1:
        text += (
            "The small numbers are mean ranks: in each cell, one picture with one trimap, the "
            "methods are ranked, and the ranks are averaged over each kind of trimap, then over "
            "the kinds. "
        )
    return text + "Seconds, and MB of memory at the peak, are medians."


def _header(evaluation: Evaluation, title: str) -> str:
    groups = [group for group in evaluation.groups if group]
    facts = [count(len(evaluation.methods), "method"), count(evaluation.samples, "sample")]
    if len(groups) > 1:
        facts[-1] += f" in {len(groups)} groups ({', '.join(groups)})"
    facts.append(f"scored {'after' if evaluation.quantise else 'before'} rounding to 8 bits")
    return (
        f'<header class="top"><h1>{escape(title)}</h1>'
        f'<p class="facts">{escape(" · ".join(facts))}</p>'
        f'<p class="verdict">{_verdict(evaluation)}</p></header>'
    )


def _verdict(evaluation: Evaluation) -> str:
    """Say in a sentence or two who leads, and whether the pictures bear it out."""
    first, *others = by_rank(evaluation, "sad")
    rank = evaluation.ranks("sad")[first.method].overall
    if not others or math.isnan(rank):
        return ""
    text = f"<b>{escape(first.method)}</b> ranks first by SAD, at {rank:.2f} on average."
    next_best = others[0].method
    c = next(c for c in against(evaluation, first.method, "sad") if c.method == next_best)
    if c.pairs < 2 or c.difference == 0:
        return text
    size, told = abs(c.difference), "lower" if c.difference > 0 else "higher"
    outcome = (
        "the pictures bear out a difference"
        if c.p_holm < 0.05
        else f"{c.pairs} pictures are too few to tell the two apart"
    )
    return (
        f"{text} Its mean error is {column([size])[0]} {told} than that of the next, "
        f"{escape(next_best)}: {outcome} (p = {probability(c.p_holm)} after Holm’s correction)."
    )


def against(evaluation: Evaluation, leader: str, metric: str) -> list[Comparison]:
    """Return every other method's comparison with one, corrected for the number of all pairs."""
    found = evaluation.compare(metric)
    turned = [swapped(c) if c.method == leader else c for c in found]
    return [c for c in turned if c.other == leader]


def _charts(evaluation: Evaluation, shown: Sequence[int]) -> str:
    """Return the charts of each metric, one of which is seen."""
    picks = "".join(
        f'<input type="radio" name="metric" id="by-{key}"{" checked" * (key == "sad")}>'
        f'<label for="by-{key}">{TITLES[key]}</label>'
        for key in METRICS
    )
    parts = [f'<div class="picks" role="radiogroup" aria-label="metric">{picks}</div>']
    for key in METRICS:
        order = [means.method for means in by_rank(evaluation, key)]
        chart = f"<h3>Every sample</h3>{_strips(evaluation, order, key, shown)}"
        if len(order) > 1:
            others = against(evaluation, order[0], key)
            others.sort(key=lambda c: order.index(c.method))
            chart += f"<h3>Beside {escape(order[0])}, which ranks first</h3>"
            chart += charts.forest(others, charts.colours(evaluation.methods))
        parts.append(f'<div class="of-metric of-{key}">{chart}</div>')
    what = {"name": "A picture with several trimaps", "group": "A group"}[evaluation.unit]
    about = (
        "A dot is a sample, the bar a method’s median; a click leads to the pictures. Below, how "
        "far a method’s mean error lies above the first’s, with its 95 % bootstrap interval; "
        "p-values are of Wilcoxon’s signed-rank test, with Holm’s correction for all pairs of "
        f"methods. {what} counts once."
    )
    return _section("Spread", "".join(parts), about)


def _strips(evaluation: Evaluation, order: list[str], key: str, shown: Sequence[int]) -> str:
    scores, several = evaluation.scores(key), len(evaluation.methods)
    drawn = set(chosen(evaluation, MOST_LINES)) | set(shown)
    lines: dict[str, list[charts.Dot]] = {}
    for method in order:
        at = evaluation.methods.index(method)
        lines[method] = [
            charts.Dot(
                float(score),
                f"{label(evaluation.rows[sample * several])}: {score:.4g}",
                f"#sample-{sample}" if sample in shown else "",
            )
            for sample, score in enumerate(scores[:, at])
            if sample in drawn and not math.isnan(score)
        ]
    means = column([getattr(m, key) for m in by_rank(evaluation, key)])
    notes = {method: f"mean {mean}" for method, mean in zip(order, means, strict=True)}
    return charts.strips(lines, charts.colours(evaluation.methods), notes)


def _failures(evaluation: Evaluation) -> str:
    told = [
        f"<li><b>{escape(method)}</b> on {escape(listed(rows))}: {escape(error)}</li>"
        for (method, error), rows in evaluation.failures().items()
    ]
    if not told:
        return ""
    about = "They count in no mean, and rank last in their cell."
    return _section("Failures", f'<ul class="bad">{"".join(told)}</ul>', about)


def _all_scores(evaluation: Evaluation) -> str:
    """Return one folded table per metric, a line per sample."""
    several = len(evaluation.methods)
    if evaluation.samples > MOST_LINES:
        return ""
    parts = []
    for key in METRICS:
        scores = evaluation.scores(key)
        texts = np.reshape(column(scores.ravel().tolist()), scores.shape)
        lines = []
        for at, (values, line) in enumerate(zip(scores, texts, strict=True)):
            cells = [f"<td>{escape(label(evaluation.rows[at * several]))}</td>"]
            first = np.nanmin(values) if several > 1 and not np.isnan(values).all() else math.nan
            cells += [
                _cell(text, value, "best" * bool(value == first))
                for text, value in zip(line, values, strict=True)
            ]
            lines.append(cells)
        table = _table(["sample", *map(escape, evaluation.methods)], lines)
        parts.append(f"<details><summary>{TITLES[key]}</summary>{table}</details>")
    return _section("All scores", "".join(parts))


def _about_pictures(evaluation: Evaluation, shown: Sequence[int]) -> str:
    total = evaluation.samples
    chosen = f"{len(shown)} of {total} samples, evenly from easy to hard. " * (len(shown) < total)
    return (
        f"{chosen}Numbers are SAD; the best alpha of a sample has a frame. Click a picture to "
        "enlarge it, and others in its place by the arrow keys; <b>e</b> changes between alpha and "
        "error, which is shown by its square root: blue where alpha is too low."
    )


def _section(head: str, body: str, about: str = "") -> str:
    told = f'<p class="about">{about}</p>' if about else ""
    return f"<section><h2>{head}</h2>{told}{body}</section>"


def _table(
    heads: Sequence[str], lines: Sequence[Sequence[str]], styles: Sequence[str] | None = None
) -> str:
    head = "".join(f"<th>{text}</th>" for text in heads)
    body = "".join(
        f'<tr style="{style}">{"".join(cells)}</tr>'
        for cells, style in zip(lines, styles or [""] * len(lines), strict=True)
    )
    return (
        '<div class="wide"><table class="alphamat sortable">'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _score_cell(text: str, value: float, top: float, first: float, rank: float | None) -> str:
    share = 100 * value / top if top > 0 and math.isfinite(value) else 0
    small = f" <small>{rank:.1f}</small>" if rank is not None and math.isfinite(rank) else ""
    kind = "bar best" if value == first else "bar"
    return (
        f'<td class="{kind}" data-value="{value}" style="--share:{share:.0f}%">{text}{small}</td>'
    )


def _cell(text: str, value: float, kind: str = "") -> str:
    return f'<td class="{kind}" data-value="{value}">{text}</td>'


def _asset(name: str) -> str:
    return files("alphamat.evaluation").joinpath(name).read_text(encoding="utf-8")
