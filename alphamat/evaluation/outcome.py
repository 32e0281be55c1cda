"""The outcome of a run: its results, and the forms they are written in."""

from __future__ import annotations

import csv
import io
import json
import math
from dataclasses import dataclass
from pathlib import Path

from alphamat.evaluation.keeping import plain
from alphamat.evaluation.measure import Row
from alphamat.evaluation.pages.markdown import markdown, table
from alphamat.evaluation.pages.report import report
from alphamat.evaluation.pages.tables import means_table
from alphamat.evaluation.results import Ranks, Results
from alphamat.evaluation.summary import means_columns
from alphamat.io.whole import replace_file


@dataclass(frozen=True, repr=False)
class Evaluation(Results):
    """What `evaluate` returns: results that can be written down.

    `pandas.DataFrame(evaluation.rows)` is a table of the rows; with own metrics,
    `pandas.DataFrame(evaluation.record()["rows"])` has a column for each.
    """

    def to_csv(self, path: str | Path) -> None:
        """Write the rows; a cell is empty where there is no number."""
        text = io.StringIO(newline="")
        rows = csv.DictWriter(text, [*(key for key in Row._fields if key != "own"), *self.own])
        rows.writeheader()
        rows.writerows(plain(row) for row in self.rows)
        replace_file(path, [_encoded(text.getvalue())])

    def to_json(self, path: str | Path) -> None:
        """Write rows, means, ranks and comparisons; null where there is no number."""
        text = json.dumps(self.record(), indent=1, allow_nan=False, ensure_ascii=False)
        replace_file(path, [_encoded(text + "\n")])

    def record(self) -> dict:
        """Return everything but the pictures, as JSON can hold it."""
        several = len(self.methods) > 1
        return {
            "methods": self.definitions,
            "quantise": self.quantise,
            "unit": self.unit,
            "means": [plain(means) for means in self.means()],
            "ranks": {
                metric: {method: _plain_ranks(r) for method, r in self.ranks(metric).items()}
                for metric in self.metrics
            },
            "comparisons": [plain(c) for c in self.compare()] if several else [],
            "rows": [plain(row) for row in self.rows],
        }

    def to_markdown(self, path: str | Path, *, metric: str = "sad") -> None:
        """Write the tables of means, ranks and comparisons, by one metric, and what failed."""
        replace_file(path, [_encoded(markdown(self, metric))])

    def __str__(self) -> str:
        return markdown(self)

    def __repr__(self) -> str:
        return table(means_columns(self, "sad"))

    def report(
        self,
        path: str | Path,
        *,
        title: str = "",
        side: int = 480,
        most: int = 40,
        metric: str = "sad",
    ) -> None:
        """Write one self-contained HTML page with tables, charts and pictures.

        Parameters
        ----------
        path : path of the file to write
        title : str, optional
        side : int
            Pixels of a picture's longer side; larger ones are reduced.
        most : int
            At most so many samples have pictures; of more, some are chosen, evenly from easy to
            hard. Means and ranks are over all.
        metric : str
            What methods are ordered by, and samples chosen.
        """
        replace_file(path, [_encoded(report(self, title, side, most, metric))])

    def _repr_html_(self) -> str:
        return means_table(self, "sad")


def _encoded(text: str) -> bytes:
    """Return text in UTF-8; names of files that were not in UTF-8 have escapes."""
    return text.encode(errors="backslashreplace")


def _plain_ranks(ranks: Ranks) -> dict:
    overall = None if math.isnan(ranks.overall) else ranks.overall
    return {"overall": overall, "groups": ranks.groups}
