"""What is done with what methods and metrics return."""

import math
import sys

import numpy as np
import pytest

from alphamat.evaluation import evaluate
from tests.alphamat.evaluation.cases import half, red, sample, samples


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("beyond", [1e-7, 9e-4])
def test_rounding_errors_are_clipped_with_a_note(tmp_path, kind, beyond):
    def loose(image, trimap):
        return ((1 + 2 * beyond) * trimap - beyond).astype(kind)

    def tight(image, trimap):
        return np.clip(loose(image, trimap), 0, 1)

    found = evaluate([loose, tight], [sample()], quantise=False)
    first, second = found.rows
    assert not found.failures()
    assert first[3:8] == second[3:8]
    assert first.warning == "alpha left [0, 1] by less than 0.001 and was clipped"
    assert second.warning == ""
    found.report(tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text()
    assert f"<b>loose</b> on disc: {first.warning}" in text


@pytest.mark.parametrize(
    ("alpha", "told"),
    [
        (lambda image, trimap: trimap + 2e-3, "has values from 0.002 to 1.002"),
        (lambda image, trimap: trimap - 2e-3, "has values from -0.002 to 0.998"),
        (lambda image, trimap: np.where(trimap == 1, np.nan, trimap), "contains NaN"),
        (lambda image, trimap: np.where(trimap == 1, np.inf, trimap), "contains NaN or infinite"),
        (lambda image, trimap: trimap > 0.5, "has dtype bool"),
        (lambda image, trimap: (255 * trimap).astype(int), "has dtype int64"),
        (lambda image, trimap: trimap.astype(complex), "has dtype complex128"),
        (lambda image, trimap: trimap[:-1], "is 10 × 14 and the image is 11 × 14"),
        (lambda image, trimap: image, "has colours"),
        (lambda image, trimap: trimap[None, None], "has shape"),
        (lambda image, trimap: np.zeros((0, 14)), "is empty"),
        (lambda image, trimap: [trimap, 3], ""),
        (lambda image, trimap: "alpha.png", "is the path"),
    ],
)
def test_what_is_no_alpha_is_refused(alpha, told):
    (row,) = evaluate({"odd": alpha}, [sample()]).rows
    assert row.error
    assert told in row.error
    assert math.isnan(row.sad)


def test_methods_and_metrics_cannot_change_what_others_are_given():
    given = sample()._replace(image=sample().image / 255, truth=sample().truth / 255)
    given = given._replace(trimap=given.trimap / 255)
    before = [levels.copy() for levels in (given.image, given.trimap, given.truth)]

    def wasteful(image, trimap):
        alpha = red(image, trimap)
        image[:], trimap[:] = 0, 0
        return alpha

    def zero(alpha, truth, trimap):
        alpha[:], truth[:], trimap[:] = 0, 0, 0
        return 0

    found = evaluate([wasteful, red], [given], metrics=[zero])
    assert found.rows[0][3:8] == found.rows[1][3:8]
    for levels, expected in zip((given.image, given.trimap, given.truth), before, strict=True):
        np.testing.assert_array_equal(levels, expected)


def test_compiling_and_loading_are_not_timed(tmp_path, monkeypatch):
    (tmp_path / "slow_to_load.py").write_text("import time\ntime.sleep(0.5)\n")
    monkeypatch.syspath_prepend(tmp_path)
    calls = []

    def loading(image, trimap):
        import slow_to_load  # noqa: F401

        calls.append(1)
        return half(image, trimap)

    first, second = evaluate([loading], [sample(), sample("moon")]).rows
    sys.modules.pop("slow_to_load")
    assert first.seconds < 0.3
    assert second.seconds < 0.3
    assert len(calls) == 3


@pytest.mark.parametrize("library", ["numba", "jax"])
def test_compiling_is_not_timed(library):
    compiler = pytest.importorskip(library)
    compiled = []

    def trace(x):
        compiled.append(1)
        return x + 1

    twice = compiler.jit(trace) if library == "jax" else compiler.njit(lambda x: x + 1)
    calls = []

    def compiling(image, trimap):
        twice(image.astype(np.float32))
        calls.append(1)
        return half(image, trimap)

    evaluate([compiling], [sample(), sample("moon")])
    assert len(calls) == 3
    evaluate([compiling], [sample("sun", shape=(11, 15))])
    assert len(calls) == (5 if library == "jax" else 4)


def worst(alpha, truth, trimap):
    unknown = (trimap > 0) & (trimap < 1)
    return np.abs(alpha - truth)[unknown].max()


def test_own_metrics_are_scores_like_the_others(tmp_path):
    found = evaluate([half, red], samples(), metrics=[worst])
    given = samples()[0]
    alpha = np.rint(255 * half(None, given.trimap / 255)) / 255
    assert found.rows[0].score("worst") == worst(alpha, given.truth / 255, given.trimap / 255)
    assert found.rows[0].own == (("worst", found.rows[0].score("worst")),)
    assert found.means()[0].score("worst") == pytest.approx(found.scores("worst")[:, 0].mean())
    assert found.ranks("worst")["red"].overall == 1
    assert found.compare("worst")[0].difference > 0
    record = found.record()
    assert record["rows"][0]["worst"] == found.rows[0].score("worst")
    assert record["ranks"]["worst"]["red"]["overall"] == 1
    assert "own" not in record["rows"][0]
    assert "| worst |" in str(found).splitlines()[2].replace("  ", "")
    with pytest.raises(ValueError, match="expected one of sad, mse, mad, grad, conn, worst"):
        found.ranks("best")


def test_a_metric_that_fails_is_no_fault_of_the_method():
    def faulty(alpha, truth, trimap):
        return 1 / 0

    def wordy(alpha, truth, trimap):
        return "good"

    found = evaluate([red], [sample()], metrics=[faulty, wordy, worst])
    (row,) = found.rows
    assert row.error == ""
    assert row.sad > 0
    assert math.isnan(row.score("faulty"))
    assert (
        "metric faulty: ZeroDivisionError: division by zero (test_measure.py, line" in row.warning
    )
    assert "metric wordy: TypeError: it returned 'good'; expected a number." in row.warning
    assert row.score("worst") > 0


@pytest.mark.parametrize(
    ("metrics", "error", "message"),
    [
        (worst, TypeError, "expected a list or a dict"),
        ([worst, worst], ValueError, "without a name of their own"),
        ([lambda alpha, truth, trimap: 0], ValueError, "without a name of their own"),
        ({"worst": 3}, TypeError, "expected a name and a function"),
        ({"": worst}, TypeError, "expected a name and a function"),
        ({"SAD": worst}, ValueError, "the name of another column"),
        ({"seconds": worst}, ValueError, "the name of another column"),
    ],
)
def test_nonsense_metrics_are_refused(metrics, error, message):
    with pytest.raises(error, match=message):
        evaluate([red], [sample()], metrics=metrics)


def test_an_exception_that_cannot_be_shown_is_a_failure():
    class Mute(Exception):
        def __str__(self):
            raise RuntimeError

    def mute(image, trimap):
        raise Mute

    assert (
        evaluate([mute], [sample()]).rows[0].error.startswith("Mute: its message cannot be shown")
    )
