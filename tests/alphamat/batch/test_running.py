"""Batches, worked on by processes of their own."""

import csv
import json
import os
import signal
import sys
import threading
import time
import warnings
from itertools import pairwise
from pathlib import Path

import joblib
import numpy as np
import pytest

import alphamat
from alphamat import batch, progress
from alphamat.batch.running import _by_size
from alphamat.colours import exact_layers
from alphamat.io.images import read_image
from tests.alphamat.batch.cases import Network, photograph, red

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows knows no signals")


@pytest.fixture
def photos(tmp_path, monkeypatch):
    """Work where the folder photos has a.png, b.png and c.png with their trimaps."""
    monkeypatch.chdir(tmp_path)
    for name in "abc":
        photograph(Path("photos"), name)
    return tmp_path / "photos"


@pytest.fixture
def in_threads():
    """Work in threads, which need no time to start."""
    with joblib.parallel_config("threading", n_jobs=2):
        yield


def errors(out="out"):
    with open(Path(out, "errors.csv"), newline="") as file:
        return {row["output"]: (row["step"], row["error"]) for row in csv.DictReader(file)}


def journal(out="out"):
    lines = Path(out, ".batch", "journal.jsonl").read_text().splitlines()
    return {record["output"]: record for record in map(json.loads, lines)}


def test_alphas_are_the_methods_and_finished_ones_stay(photos):
    first = batch.run("photos", "out", method=red, jobs=2)
    assert (first.done, first.there, first.failed, first.errors) == (3, 0, 0, None)
    for name in "abc":
        image, trimap = (read_image(photos / x) for x in (f"{name}.png", f"{name}_trimap.png"))
        expected = np.rint(255 * red(image, trimap))
        np.testing.assert_array_equal(read_image(f"out/{name}_alpha.png"), expected)
    before = {path: path.stat().st_mtime_ns for path in Path("out").iterdir()}
    os.unlink("out/b_alpha.png")
    again = batch.run("photos", "out", method=red)
    assert (again.done, again.there) == (1, 2)
    after = {path: path.stat().st_mtime_ns for path in Path("out").iterdir()}
    assert {path.name for path in after if after[path] != before[path]} == {"b_alpha.png"}


def test_what_goes_wrong_with_a_picture_is_in_a_table_and_stops_nothing(photos):
    Path("photos/cut.png").write_bytes(Path("photos/a.png").read_bytes()[:99])
    photograph(photos, "bright", level=255)
    photograph(photos, "kill", level=254)
    photograph(photos, "warn", level=253)
    photograph(photos, "far", folder="other")

    def moody(image, trimap=None):
        level = np.min(image)
        if level == 255:
            raise ValueError("`trimap` is\nnot to my taste")
        if level == 254:
            os.kill(os.getpid(), signal.SIGKILL)
        if level == 253:
            warnings.warn("It is hazy.", stacklevel=2)
            warnings.warn("It is hazy.", stacklevel=2)
        if np.shape(image)[0] == 12:
            return {}["nothing"]
        return np.ones(np.shape(image)[:2])

    inputs = [*sorted(photos.glob("[!_]*.png")), "other/far.png", "no.png", "a/a.png"]
    inputs = [x for x in inputs if "trimap" not in str(x)]
    Path("out/x_alpha.png").mkdir(parents=True)
    Path("out/.batch").mkdir()
    photograph(Path("photos"), "x")
    found = batch.run([*inputs, "photos/x.png"], "out", method=moody, jobs=2)
    assert (found.done, found.failed, found.warned) == (4, 7, 1)
    told = errors()
    assert {name: step for name, (step, _) in told.items()} == {
        "cut_alpha.png": "reading",
        "no_alpha.png": "reading",
        "bright_alpha.png": "matting",
        "far_alpha.png": "matting",
        "kill_alpha.png": "process",
        "x_alpha.png": "writing",
        "a_alpha.png": "planning",
    }
    assert told["bright_alpha.png"][1] == "`trimap` is not to my taste"
    assert told["far_alpha.png"][1].startswith("KeyError: 'nothing' (test_running.py, line ")
    assert told["kill_alpha.png"][1].endswith("ended by signal 9 (SIGKILL)")
    assert "no.png" in told["no_alpha.png"][1]
    assert journal()["warn_alpha.png"]["warning"] == "It is hazy."
    assert "warning" not in journal()["b_alpha.png"]


def test_a_process_that_dies_once_costs_nothing(photos, tmp_path):
    def at_first(image, trimap):
        if not (tmp_path / "tried").exists():
            (tmp_path / "tried").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return red(image, trimap)

    found = batch.run("photos", "out", method=at_first)
    assert (found.done, found.failed) == (3, 0)


