"""An evaluation in Markdown: a few tables, and what failed."""

from __future__ import annotations

from alphamat.evaluation.digits import count
from alphamat.evaluation.results import Results
from alphamat.evaluation.summary import (
    ABOUT_P,
    Cell,
    Columns,
    comparisons_columns,
    failures,
    means_columns,
    ranks_columns,
)


def markdown(results: Results, metric: str = "sad") -> str:
    """Return all of it, its methods in the order of their ranks by one metric."""
    rounded = "after" if results.quantise else "before"
    about = (
        f"Means over {count(results.samples, 'sample')}, {rounded} rounding to 8 bits; seconds "
        "and MB at the peak are medians."
    )
    tables = [means_columns(results, metric)]
    if len(results.methods) > 1:
        tables += [ranks_columns(results, metric), comparisons_columns(results, metric)]
    failed = "\n".join(
        f"- {method} failed on {samples}: {error}" for method, samples, error in failures(results)
    )
    about_p = ABOUT_P if len(results.methods) > 1 else ""
    parts = [about, *map(table, tables), about_p, failed]
    return "\n\n".join(part for part in parts if part) + "\n"


def table(columns: Columns) -> str:
    """Return columns as a Markdown table, aligned also for the eye; **the best** is bold."""
    heads, first = list(columns), next(iter(columns))
    texts = [list(map(_written, columns[head])) for head in heads]
    widths = [max(map(len, [head, *column])) for head, column in zip(heads, texts, strict=True)]
    lines = [
        " | ".join(
            text.ljust(width) if head == first else text.rjust(width)
            for head, text, width in zip(heads, line, widths, strict=True)
        )
        for line in [heads, *zip(*texts, strict=True)]
    ]
    rule = " | ".join(
        "-" * width if head == first else "-" * (width - 1) + ":"
        for head, width in zip(heads, widths, strict=True)
    )
    return "\n".join(f"| {line} |" for line in [lines[0], rule, *lines[1:]])


def _written(cell: Cell) -> str:
    text = cell.text.replace("|", "\\|")
    return f"**{text}**" if cell.best else text
