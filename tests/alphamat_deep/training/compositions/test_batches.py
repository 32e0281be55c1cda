"""Batches: what comes when, and the processes that compose."""

import gc
import itertools
import os
import signal
import subprocess
import sys
import time
from functools import partial
from multiprocessing import active_children
from pathlib import Path

import numpy as np
import pytest

import alphamat
from alphamat_deep.training.compositions import (
    Entry,
    arrays,
    backdrops,
    batches,
    compose_square,
    cutouts,
    painted,
    plates,
    repeated,
    samples,
)

ROOT = Path(__file__).parents[4]
SMALL = partial(compose_square, size=8)


def shown(number, height=11, width=14):
    """Return layers that show a number."""
    return np.full((height, width, 3), number, np.uint8), np.full((height, width), 255, np.uint8)


def told(layers, rng):
    """Return the numbers that the layers show, and a draw, as a sample."""
    seen = {key: np.rint(255 * x.max(keepdims=True)) for key, x in layers.items()}
    return seen | {"draw": np.float32(rng.random())}


def taken(count, source, backgrounds=(0, 0, 0), compose=told, **options):
    """Return the first batches of a stream."""
    with batches(source, backgrounds, compose, **options) as stream:
        return list(itertools.islice(stream, count))


def same(first, second):
    return len(first) == len(second) and all(
        one.keys() == other.keys() and all(np.array_equal(one[k], other[k]) for k in one)
        for one, other in zip(first, second, strict=True)
    )


@pytest.fixture
def files(tmp_path):
    """Return folders of five cut-outs and three backgrounds."""
    rng = np.random.default_rng(808)
    for folder, count, channels in (("cut", 5, 4), ("behind", 3, 3)):
        (tmp_path / folder).mkdir()
        for at in range(count):
            alphamat.write_image(tmp_path / folder / f"{at}.png", rng.random((12, 17, channels)))
    return tmp_path / "cut", tmp_path / "behind"


@pytest.fixture
def crew():
    """Return a function that gives the processes that were started; all have ended at the end."""
    before = set(active_children())
    yield lambda: [child for child in active_children() if child not in before]
    gc.collect()
    assert not set(active_children()) - before


def test_every_epoch_is_a_permutation_of_foregrounds_and_of_backgrounds():
    source, behind = arrays(map(shown, range(7))), [shown(100 + at)[0] for at in range(3)]
    found = taken(21, source, behind, batch=2, workers=0, seed=5)
    foregrounds = np.concatenate([batch["foreground"].ravel() for batch in found])
    backgrounds = np.concatenate([batch["background"].ravel() for batch in found])
    epochs = foregrounds.reshape(6, 7).tolist()
    assert all(sorted(epoch) == list(range(7)) for epoch in epochs)
    assert len(set(map(tuple, epochs))) > 3
    for turn in backgrounds.reshape(14, 3):
        assert sorted(turn) == [100, 101, 102]
    draws = np.concatenate([batch["draw"] for batch in found])
    assert len(set(draws.tolist())) == 42
    assert not same(found, taken(21, source, behind, batch=2, workers=0, seed=6))


def test_the_stream_is_the_same_for_any_number_of_processes_and_goes_on_anywhere(files, crew):
    wanted = taken(5, *files, SMALL, batch=3, workers=0, seed=11)
    assert wanted[0]["image"].shape == (3, 8, 8, 3)
    for workers in (1, 2):
        assert same(wanted, taken(5, *files, SMALL, batch=3, workers=workers, seed=11))
    with batches(*files, SMALL, batch=3, workers=2, seed=11) as stream:
        next(stream)
        next(stream)
        position = stream.position
    assert position == 2  # in the second epoch of five foregrounds
    for workers in (0, 1):
        later = taken(3, *files, SMALL, batch=3, workers=workers, seed=11, start=position)
        assert same(wanted[2:], later)


def test_a_batch_stays_when_the_next_one_comes(files):
    with batches(*files, SMALL, batch=2, workers=1, seed=3) as stream:
        first = next(stream)
        kept = {key: x.copy() for key, x in first.items()}
        for _ in range(8):
            next(stream)
    assert same([first], [kept])