def test_failed_pictures_are_tried_again(photos, in_threads):
    os.rename("photos/b_trimap.png", "b.png")
    assert batch.run("photos", "out", method=red).failed == 1
    assert errors()["b_alpha.png"][1] == "It has no trimap, which red needs."
    os.rename("b.png", "photos/b_trimap.png")
    found = batch.run("photos", "out", method=red)
    assert (found.done, found.there, found.errors) == (1, 2, None)
    assert not Path("out/errors.csv").exists()


def test_cut_outs_find_the_foreground_where_a_trimap_is_missing(photos, in_threads):
    os.unlink("photos/b_trimap.png")

    def left_half(image):
        return np.arange(np.shape(image)[1]) < np.shape(image)[1] // 2 * np.ones((11, 1))

    found = batch.run(
        "photos", "out", method=alphamat.closed_form, kind="cutout", segment=left_half, bits=16
    )
    assert (found.done, found.failed) == (3, 0)
    one, two = (read_image(f"out/{name}_cutout.png") for name in "ab")
    assert one.dtype == two.dtype == np.uint16
    assert one.shape == two.shape == (11, 14, 4)
    image, trimap = (read_image(photos / x) for x in ("a.png", "a_trimap.png"))
    options = {"matte": alphamat.closed_form, "layers": exact_layers}
    expected = alphamat.cutout_photo(image, trimap=trimap, **options).rgba
    np.testing.assert_array_equal(one, np.rint(65535 * expected))
    assert (two[:, 0, 3] == 65535).all()
    assert (two[:, -1, 3] == 0).all()


def test_a_networks_own_foreground_is_in_the_cut_out(photos, in_threads):
    found = batch.run("photos", "out", method=Network(), kind="cutout")
    assert (found.done, found.failed) == (3, 0)
    np.testing.assert_array_equal(read_image("out/a_cutout.png")[..., 2], 255)


def test_a_network_sees_pictures_of_one_size_together(monkeypatch):
    def size(path):
        return int(path.stem) % 3, 7

    monkeypatch.setattr("alphamat.batch.running.image_size", size)
    inputs = (f"{at}.png" for at in range(600))
    todo = list(batch.plan(inputs, "none", method=Network()))
    groups = list(_by_size(iter(todo)))
    assert sorted(one.name for group in groups for one in group) == sorted(x.name for x in todo)
    assert all(len({size(one.picture.image) for one in group}) == 1 for group in groups)
    assert max(map(len, groups)) == 8
    assert len(groups) < 600 / 8 + 3 * 3
    sizes = [size(group[0].picture.image)[0] for group in groups]
    assert sum(a != b for a, b in pairwise(sizes)) <= 8


def test_each_device_has_a_process(photos):
    here = photos.parent / "here"
    here.mkdir()

    def device(image):
        name = os.environ["CUDA_VISIBLE_DEVICES"]
        (here / name).touch()
        until = time.monotonic() + 60
        while len(os.listdir(here)) < 2 and time.monotonic() < until:
            time.sleep(0.05)
        return np.full(np.shape(image)[:2], int(name) / 255)

    inputs = [photograph(Path("many"), str(at)) for at in range(12)]
    assert batch.run(inputs, "out", method=device, devices=["3", "5"]).done == 12
    seen = {int(read_image(path)[0, 0]) for path in Path("out").glob("*.png")}
    assert seen == {3, 5}
    with pytest.raises(TypeError, match="`devices` is '01'; expected a list"):
        batch.run(inputs, "out", devices="01")


def test_threads_of_joblib_work_on_it(photos):
    def named(image, trimap):
        assert threading.current_thread() is not threading.main_thread()
        return red(image, trimap)

    with joblib.parallel_config("threading", n_jobs=2):
        found = batch.run("photos", "out", method=named)
    assert (found.done, found.failed) == (3, 0)


def test_steps_tell_how_far_it_is(photos, in_threads):
    steps = []
    with progress.listening(steps.append):
        batch.run("photos", "out", method=red)
        batch.run(iter(sorted(photos.glob("?.png"))), "out", method=red)
    assert [step.share for step in steps] == [1 / 3, 2 / 3, 1.0, None, None, None]
    assert steps[0].text.endswith(" pictures/s")


def test_inputs_that_fail_end_the_run_and_what_is_done_stays(photos):
    def inputs():
        yield photos / "a.png", photos / "a_trimap.png"
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        batch.run(inputs(), "out", method=red)
    with joblib.parallel_config("threading", n_jobs=2):
        with pytest.raises(RuntimeError, match="no more"):
            batch.run(inputs(), "other", method=red)
        assert batch.run("photos", "out", method=red).failed == 0


@pytest.mark.parametrize("jobs", [0, True, 1.5, "2"])
def test_nonsense_jobs_are_refused(photos, jobs):
    with pytest.raises(ValueError, match="`jobs` is"):
        batch.run("photos", "out", jobs=jobs)
    assert not Path("out").exists()
