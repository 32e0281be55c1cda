"""The tables of the report. A click on a head sorts by the cells' values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from alphamat.evaluation.pages import charts
from alphamat.evaluation.results import Results
from alphamat.evaluation.summary import (
    Cell,
    Columns,
    label,
    means_columns,
    ranks_columns,
    scores_columns,
)


def means_table(results: Results, metric: str) -> str:
    """Return a table of means, with mean ranks, the best-ranked method first."""
    columns, ranks = means_columns(results, metric), ranks_columns(results, metric)
    methods = [cell.text for cell in columns.pop("method")]
    written = [[_method(name, results.definitions[name]) for name in methods]]
    for head, cells in columns.items():
        if head in ranks:
            written.append(_bars(cells, ranks[head] if len(methods) > 1 else None))
        else:
            written.append([_cell(cell, "bad" * (head == "failed")) for cell in cells])
    styles = charts.colours(results.methods)
    return _table(["method", *map(escape, columns)], written, [styles[name] for name in methods])


def scores_table(results: Results, metric: str) -> str:
    """Return a table of one metric, a line per sample."""
    samples = results.rows[:: len(results.methods)]
    columns = scores_columns(results, metric)
    written = [[f"<td>{escape(label(row))}</td>" for row in samples]]
    written += [[_cell(cell, "best" * cell.best) for cell in cells] for cells in columns.values()]
    return _table(["sample", *map(escape, columns)], written)


def columns_table(columns: Columns) -> str:
    """Return a table of columns whose first names the lines."""
    first, *others = columns.values()
    written = [[f"<td>{escape(cell.text)}</td>" for cell in first]]
    written += [[_cell(cell, "best" * cell.best) for cell in cells] for cells in others]
    return _table([escape(head) for head in columns], written)


def _table(
    heads: Sequence[str], columns: Sequence[Sequence[str]], styles: Sequence[str] | None = None
) -> str:
    lines = list(zip(*columns, strict=True))
    head = "".join(f"<th>{text}</th>" for text in heads)
    body = "".join(
        f'<tr style="{style}">{"".join(cells)}</tr>'
        for cells, style in zip(lines, styles or [""] * len(lines), strict=True)
    )
    return (
        '<div class="wide"><table class="alphamat sortable">'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _method(name: str, definition: str) -> str:
    return f'<td class="method" title="{escape(definition)}">{escape(name)}</td>'


def _bars(cells: Sequence[Cell], ranks: Sequence[Cell] | None) -> list[str]:
    """Return cells with a bar as long as its share of the greatest value, and a small mean rank."""
    top = max((cell.value for cell in cells if not math.isnan(cell.value)), default=0)
    written = []
    for at, (text, best, value) in enumerate(cells):
        share = 100 * value / top if top > 0 and math.isfinite(value) else 0
        rank = math.nan if ranks is None else ranks[at].value
        small = f" <small>{rank:.1f}</small>" if math.isfinite(rank) else ""
        written.append(
            f'<td class="bar{" best" * best}" data-value="{value}" style="--share:{share:.0f}%">'
            f"{text}{small}</td>"
        )
    return written


def _cell(cell: Cell, kind: str = "") -> str:
    return f'<td class="{kind}" data-value="{cell.value}">{cell.text}</td>'