def test_shards_together_are_the_batch():
    source = arrays(map(shown, range(7)))
    whole = taken(4, source, batch=6, workers=0, start=1)
    parts = [taken(4, source, batch=6, workers=0, start=1, shard=(at, 3)) for at in range(3)]
    joined = [
        {key: np.concatenate([x[key] for x in pieces]) for key in pieces[0]}
        for pieces in zip(*parts, strict=True)
    ]
    assert same(whole, joined)


def test_compose_may_draw_further_foregrounds():
    def three(layers, rng, draw):
        return {"x": 255 * np.stack([x["foreground"].max() for x in (layers, draw(), draw())])}

    source = arrays(map(shown, range(50)))
    found = taken(25, source, compose=three, batch=4, workers=0)
    drawn = np.concatenate([batch["x"] for batch in found])
    assert all(len(set(column.tolist())) == 50 for column in drawn[:50].T)
    assert (drawn[:, 0] == drawn[:, 1]).sum() < 10
    assert same(found[3:], taken(22, source, compose=three, batch=4, workers=0, start=3))


def test_held_out_samples_are_the_first_of_the_stream(files):
    held_out = samples(*files, SMALL, seed=8)
    assert len(held_out) == 5
    (batch,) = taken(1, *files, SMALL, batch=5, workers=0, seed=8)
    for at, sample in enumerate(held_out[1:]):
        assert same([sample], [{key: x[at + 1] for key, x in batch.items()}])
    source = cutouts(files[0])
    spoil(files[0] / "1.png")
    with pytest.warns(UserWarning, match="1 is left out"):
        assert len(list(samples(source, (0, 0, 0), SMALL, seed=8))) == 5


