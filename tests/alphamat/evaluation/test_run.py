import json
import logging
import math
import os
import warnings
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context

import joblib
import numpy as np
import pytest

import alphamat
from alphamat import datasets, evaluation, metrics, read_image
from alphamat.datasets import Dataset
from alphamat.evaluation import evaluate, whole_picture
from alphamat.identity import describe
from alphamat.trimap import Diagonal, Ellipse, from_alpha
from solvers import Solution
from tests.alphamat.evaluation.cases import choosy, half, red, sample, samples


def without_costs(rows):
    return [row._replace(seconds=0, peak_memory=0) for row in rows]


def test_rows_hold_what_each_method_scores_on_each_sample():
    found = evaluate([red, half], samples(), quantise=False)
    assert [row[:3] for row in found.rows[:4]] == [
        ("red", "disc", "fine"),
        ("half", "disc", "fine"),
        ("red", "disc", "coarse"),
        ("half", "disc", "coarse"),
    ]
    assert len(found.rows) == 8
    given = samples()[2]
    alpha = half(given.image / 255, given.trimap / 255)
    scores = metrics.all(alpha, given.truth, given.trimap)
    row = found.rows[5]
    np.testing.assert_array_equal(row[3:8], scores)
    assert row.seconds > 0
    assert row.converged is None
    assert row.error == row.warning == ""
    np.testing.assert_array_equal(found.alpha("half", "moon", "fine"), np.rint(255 * alpha))


def test_alphas_are_rounded_to_8_bits_by_default():
    def third(image, trimap):
        return np.where(trimap == 0, 0, 1 / 3 + 0.0015)

    given = sample()
    rounded = evaluate({"third": third}, [given]).rows[0]
    exact = evaluate({"third": third}, [given], quantise=False).rows[0]
    alpha = third(None, given.trimap)
    assert rounded.mse == metrics.mse(alpha, given.truth, given.trimap, quantise=True)
    assert exact.mse == metrics.mse(alpha, given.truth, given.trimap)
    assert rounded.mse != exact.mse


def test_region_says_which_pixels_are_scored():
    given = sample()
    row = evaluate([half], [given], region=whole_picture).rows[0]
    alpha = half(None, given.trimap / 255)
    assert row.sad == metrics.sad(alpha, given.truth, None, quantise=True)


def test_methods_get_floats_and_no_trimap_where_there_is_none():
    def matte(image, trimap=None):
        assert trimap is None
        assert image.dtype == np.float64
        return image[..., 0]

    def from_image(image):
        return image[..., 0]

    given = sample()._replace(trimap=None)
    *rows, refused = evaluate([matte, from_image, red], [given]).rows
    for row in rows:
        assert row.error == ""
        assert row.sad == metrics.sad(given.image[..., 0], given.truth, None)
    assert refused.error.startswith("ValueError: `trimap` is missing; red needs one.")


def test_a_method_that_takes_no_trimap_is_given_none():
    def from_image(image):
        return image[..., 0]

    assert evaluate([from_image], [sample()]).rows[0].error == ""


def test_a_sample_without_truth_gets_an_alpha_and_no_scores():
    found = evaluate([red], [sample()._replace(truth=None), sample("moon")])
    assert math.isnan(found.rows[0].sad)
    assert found.rows[0].error == ""
    assert found.alpha("red", "disc").shape == (11, 14)
    assert found.means()[0].scored == 1


@pytest.mark.parametrize(
    ("faulty", "message"),
    [
        (lambda image, trimap: 1 / 0, "ZeroDivisionError: division by zero"),
        (lambda image, trimap: None, "Error: `alpha`"),
        (lambda image, trimap: np.full((11, 14), np.nan), "ValueError: `alpha` contains NaN"),
        (lambda image, trimap: np.zeros((14, 11)), "ValueError: `alpha` is 14 × 11"),
    ],
)
def test_a_method_that_fails_is_reported_and_the_rest_goes_on(faulty, message):
    found = evaluate({"faulty": faulty, "red": red}, samples())
    for row in found.rows:
        assert (message in row.error) == (row.method == "faulty")
        assert math.isnan(row.sad) == (row.method == "faulty")
    assert [means.failed for means in found.means()] == [4, 0]
    assert found.ranks()["faulty"].overall == 2


