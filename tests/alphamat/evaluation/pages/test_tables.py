import re

import numpy as np

from alphamat.evaluation.pages.tables import means_table, scores_table
from tests.alphamat.evaluation.cases import table
from tests.alphamat.evaluation.pages.reading import Page

LABELS = [("disc", "fine"), ("disc", "coarse"), ("moon", "fine")]
NAN = float("nan")


def lines(html):
    """Return the cells of each line below the head, as HTML."""
    return [re.findall("<td.*?</td>", line) for line in html.split("<tr")[2:]]


def test_means_are_bars_with_mean_ranks_and_the_best_is_marked():
    first, second = lines(means_table(table({"a<": [2, 4], "b": [1, 2]}, LABELS[:2]), "sad"))
    assert ">b</td>" in first[0]
    assert 'title="a&lt;">a&lt;</td>' in second[0]
    assert [cell.count("best") for cell in first[1:6]] == [1] * 5
    assert "best" not in "".join(second)
    assert "--share:50%" in first[1]
    assert "--share:100%" in second[1]
    assert first[1].endswith(">1.50 <small>1.0</small></td>")
    assert second[1].endswith(">3.00 <small>2.0</small></td>")


def test_one_method_has_no_rank_and_nothing_to_be_better_than():
    (line,) = lines(means_table(table({"a": [2]}, LABELS[:1]), "sad"))
    assert "small" not in "".join(line)
    assert "best" not in "".join(line)


def test_columns_sort_by_their_values():
    html = means_table(table({"a": [NAN] * 3, "b": [1, NAN, 2]}, LABELS), "sad")
    assert "failed" in html
    for line in lines(html):
        assert all(re.search('data-value="(nan|[0-9.e-]+)"', cell) for cell in line[1:])
    assert [line[-1] for line in lines(html)] == [
        '<td class="bad" data-value="1">1</td>',
        '<td class="bad" data-value="3">3</td>',
    ]


def test_scores_have_a_line_per_sample_and_a_mark_for_the_best():
    found = table({"sample": [3, 1, NAN], "b": [2, 1, NAN]}, LABELS)
    first, second, third = lines(scores_table(found, "sad"))
    assert first == [
        "<td>disc fine</td>",
        '<td class="" data-value="3.0">3.00</td>',
        '<td class="best" data-value="2.0">2.00</td>',
    ]
    assert "".join(second).count("best") == 2  # they are equal
    assert "".join(third).count("best") == 0
    assert np.all([cell.endswith(">–</td>") for cell in third[1:]])


def test_notebooks_show_a_table():
    html = Page(table({"a": [1.0], "b": [2.0]}, [("disc", "")])._repr_html_())
    assert len(html.all("tr")) == 3