def test_samples_may_grow(crew):
    def growing(layers, rng):
        return {"x": np.full(int(layers["foreground"].max() * 255) // 4 + 1, rng.random())}

    source = arrays(map(shown, range(0, 250, 7)))
    wanted = taken(20, source, compose=growing, batch=1, workers=0)
    assert same(wanted, taken(20, source, compose=growing, batch=1, workers=1))


def test_processes_import_no_jax(files, crew):
    def modules(layers, rng):
        loaded = {name.split(".")[0] for name in __import__("sys").modules}
        heavy = loaded & {"jax", "flax", "optax", "numba", "matplotlib", "pytest"}
        return {"heavy": np.float32(len(heavy))} | SMALL(layers, rng)

    (batch,) = taken(1, *files, modules, batch=2, workers=1)
    assert not batch["heavy"].any()


def spoil(path):
    path.write_bytes(path.read_bytes()[:-40])


def replace_by_other_size(path):
    alphamat.write_image(path, np.ones((3, 4)))


@pytest.mark.parametrize(
    "damage",
    [
        spoil,
        replace_by_other_size,
        Path.unlink,
        lambda path: path.write_bytes(b""),
        lambda path: path.write_text("a text"),
    ],
)
def test_what_is_damaged_later_is_named_once_and_replaced(damage, tmp_path):
    for folder in ("fg", "alpha"):
        (tmp_path / folder).mkdir()
        for at in range(4):
            pixels = shown(10 * at)[folder == "alpha"]
            alphamat.write_image(tmp_path / folder / f"{at}.png", pixels)
    source = cutouts(tmp_path / "fg", tmp_path / "alpha")
    damage(tmp_path / "alpha" / "2.png")
    heard = []
    with batches(source, (0, 0, 0), told, batch=4, workers=0, report=heard.append) as stream:
        found = [next(stream) for _ in range(6)]
    seen = np.concatenate([batch["foreground"].ravel() for batch in found])
    assert set(seen.tolist()) == {0, 10, 30}
    assert stream.skipped >= 6
    (message,) = heard
    assert "2.png" in message
    assert same(found, taken(6, source, batch=4, workers=0, report=heard.append))


def test_processes_tell_of_damage_and_replace_alike(files, crew):
    source, behind = cutouts(files[0]), plates(files[1])
    spoil(files[0] / "1.png")
    spoil(files[1] / "2.png")
    wanted = taken(4, source, behind, SMALL, batch=3, workers=0, report=lambda text: None)
    heard = []
    with batches(source, behind, SMALL, batch=3, workers=2, report=heard.append) as stream:
        assert same(wanted, list(itertools.islice(stream, 4)))
    assert sorted(text[:16] for text in heard) == ["1 is left out: /", "2 is left out: /"]
    with (
        pytest.warns(UserWarning, match="left out") as warned,
        batches(source, behind, SMALL, batch=10, workers=0) as stream,
    ):
        next(stream)
    assert {warning.filename for warning in warned} == {__file__}


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read all")
def test_a_file_that_must_not_be_read_is_left_out(files):
    (files[0] / "3.png").chmod(0)
    with pytest.warns(UserWarning, match=r"3\.png cannot be read"):
        assert len(cutouts(files[0])) == 4


@pytest.mark.parametrize("workers", [0, 1])
def test_stops_where_nothing_can_be_read(workers, files, crew):
    source = cutouts(files[0])
    for file in files[0].iterdir():
        spoil(file)
    with pytest.raises(RuntimeError, match=r"100 entries in a row .*damaged or cut short"):
        taken(1, source, batch=1, workers=workers)


def fail(layers, rng):
    raise ZeroDivisionError("too small")


@pytest.mark.parametrize("workers", [0, 1])
def test_an_error_of_compose_stops_and_is_told(workers, files, crew):
    with pytest.raises(RuntimeError, match=r"Sample 7 cannot be composed(.|\n)*too small"):
        taken(1, *files, fail, batch=1, workers=workers, start=7)


def test_refuses_what_cannot_be_handed_over(files):
    lock = __import__("threading").Lock()

    def compose(layers, rng):
        return {"x": lock}

    with pytest.raises(TypeError, match="Pass `workers=0`"):
        taken(1, *files, compose, batch=1, workers=1)


def test_refuses_samples_of_different_shapes():
    def ragged(layers, rng):
        return {"x": np.zeros(int(layers["foreground"].max() * 255))}

    with pytest.raises(ValueError, match=r"\{'x': \(\d,\)\} for one sample of a batch, and of"):
        taken(1, arrays(map(shown, (3, 5))), compose=ragged, batch=2, workers=0)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"batch": 0}, "`batch` is 0"),
        ({"batch": 4, "shard": (0, 3)}, "3 shards cannot share"),
        ({"shard": (2, 2)}, r"`shard\[0\]` is 2"),
        ({"seed": -1}, "`seed` is -1"),
        ({"start": -1}, "`start` is -1"),
        ({"workers": -1}, "`workers` is -1"),
        ({"source": []}, "`source` is empty"),
        ({"backgrounds": []}, "`backgrounds` is empty"),
        ({"backgrounds": (0, 0, 2)}, "`backgrounds` has values from 0 to 2"),
    ],
)
def test_refuses_wrong_arguments(change, error):
    given = {"source": [shown(3)], "backgrounds": (0, 0, 0), "batch": 2, "workers": 0} | change
    with pytest.raises(ValueError, match=error):
        batches(given.pop("source"), given.pop("backgrounds"), SMALL, **given)


@pytest.mark.parametrize("wrong", [5, {"foreground": 1}, shown])
def test_refuses_what_is_no_source(wrong):
    for given in ((wrong, (0, 0, 0)), ([shown(3)], wrong)):
        with pytest.raises(TypeError, match="expected a folder, or a sequence of samples"):
            batches(*given, batch=1)
    with pytest.raises(TypeError, match="`compose` is 7; expected a function"):
        batches([shown(3)], None, 7, batch=1)


def test_backgrounds_are_colours_arrays_files_or_painted(files):
    source = [shown(3)]
    (one,) = taken(1, source, (1, 0.5, 0), lambda layers, rng: layers, batch=1, workers=0)
    assert one["background"].shape == (1, 11, 14, 3)
    assert one["background"][0, 4, 5].tolist() == [1, 0.5, 0]
    stack = np.stack([shown(9, 4, 5)[0]] * 2)
    for behind, shape in (
        (stack, (4, 5)),
        (list(stack), (4, 5)),
        (str(files[1]), (12, 17)),
        (backdrops(16, 18), (16, 18)),
    ):
        (one,) = taken(1, source, behind, lambda layers, rng: layers, batch=1, workers=0)
        assert one["background"].shape == (1, *shape, 3)