def test_a_sample_that_cannot_be_read_fails_alone():
    class Broken:
        name, group = "broken", ""

        def read(self):
            raise ValueError("broken.png is cut short")

    class Whole:
        name, group = "disc", ""

        def read(self):
            return sample()

    found = evaluate([red], Dataset((Broken(), Whole())))
    assert [row.error for row in found.rows] == ["ValueError: broken.png is cut short", ""]


def test_convergence_is_seen_in_systems_and_in_warnings():
    def give_up(A, b):
        return Solution(b, 7, 0.25, False)

    def within(image, trimap):
        return alphamat.closed_form(image, trimap)

    def warning(image, trimap):
        for _ in range(2):
            warnings.warn("stopped early", alphamat.ConvergenceWarning, stacklevel=1)
        return red(image, trimap)

    methods = {
        "solves": within,
        "gives up": partial(alphamat.closed_form, solver=give_up),
        "warns": warning,
        "plain": red,
    }
    found = evaluate(methods, [sample()])
    assert [row.converged for row in found.rows] == [True, False, False, None]
    assert found.rows[1].warning.startswith("The solver stopped after 7 iterations")
    assert [row.warning for row in found.rows][::2] == ["", "stopped early"]
    assert [means.unconverged for means in found.means()] == [0, 1, 1, 0]


@pytest.mark.skipif(not os.path.exists("/proc/self/clear_refs"), reason="tells no peak")
def test_peak_memory_is_what_a_method_takes_at_its_peak():
    def hungry(image, trimap):
        np.ones(2_500_000).sum()  # 20 MB, which malloc keeps in reserve after the first time
        return red(image, trimap)

    peaks = [evaluate([hungry], [sample()]).rows[0].peak_memory for _ in range(4)]
    assert all(18e6 < peak < 35e6 for peak in peaks)


def test_two_workers_find_what_one_finds():
    alone = evaluate([red, half, choosy], samples())
    together = evaluate([red, half, choosy], samples(), jobs=2)
    assert without_costs(alone.rows) == without_costs(together.rows)
    assert alone.alphas == together.alphas


def threads_here(image, trimap):
    from numba import config

    raise RuntimeError(f"{config.NUMBA_NUM_THREADS} threads")


def test_workers_share_the_cores(monkeypatch):
    monkeypatch.delenv("NUMBA_NUM_THREADS", raising=False)
    cores = joblib.cpu_count()
    rows = evaluate([threads_here], samples(), jobs=2).rows
    (error,) = {row.error for row in rows}
    assert error.startswith(f"RuntimeError: {max(1, cores // 2)} threads (test_run.py, line ")


@pytest.mark.parametrize("backend", ["threading", "multiprocessing", "like Ray's"])
def test_other_backends_of_joblib_serve(backend):
    # Ray's backend is made from joblib's multiprocessing, which hands nothing over until all is
    # done. It forks, which a process must not do once it has used JAX: so this runs in a new one.
    with ProcessPoolExecutor(1, get_context("spawn")) as fresh:
        found = fresh.submit(found_with, backend).result(timeout=120)
    assert found == without_costs(evaluate([red, half], samples()).rows)


def found_with(backend):
    class LikeRays(joblib.parallel.BACKENDS["multiprocessing"]):
        pass

    joblib.register_parallel_backend("like Ray's", LikeRays)
    with joblib.parallel_config(backend, n_jobs=2):
        return without_costs(evaluate([red, half], samples()).rows)


