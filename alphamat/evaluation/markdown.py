"""The tables of an evaluation in Markdown."""

from __future__ import annotations

import math
from collections.abc import Sequence

from alphamat.evaluation.digits import NONE, TITLES, column, count, probability
from alphamat.evaluation.measure import METRICS, Row
from alphamat.evaluation.table import Evaluation, Means

MOST_GROUPS = 6
"""Kinds of trimap, or clips, that get columns of their own."""


def markdown(evaluation: Evaluation, metric: str = "sad") -> str:
    rounded = "after" if evaluation.quantise else "before"
    about = (
        f"Means over {count(evaluation.samples, 'sample')}, {rounded} rounding to 8 bits; seconds "
        "and MB at the peak are medians."
    )
    parts = [about, table(means_columns(evaluation, metric))]
    if len(evaluation.methods) > 1:
        parts += [table(ranks_columns(evaluation, metric)), _comparisons(evaluation, metric)]
    parts.append(_failures(evaluation))
    return "\n\n".join(part for part in parts if part) + "\n"


def means_columns(evaluation: Evaluation, metric: str) -> dict[str, list[str]]:
    """Return means by their heads, the best-ranked method first; **the best** of each is marked."""
    means = by_rank(evaluation, metric)
    columns = {"method": [m.method for m in means]}
    for key in METRICS:
        first = best(means, key)
        texts = column([getattr(m, key) for m in means])
        columns[TITLES[key]] = [
            f"**{text}**" if getattr(m, key) == first else text
            for text, m in zip(texts, means, strict=True)
        ]
    columns["seconds"], columns["MB"] = costs(means)
    columns["failed"] = [str(m.failed or "") for m in means]
    columns["not converged"] = [str(m.unconverged or "") for m in means]
    return {head: texts for head, texts in columns.items() if any(texts)}


def ranks_columns(evaluation: Evaluation, metric: str) -> dict[str, list[str]]:
    """Return mean ranks by metric, and of one metric also by group."""
    order = [means.method for means in by_rank(evaluation, metric)]
    columns = {"mean rank by": order}
    for key in METRICS:
        ranks = evaluation.ranks(key)
        columns[TITLES[key]] = column([ranks[method].overall for method in order])
    ranks = evaluation.ranks(metric)
    if 1 < len(evaluation.groups) <= MOST_GROUPS:
        for group in evaluation.groups:
            values = [ranks[method].groups.get(group, math.nan) for method in order]
            columns[f"{TITLES[metric]}, {group or 'no group'}"] = column(values)
    return columns


def by_rank(evaluation: Evaluation, metric: str) -> list[Means]:
    """Return the means, the best-ranked method first."""
    ranks = evaluation.ranks(metric)
    return sorted(evaluation.means(), key=lambda means: _nan_last(ranks[means.method].overall))


def best(means: Sequence[Means], key: str) -> float:
    """Return the lowest of a column among methods that failed nowhere; NaN if there is none."""
    sound = [getattr(m, key) for m in means if not m.failed and not math.isnan(getattr(m, key))]
    return min(sound, default=math.nan) if len(means) > 1 else math.nan


def costs(means: Sequence[Means]) -> tuple[list[str], list[str]]:
    """Return columns of seconds and of MB."""
    return column([m.seconds for m in means]), column([m.peak_memory / 1e6 for m in means])


def _comparisons(evaluation: Evaluation, metric: str) -> str:
    found = evaluation.compare(metric)
    numbers = column([end for c in found for end in (c.difference, c.low, c.high)])
    ends = list(zip(numbers[::3], numbers[1::3], numbers[2::3], strict=True))
    columns = {
        "pair": [f"{c.method} less {c.other}" for c in found],
        f"difference in {TITLES[metric]}": [difference for difference, _, _ in ends],
        "95 % interval": [NONE if low == NONE else f"{low} to {high}" for _, low, high in ends],
        "better, worse": [f"{c.better}, {c.worse} of {c.pairs}" for c in found],
        "p": [probability(c.p) for c in found],
        "p after Holm": [probability(c.p_holm) for c in found],
    }
    return table(columns)


def _failures(evaluation: Evaluation) -> str:
    return "\n".join(
        f"- {method} failed on {listed(rows)}: {error}"
        for (method, error), rows in evaluation.failures().items()
    )


def listed(rows: Sequence[Row], most: int = 6) -> str:
    """Name the samples of some rows."""
    names = [label(row) for row in rows[:most]]
    more = [f"{len(rows) - most} more"] if len(rows) > most else []
    return ", ".join(names + more)


def label(row: Row) -> str:
    return " ".join(part for part in (row.name, row.group) if part)


def table(columns: dict[str, Sequence[str]]) -> str:
    """Return columns by their heads as a Markdown table, aligned also for the eye."""
    heads, first = list(columns), next(iter(columns))
    cells = [[text.replace("|", "\\|") for text in columns[head]] for head in heads]
    widths = [max(map(len, [head, *texts])) for head, texts in zip(heads, cells, strict=True)]
    lines = [
        " | ".join(
            text.ljust(width) if head == first else text.rjust(width)
            for head, text, width in zip(heads, line, widths, strict=True)
        )
        for line in [heads, *zip(*cells, strict=True)]
    ]
    rule = " | ".join(
        "-" * width if head == first else "-" * (width - 1) + ":"
        for head, width in zip(heads, widths, strict=True)
    )
    return "\n".join(f"| {line} |" for line in [lines[0], rule, *lines[1:]])


def _nan_last(value: float) -> float:
    return math.inf if math.isnan(value) else value