def test_pictures_stay_or_are_put_before_other_backgrounds():
    image, alpha = shown(7)
    whole = arrays([{"image": image, "alpha": alpha}])
    (one,) = taken(1, whole, None, batch=1, workers=0)
    assert sorted(one) == ["alpha", "draw", "image"]
    with pytest.raises(RuntimeError, match="pictures without `foreground`"):
        taken(1, whole, batch=1, workers=0)
    (one,) = taken(1, painted(16, 18), None, batch=1, workers=0)
    assert sorted(one) == ["alpha", "background", "draw", "foreground"]


def test_clips_come_before_stills_and_clips():
    def shapes(layers, rng):
        return {key: np.float32(x.shape) for key, x in layers.items()}

    clip, still = repeated(arrays([shown(3)]), 4), shown(9, 5, 6)[0]
    for behind in ([still], repeated([Entry("", partial(dict, background=still))], 4)):
        (one,) = taken(1, clip, behind, shapes, batch=1, workers=0)
        assert one["background"].tolist() == [[4, 5, 6, 3]]
        assert one["foreground"].tolist() == [[4, 11, 14, 3]]
    for wrong, source in (([np.stack([still] * 3)], clip), ([np.stack([still] * 4)], [shown(3)])):
        with pytest.raises(RuntimeError, match="expected as many frames, or stills"):
            taken(1, source, wrong, batch=1, workers=0)


def test_no_process_is_left_when_a_consumer_stops_early(files, crew):
    for _ in batches(*files, SMALL, batch=2, workers=2):
        assert len(crew()) == 2
        break
    gc.collect()
    assert not crew()


def test_a_process_that_dies_is_started_again(files, crew):
    wanted = taken(8, *files, SMALL, batch=2, workers=0)
    heard = []
    with batches(*files, SMALL, batch=2, workers=1, report=heard.append) as stream:
        found = [next(stream)]
        (child,) = crew()
        os.kill(child.pid, signal.SIGKILL)
        found += [next(stream) for _ in range(7)]
    assert same(wanted, found)
    assert "ended by signal 9, and is started again" in heard[0]
    assert stream.skipped == 0


def test_a_sample_that_kills_its_process_stops_the_stream(files, crew):
    def deadly(layers, rng):
        __import__("os")._exit(5)

    with pytest.raises(ChildProcessError, match=r"Sample 0 .* with exit code 5"):
        taken(1, *files, deadly, batch=1, workers=1)


PROGRAM = """
import os, sys, time
from functools import partial
from multiprocessing import active_children
from alphamat_deep.training.compositions import batches, compose_square

# There is no `if __name__ == "__main__"`: processes do not run the script.
with batches(*sys.argv[1:], partial(compose_square, size=8), batch=2, workers=2) as stream:
    for batch in stream:
        print(*(child.pid for child in active_children()), flush=True)
        time.sleep(0.05)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows knows no signals")
@pytest.mark.parametrize(("name", "code"), [("SIGINT", -signal.SIGINT), ("SIGKILL", None)])
def test_no_process_outlives_an_interrupted_program(name, code, files, tmp_path):
    script = tmp_path / "train.py"
    script.write_text(PROGRAM)
    command = [sys.executable, str(script), *map(str, files)]
    program = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with program:
        children = [int(child) for child in program.stdout.readline().split()]
        if name == "SIGINT":
            os.killpg(program.pid, signal.SIGINT)  # as a terminal does
        else:
            program.kill()
        error = program.communicate(timeout=30)[1]
    assert len(children) == 2
    assert name == "SIGKILL" or error.count("Traceback") == 1
    assert name == "SIGKILL" or error.rstrip().endswith("KeyboardInterrupt")
    end = time.monotonic() + 20
    while any(map(alive, children)) and time.monotonic() < end:
        time.sleep(0.05)
    assert not any(map(alive, children))


def alive(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{process}/status")
    return not status.exists() or "State:\tZ" not in status.read_text()