def test_a_dask_cluster_serves():
    distributed = pytest.importorskip("distributed")

    def on_a_worker(image, trimap):
        distributed.get_worker()  # raises elsewhere
        return red(image, trimap)

    cluster = distributed.LocalCluster(
        n_workers=1,
        threads_per_worker=2,  # with one in all, joblib stays at home
        processes=False,
        dashboard_address=None,
        silence_logs=logging.ERROR,
    )
    with cluster, distributed.Client(cluster), joblib.parallel_config("dask"):
        found = evaluate({"red": on_a_worker}, samples())
    expected = evaluate([red], samples()).rows
    assert without_costs(found.rows) == without_costs(expected)


calls = []


def counting(image, trimap):
    calls.append(1)
    return half(image, trimap)


def test_a_folder_keeps_what_is_finished(tmp_path):
    first = evaluate([counting, red], samples(), folder=tmp_path)
    calls.clear()
    again = evaluate([counting, red], samples(), folder=tmp_path)
    assert not calls
    assert again.rows == first.rows
    np.testing.assert_array_equal(
        read_image(tmp_path / "alphas" / "red" / "fine" / "moon.png"),
        again.alpha("red", "moon", "fine"),
    )


def test_more_samples_and_methods_are_added_to_a_folder(tmp_path):
    evaluate([counting], samples()[:1], folder=tmp_path)
    calls.clear()
    found = evaluate([red, counting], samples(), folder=tmp_path)
    assert len(calls) == 3
    assert len(found.rows) == 8
    assert not found.failures()


def test_a_killed_run_goes_on_where_it_was(tmp_path):
    def killed(image, trimap):
        if len(calls) == 3:
            raise KeyboardInterrupt
        return counting(image, trimap)

    calls.clear()
    with pytest.raises(KeyboardInterrupt):
        evaluate({"counting": killed}, samples(), folder=tmp_path)
    path = tmp_path / "rows.jsonl"
    lines = path.read_text().splitlines()
    assert len(lines) == 3
    # A line cut short, a picture gone, and a failure: all three are done again.
    record = json.loads(lines[1])
    record["row"]["error"] = "no"
    path.write_text("\n".join([lines[0], json.dumps(record), lines[2][:40]]))
    calls.append(1)
    found = evaluate({"counting": killed}, samples(), folder=tmp_path)
    assert len(calls) == 4 + 3
    assert not found.failures()
    (tmp_path / "alphas" / "counting" / "fine" / "disc.png").unlink()
    evaluate({"counting": killed}, samples(), folder=tmp_path)
    assert len(calls) == 4 + 3 + 1


def test_what_failed_is_tried_again(tmp_path):
    bright = sample("moon")._replace(image=np.full((11, 14, 3), 255, np.uint8))
    assert evaluate([choosy], [sample(), bright], folder=tmp_path).rows[1].error
    assert evaluate([choosy], [sample(), bright], folder=tmp_path).rows[1].error
    assert len((tmp_path / "rows.jsonl").read_text().splitlines()) == 3


@pytest.mark.parametrize(
    ("methods", "options", "message"),
    [
        ({"red": red}, {"quantise": False}, "quantise was True and is False"),
        ({"red": half}, {}, r"method was .*cases\.red and is .*cases\.half"),
        ({"red": partial(red)}, {}, r"is .*cases\.red\(\)"),
        ({"red": red}, {"region": sample}, r"region was None and is .*cases\.sample"),
    ],
)
def test_a_folder_of_other_settings_is_refused(tmp_path, methods, options, message):
    evaluate([red], [sample()], folder=tmp_path)
    with pytest.raises(ValueError, match=message):
        evaluate(methods, [sample()], folder=tmp_path, **options)


