import sys

import numpy as np
import pytest

from alphamat.evaluation import plots
from alphamat.evaluation.pages.pictures import error_colours
from tests.alphamat.evaluation.cases import sample, table

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
NAN = float("nan")


@pytest.fixture(autouse=True)
def closed():
    yield
    matplotlib.pyplot.close("all")


def test_an_error_map_shows_errors_in_colours_and_known_pixels_dark():
    given = sample()
    alpha = np.clip(given.truth / 255 + 0.25, 0, 1)
    ax = plots.error_map(alpha, given.truth, given.trimap)
    shown = np.asarray(ax.images[0].get_array())
    known = given.trimap != 128
    assert (shown[known] == 0.05).all()
    expected = error_colours(alpha - given.truth / 255)
    np.testing.assert_allclose(shown[~known], expected[~known])
    assert plots.error_map(alpha, given.truth, ax=ax) is ax
    with pytest.raises(ValueError, match="`alpha` is 10 × 14 and `truth` is 11 × 14"):
        plots.error_map(alpha[1:], given.truth)


def test_bars_begin_with_the_best_and_tell_of_failures():
    found = table({"old": [3, 2, 2], "new": [1, NAN, 1]}, [("a", ""), ("b", ""), ("c", "")])
    ax = plots.bars(found, "mad")
    assert [text.get_text() for text in ax.get_yticklabels()] == ["new, 2 of 3", "old"]
    assert [bar.get_width() for bar in ax.patches] == pytest.approx([1, 7 / 3])
    assert ax.yaxis_inverted()
    assert ax.get_xlabel() == "mean MAD"
    assert plots.bars(found, ax=ax) is ax
    with pytest.raises(ValueError, match="`metric` is 'best'"):
        plots.bars(found, "best")


def test_errors_over_time_are_those_of_one_clip():
    labels = [(f"{clip}{at}", clip) for clip in ("sea", "sky") for at in range(3)]
    found = table({"a": range(6), "b": [1, NAN, 2, 3, 4, 5]}, labels, unit="group")
    ax = plots.error_over_time(found, "sea")
    assert [line.get_label() for line in ax.lines] == ["a", "b"]
    np.testing.assert_equal(ax.lines[1].get_ydata(), [1, NAN, 2])
    assert plots.error_over_time(found, "sky", "mse", ax=ax) is ax
    np.testing.assert_equal(ax.lines[2].get_ydata(), [3, 4, 5])
    for clip in (None, "land"):
        with pytest.raises(ValueError, match=f"`clip` is {clip!r}; expected one of 'sea', 'sky'"):
            plots.error_over_time(found, clip)


def test_lacking_matplotlib_is_told_with_a_remedy(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r'pip install "alphamat\[notebook\]"'):
        plots.bars(table({"a": [1]}, [("x", "")]))
