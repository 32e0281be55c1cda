import numpy as np
import pytest

from alphamat import metrics
from alphamat.evaluation import trimap_sweep
from alphamat.trimap import from_alpha
from tests.alphamat.evaluation.cases import half, red, sample, samples


def test_every_width_is_scored_on_the_pixels_of_the_widest():
    found = trimap_sweep([half], [sample()], (2, 0, 1), quantise=False)
    assert found.widths == (0, 1, 2)
    truth = sample().truth
    widest = from_alpha(truth, inner=2, outer=2)
    for at, width in enumerate(found.widths):
        alpha = half(None, from_alpha(truth, inner=width, outer=width) / 255)
        expected = metrics.all(alpha, truth, widest)
        assert found.means("mse")["half"][at] == pytest.approx(expected.mse)
        # This method errs nowhere else, so that the sum is over the whole picture.
        assert found.means("sad")["half"][at] == pytest.approx(metrics.sad(alpha, truth))
    assert np.diff(found.means()["half"]).min() > 0


def test_a_picture_is_taken_once_whatever_its_trimaps():
    found = trimap_sweep([red, half], samples(), (1, 2))
    assert [row[1:3] for row in found.evaluation.rows[::2]] == [
        ("disc", "width 1"),
        ("disc", "width 2"),
        ("moon", "width 1"),
        ("moon", "width 2"),
    ]
    assert found.pictures == 2
    assert found.evaluation.ranks()["red"].groups == {"width 1": 1, "width 2": 1}


def test_means_are_of_pictures_that_all_finished_at_all_widths():
    def picky(image, trimap):
        if image[0, 0, 0] > 0.5 and (trimap == 1).sum() < 20:
            raise ValueError("too wide")
        return half(image, trimap)

    bright = sample("moon")._replace(image=np.full((11, 14, 3), 255, np.uint8))
    both = trimap_sweep([picky, red], [sample(), bright], (0, 3))
    alone = trimap_sweep([half, red], [sample()], (0, 3))
    assert len(both.evaluation.failures()) == 1
    assert both.pictures == 1
    assert both.means()["picky"] == alone.means()["half"]
    assert both.means()["red"] == alone.means()["red"]


def test_a_sweep_goes_on_in_its_folder(tmp_path):
    calls = []

    def counting(image, trimap):
        calls.append(1)
        return half(image, trimap)

    trimap_sweep({"a": counting}, [sample()], (1, 3), folder=tmp_path)
    trimap_sweep({"a": counting}, [sample()], (1, 2, 3), folder=tmp_path)
    assert len(calls) == 3


def test_a_sweep_prints_and_plots():
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    found = trimap_sweep([red, half], [sample()], (1, 2), jobs=1)
    lines = str(found).splitlines()
    assert "| SAD at width" in lines[0]
    assert len(lines) == 4
    assert repr(found).splitlines() == lines
    assert "<td>half</td>" in found._repr_html_()
    axes = found.plot(metric="mse")
    assert [line.get_label() for line in axes.lines] == ["red", "half"]
    np.testing.assert_array_equal(axes.lines[1].get_ydata(), found.means("mse")["half"])
    assert found.plot(axes) is axes
    matplotlib.pyplot.close("all")


def test_truth_is_needed():
    found = trimap_sweep([red], [sample()._replace(truth=None)], (1,))
    assert "disc has no true alpha" in found.evaluation.rows[0].error
    assert found.pictures == 0
    assert np.isnan(found.means()["red"]).all()


@pytest.mark.parametrize("widths", [(), (-1, 2), (float("nan"),), ("5",)])
def test_nonsense_widths_are_refused(widths):
    with pytest.raises(ValueError, match="widths"):
        trimap_sweep([red], [sample()], widths)