def test_a_folder_of_other_samples_is_refused(tmp_path):
    evaluate([red], [sample()], folder=tmp_path)
    brighter = sample()._replace(truth=sample().truth // 2)
    with pytest.raises(ValueError, match="red on disc by other settings: sample was"):
        evaluate([red], [brighter], folder=tmp_path)


def test_descriptions_tell_options_apart():
    def described(width):
        return describe(partial(from_alpha, inner=width, outer=Ellipse(7)))

    assert described(Ellipse(3)) == described(Ellipse(3))
    assert len({described(width) for width in (Ellipse(3), Ellipse(5), 3, Diagonal(3))}) == 4
    first, second = datasets.synthetic(20, 30, seeds=(1, 2))[:1], datasets.synthetic(20, 31)[:1]
    assert describe(first) != describe(second)
    assert " at 0x" not in describe(first)


def test_a_damaged_folder_is_refused(tmp_path):
    (tmp_path / "rows.jsonl").write_text("what?\n")
    with pytest.raises(ValueError, match=r"rows\.jsonl is damaged"):
        evaluate([red], [sample()], folder=tmp_path)


def test_names_of_any_kind_become_files_within_the_folder(tmp_path):
    odd = sample("../a b", "c/d")
    found = evaluate({"..": red, "é, 10": half}, [odd], folder=tmp_path / "new" / "run")
    assert not found.failures()
    files = {path.relative_to(tmp_path / "new" / "run") for path in tmp_path.rglob("*.png")}
    assert len(files) == 2
    assert all(len(file.parts) == 4 and file.parts[0] == "alphas" for file in files)


@pytest.mark.parametrize(
    ("methods", "error", "message"),
    [
        (red, TypeError, "expected several"),
        ("closed_form", TypeError, "expected several"),
        ([], ValueError, "empty"),
        ({}, ValueError, "empty"),
        ([red, red], ValueError, "no name of its own"),
        ([partial(red)], ValueError, "pass a dict of names"),
        ([lambda image, trimap: trimap], ValueError, "pass a dict of names"),
        ({"red": "red"}, TypeError, "expected a name and a function"),
        ({"": red}, TypeError, "expected a name and a function"),
    ],
)
def test_methods_need_names(methods, error, message):
    with pytest.raises(error, match=message):
        evaluate(methods, [sample()])


@pytest.mark.parametrize(
    ("dataset", "error", "message"),
    [
        ([], ValueError, "empty"),
        (sample(), TypeError, "is a Sample"),
        ("alphamatting", TypeError, "is a str"),
        (iter([sample()]), TypeError, "expected a data set"),
        ([sample(), 3], TypeError, "has a int"),
        ([sample(), sample()], ValueError, "2 samples with name and group"),
    ],
)
def test_datasets_are_sequences_of_different_samples(dataset, error, message):
    with pytest.raises(error, match=message):
        evaluate([red], dataset)


@pytest.mark.parametrize("options", [{"jobs": 0}, {"jobs": "two"}, {"unit": "clip"}])
def test_nonsense_is_refused(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        evaluate([red], [sample()], **options)


def test_nothing_is_printed_unless_stderr_is_a_terminal(capfd):
    evaluate([red], [sample()])
    assert capfd.readouterr() == ("", "")


def test_a_bar_is_shown_on_a_terminal(monkeypatch, capsys):
    monkeypatch.setenv("FORCE_COLOR", "1")
    evaluate([red, choosy], samples())
    assert "8/8" in capsys.readouterr().err
    evaluate([red], samples(), progress=False)
    assert capsys.readouterr().err == ""


def test_rows_make_a_data_frame():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(evaluate([red], samples()).rows)
    assert list(frame.columns) == list(evaluation.Row._fields)


def test_a_method_with_a_plate_is_given_the_samples():
    given = sample()
    plate = np.full_like(given.image, (26, 51, 204))

    def differing(image, trimap=None, *, plate):
        return np.abs(image - plate).max(axis=2)

    found = evaluate(
        {"plate": differing, "red": red}, [given._replace(plate=plate), sample("moon")]
    )
    assert [bool(row.error) for row in found.rows] == [False, False, True, False]
    assert found.rows[0].sad < 0.01
