"""A run trains, tells, keeps the best, and goes on as if it had never stopped."""

import errno
import fcntl
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

import alphamat_deep
from alphamat import datasets, metrics, read_image
from alphamat_deep import checkpoints
from alphamat_deep.training import clock, keeping, locking, loop, telling
from alphamat_deep.training.door import first_network
from alphamat_deep.training.folder import settings_of
from alphamat_deep.training.keeping import arrays_of
from alphamat_deep.training.state import begin, network
from alphamat_deep.training.validation import Validated
from tests.alphamat_deep.training import small
from tests.alphamat_deep.training.small import HELD, RECIPE, batches

train = partial(loop.train, RECIPE, batches, validate_every=5, save_every=4)


def final(out, step=RECIPE.steps):
    """Return the arrays of a checkpoint."""
    return checkpoints.read(out / "checkpoints" / f"{step:06d}.safetensors")


def lines(out):
    return [json.loads(line) for line in (out / "scalars.jsonl").read_text().splitlines()]


def without_times(out):
    times = {"pictures_per_second", "waiting"}
    return [{k: v for k, v in line.items() if k not in times} for line in lines(out)]


def assert_equal(first, second):
    assert first.keys() == second.keys()
    for name, array in first.items():
        np.testing.assert_array_equal(array, second[name], name)


def stop_at(step, number=signal.SIGTERM):
    """Return a callback that has the system stop the run."""

    def hear(line):
        if line["step"] == step and "total" in line:
            os.kill(os.getpid(), number)

    return hear


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Return the folder of a run that nothing disturbed."""
    out = tmp_path_factory.mktemp("whole") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(alphamat_deep.PRESETS, "small", small.SMALL)
        train(out=out, validation=HELD)
    return out


def test_a_run_is_its_steps_one_after_another(whole):
    model = alphamat_deep.build("small", rngs=nnx.Rngs(0))
    step, state = begin(RECIPE, model)
    feed, totals = batches(0, (0, 1)), []
    for _ in range(RECIPE.steps):
        state, scalars = step(state, next(feed))
        totals.append(float(scalars["total"]))
    assert_equal(arrays_of(state), final(whole))
    assert [line["total"] for line in lines(whole) if "total" in line] == totals
    assert totals[-1] < 0.9 * totals[0]


def test_the_best_network_can_be_loaded_and_scores_what_was_told(whole):
    told = {x["step"]: x["validation_sad"] for x in lines(whole) if "validation_sad" in x}
    assert set(told) == {5, 10, 12}
    best = min(told, key=told.__getitem__)
    method = alphamat_deep.load("small", whole / "small.safetensors")
    sads = [metrics.sad(method(x["image"], x["trimap"]), x["alpha"], x["trimap"]) for x in HELD]
    assert np.mean(sads) == pytest.approx(told[best], rel=1e-6)
    notes = checkpoints.metadata(whole / "small.safetensors")
    assert (notes["preset"], notes["steps"]) == ("small", str(best))
    assert "adam" in notes["settings"]


def test_the_network_has_the_averaged_parameters(tmp_path):
    train(out=tmp_path / "run")
    model = alphamat_deep.build("small", rngs=nnx.Rngs(0))
    step, state = begin(RECIPE, model)
    for at, batch in enumerate(batches(0, (0, 1)), 1):
        state, _ = step(state, batch)
        if at == RECIPE.steps:
            break
    expected = alphamat_deep.state_dict("small", network(RECIPE, model, state))
    assert_equal(checkpoints.read(tmp_path / "run" / "small.safetensors"), expected)


def test_the_last_checkpoints_and_the_best_are_kept(tmp_path, monkeypatch):
    scores = iter([0.3, 0.1, 0.2, 0.4])

    def validate(method, samples):
        return Validated({"sad": next(scores), "mse": 0.0}, None)

    monkeypatch.setattr(loop, "validate", validate)
    done = train(out=tmp_path / "run", validation=HELD, validate_every=3, save_every=20)
    names = sorted(file.stem for file in (tmp_path / "run" / "checkpoints").iterdir())
    assert names == ["000006", "000009", "000012"]
    assert (done.best, done.score, done.steps) == (6, 0.1, 12)


@pytest.mark.parametrize("step", [1, 4, 7])
def test_a_run_that_was_stopped_goes_on_bit_for_bit(tmp_path, whole, step):
    out = tmp_path / "run"
    with pytest.raises(SystemExit, match=r"Stopped after step \d+ of 12, .* resume=True"):
        train(out=out, validation=HELD, callback=stop_at(step))
    saved = max(int(file.stem) for file in (out / "checkpoints").iterdir())
    assert saved == step + 1
    train(out=out, validation=HELD, resume=True)
    assert_equal(final(out), final(whole))
    assert without_times(out) == without_times(whole)
    assert_equal(*(checkpoints.read(x / "small.safetensors") for x in (out, whole)))


def test_what_came_after_the_checkpoint_is_done_again(tmp_path, whole):
    out = tmp_path / "run"
    shutil.copytree(whole, out)
    for step in (10, 12):
        (out / "checkpoints" / f"{step:06d}.safetensors").unlink()
    with open(out / "scalars.jsonl", "a") as file:
        file.write('{"step": 13, "tot')
    (out / "checkpoints" / ".0123456789abcdef.part").write_bytes(b"half")
    train(out=out, validation=HELD, resume=True)
    assert_equal(final(out), final(whole))
    assert without_times(out) == without_times(whole)
    assert not list((out / "checkpoints").glob(".*"))


def test_a_run_that_was_killed_while_it_scored_scores_first(tmp_path, whole, monkeypatch):
    out, kill = tmp_path / "run", pytest.raises(ZeroDivisionError)
    with monkeypatch.context() as patch, kill:
        patch.setattr(loop, "validate", lambda method, samples: 1 // 0)
        train(out=out, validation=HELD)
    assert [file.stem for file in (out / "checkpoints").iterdir()] == ["000004", "000005"]
    train(out=out, validation=HELD, resume=True)
    assert without_times(out) == without_times(whole)
    assert_equal(*(checkpoints.read(x / "small.safetensors") for x in (out, whole)))


def test_the_first_ctrl_c_saves(tmp_path):
    with pytest.raises(SystemExit, match="resume=True"):
        train(out=tmp_path / "run", callback=stop_at(3, signal.SIGINT))
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_the_second_ctrl_c_does_not(tmp_path):
    def hear(line):
        os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        train(out=tmp_path / "run", callback=hear)


def test_a_run_works_in_another_thread(tmp_path, whole):
    thread = threading.Thread(target=train, kwargs={"out": tmp_path / "run", "validation": HELD})
    thread.start()
    thread.join()
    assert_equal(final(tmp_path / "run"), final(whole))


def test_a_finished_run_has_nothing_left_to_do(whole):
    def no_batches(start, shard):
        yield from ()

    done = loop.train(RECIPE, no_batches, out=whole, resume=True)
    assert (done.steps, done.weights) == (12, whole / "small.safetensors")


def test_a_damaged_checkpoint_is_set_aside_and_the_one_before_it_used(tmp_path, whole):
    out = tmp_path / "run"
    shutil.copytree(whole, out)
    path = out / "checkpoints" / "000012.safetensors"
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)
    with pytest.warns(UserWarning, match=r"000012\.safetensors is damaged.*000012\.damaged"):
        train(out=out, validation=HELD, resume=True)
    assert_equal(final(out), final(whole))


def test_a_loss_that_is_no_number_stops_the_run_and_names_the_way_back(tmp_path):
    out = tmp_path / "run"
    with pytest.raises(FloatingPointError) as fault:
        loop.train(RECIPE, partial(batches, poison=7), out=out, save_every=3)
    told = str(fault.value)
    assert told.startswith("In step 7 `error` is nan")
    assert str(out / "checkpoints" / "000006.safetensors") in told
    assert "batches(start=6)" in told
    assert max(int(file.stem) for file in (out / "checkpoints").iterdir()) == 6
    assert lines(out)[-1]["step"] == 6


def test_steps_that_are_not_finite_are_left_out_but_not_too_many_in_a_row(tmp_path):
    recipe = replace(RECIPE, broken=1)
    done = loop.train(recipe, partial(batches, poison=7), out=tmp_path / "run")
    assert done.steps == 12
    seventh = lines(tmp_path / "run")[6]
    assert (seventh["total"], seventh["broken"]) == (None, 1)

    def all_broken(start, shard):
        for batch in batches(start, shard):
            yield batch | {"image": batch["image"] * np.nan}

    with pytest.raises(FloatingPointError, match="In step 2 `error` is nan"):
        loop.train(recipe, all_broken, out=tmp_path / "broken")


def test_a_run_of_some_minutes_fixes_its_steps_and_keeps_them(tmp_path, monkeypatch):
    asked = []

    def steps(self, made, speed):
        asked.append((made, speed))
        return 9 if made == 3 else clock.UNKNOWN

    monkeypatch.setattr(clock.Clock, "steps", steps)
    recipe = replace(RECIPE, optimiser=lambda steps: optax.adam(lambda step: 0.01 * step / steps))
    out, timed = tmp_path / "run", partial(loop.train, recipe, batches, minutes=2)
    with pytest.raises(SystemExit, match=r"Stopped after step 6 of 9, "):
        timed(out=out, callback=stop_at(5))
    assert [made for made, _ in asked] == [1, 2, 3]
    assert timed(out=out, resume=True).steps == 9
    assert len(asked) == 3
    assert int(final(out, 9)[".steps"]) == 9
    settings = json.loads((out / "run.json").read_text())["settings"]
    assert settings["steps"] == "as many as 2 minutes take"
    with pytest.raises(SystemExit, match="Stopped after step 2, "):
        timed(out=tmp_path / "early", callback=stop_at(1))


def test_the_clock_knows_the_steps_after_an_eighth_of_the_time(monkeypatch):
    now = iter([100.0, 107.0, 108.0, 108.0, 108.0, 999.0])
    monkeypatch.setattr(clock, "monotonic", lambda: next(now))
    run = clock.Clock(1)
    assert run.steps(50, 10.0) == clock.UNKNOWN  # after 7 s
    assert run.steps(19, 10.0) == clock.UNKNOWN
    assert run.steps(50, float("nan")) == clock.UNKNOWN
    assert run.steps(50, 10.0) == 50 + int(0.95 * 52 * 10)
    assert run.steps(50, 10.0) == 51


class Known:
    """Batches on the device, which tell what they will be like."""

    def __init__(self, start, shard):
        self.feed = batches(start, shard)
        self.like = jax.eval_shape(lambda: next(batches(0, shard)))

    def __iter__(self):
        return self

    def __next__(self):
        return jax.tree.map(jnp.asarray, next(self.feed))


def test_batches_may_lie_on_the_device_and_the_step_be_compiled_before_them(tmp_path, whole):
    loop.train(RECIPE, Known, out=tmp_path / "run")
    assert_equal(final(tmp_path / "run"), final(whole))


def explode(steps):
    return optax.sgd(jnp.inf)


def test_a_state_that_is_no_number_is_not_saved(tmp_path):
    recipe = replace(RECIPE, optimiser=explode)
    with pytest.raises(
        FloatingPointError, match=r"After step 1 .* arrays are not finite.*None was"
    ):
        loop.train(recipe, batches, out=tmp_path / "run", save_every=1)
    assert not list((tmp_path / "run" / "checkpoints").iterdir())


def test_a_callback_hears_what_the_file_holds(tmp_path):
    heard = []
    train(out=tmp_path / "run", validation=HELD, callback=heard.append)
    assert [line["step"] for line in heard] == [line["step"] for line in lines(tmp_path / "run")]
    assert heard[0].keys() == lines(tmp_path / "run")[0].keys()


def test_each_validation_leaves_a_sheet_and_the_report_shows_the_last(whole):
    assert [x.name for x in sorted((whole / "sheets").iterdir())] == [
        "000005.png",
        "000010.png",
        "000012.png",
    ]
    sheet = read_image(whole / "sheets" / "000012.png") / 255
    height, width = HELD[0]["image"].shape[:2]
    gap = 4
    first = sheet[gap : gap + height, gap : gap + width]
    np.testing.assert_allclose(first, HELD[0]["image"], atol=0.003)
    last = sheet[gap : gap + height, gap + 3 * (width + gap) :][:, :width]
    np.testing.assert_allclose(last, HELD[0]["alpha"].repeat(3, -1), atol=0.003)
    page = (whole / "report.html").read_text()
    assert page.count("<svg") == 7  # two scores, three losses, two speeds
    assert "After step 12 of 12" in page
    assert "data:image/png;base64," in page


def test_samples_of_data_sets_are_scored_like_dictionaries(tmp_path, whole):
    held = [
        datasets.Sample(f"{at}", x["image"], x["trimap"], x["alpha"]) for at, x in enumerate(HELD)
    ]
    train(out=tmp_path / "run", validation=held)
    assert without_times(tmp_path / "run") == without_times(whole)


def test_a_run_begins_with_given_weights_or_a_given_network(tmp_path):
    model = alphamat_deep.build("small", rngs=nnx.Rngs(9))
    alphamat_deep.save("small", model, tmp_path / "from.safetensors")
    train(out=tmp_path / "a", weights=tmp_path / "from.safetensors")
    train(out=tmp_path / "b", model=model)
    train(out=tmp_path / "c", seed=9)
    a, b, c = (final(tmp_path / x) for x in "abc")
    assert_equal(a, b)
    assert not np.array_equal(a[".key"], c[".key"])
    assert json.loads((tmp_path / "a" / "run.json").read_text())["about"]["begun with"] == (
        "from.safetensors"
    )


def plainly(model, batch, rngs):
    alpha = model(batch["image"], batch["trimap"]).alpha
    return {"total": jnp.abs(alpha - batch["alpha"]).mean()}


def test_a_batch_in_parts_trains_as_a_whole_one_where_it_has_no_statistics(tmp_path):
    seen = []

    def loss(model, batch, rngs):
        seen.append(len(batch["image"]))
        return plainly(model, batch, rngs)

    recipe = replace(RECIPE, losses=(loss,), frozen_statistics=True)
    for parts in 1, 4:
        loop.train(recipe, batches, out=tmp_path / f"{parts}", parts=parts, steps=2)
    assert set(seen) == {8, 2}
    whole, cut = (final(tmp_path / parts, 2) for parts in ("1", "4"))
    for name, array in whole.items():
        np.testing.assert_allclose(cut[name], array, rtol=1e-5, atol=1e-6, err_msg=name)
    assert json.loads((tmp_path / "4" / "run.json").read_text())["settings"]["parts"] == 4


def growing(start, shard):
    """Yield small batches, with every third one larger."""
    for at, batch in enumerate(batches(start, shard), start=start):
        more = {key: np.concatenate([x, x], axis=2) for key, x in batch.items()}
        yield more if at % 3 == 2 else batch


def test_a_step_is_compiled_once_for_each_size_of_batches(tmp_path, capsys, monkeypatch):
    traced = []

    def loss(model, batch, rngs):
        traced.append(batch["image"].shape)
        return plainly(model, batch, rngs)

    recipe = replace(RECIPE, losses=(loss,))
    film = {name: np.stack([x[name] for x in HELD]) for name in HELD[0]}
    loop.train(recipe, growing, out=tmp_path / "run", steps=7, validation=[film])
    assert sorted(set(traced)) == [(8, 8, 10, 3), (8, 8, 20, 3)]
    assert len(traced) == 2
    told = capsys.readouterr().err
    assert told.count("was compiled") == 1
    assert "step 3 was compiled for image 8 × 8 × 20 × 3: 2 programs now\n" in told
    assert "validation after step 7: sad" in told


class Faulty:
    """Batches of which one misses a file."""

    def __init__(self, start, shard):
        self.made, self.faults, self.position = batches(start, shard), Counter(), start

    def __iter__(self):
        return self

    def __next__(self):
        self.position += 1
        self.faults["cat.png is left out: damaged"] += self.position == 2
        return next(self.made)


def test_files_that_are_left_out_are_counted_in_the_run(tmp_path):
    loop.train(RECIPE, Faulty, out=tmp_path / "run", steps=3)
    told = [line for line in lines(tmp_path / "run") if "skipped" in line]
    assert told == [{"step": 2, "skipped": 1}]


def test_plain_lines_say_where_a_run_is(tmp_path, capsys):
    train(out=tmp_path / "run", validation=HELD)
    told = capsys.readouterr()
    assert not told.out
    assert told.err.splitlines()[0].startswith("step 1 of 12: total 0.")
    assert "validation after step 5: sad 0." in told.err
    assert told.err.count("\n") == 5


def test_an_optimisers_schedule_follows_the_number_of_steps(tmp_path, whole):
    assert train(out=tmp_path / "run", steps=3).steps == 3
    short, long = ([x["total"] for x in lines(out)[:3]] for out in (tmp_path / "run", whole))
    assert short[0] == long[0]
    assert short[2] != long[2]


def wrong(**changes):
    return {"recipe": RECIPE, "batches": batches, **changes}


def bare(start, shard):
    yield np.zeros((8, 3))


def uneven(start, shard):
    yield {"image": np.zeros((7, 8, 10, 3), np.float32)}


def of_texts(start, shard):
    yield {"image": np.array(["a"] * 8)}


def without_alpha(start, shard):
    yield {"image": np.zeros((8, 8, 10, 3), np.float32)}


def short(start, shard):
    yield next(batches(start, shard))


NO_TRUTH = {"image": HELD[0]["image"]}
NO_TRIMAP = {"image": HELD[0]["image"], "alpha": HELD[0]["alpha"]}
REFUSED = {
    "recipe": (wrong(recipe="gca"), TypeError, "`recipe` is 'gca'"),
    "preset": (wrong(recipe=replace(RECIPE, preset="no")), ValueError, "`recipe` has preset 'no'"),
    "config": (wrong(recipe=replace(RECIPE, config={"x": 1})), ValueError, r"config \['x'\]"),
    "losses": (wrong(recipe=replace(RECIPE, losses=())), ValueError, "`recipe` has no losses"),
    "batch": (wrong(recipe=replace(RECIPE, batch=0)), ValueError, "`recipe.batch` is 0"),
    "batches": (wrong(batches=[{}]), TypeError, "`batches` is .*expected a function"),
    "of nothing": (wrong(batches=lambda start: 3), TypeError, "`batches` is .*expected a function"),
    "arrays": (wrong(batches=bare), TypeError, "`batches` gave for step 1 .*a dictionary"),
    "count": (wrong(batches=uneven), ValueError, r"step 1 `image` with shape \(7, .*8 samples"),
    "texts": (wrong(batches=of_texts), TypeError, "step 1 `image` of <U1"),
    "end": (wrong(batches=short), ValueError, "`batches` ended before step 2"),
    "key": (wrong(batches=without_alpha), ValueError, "`batches` gives no `trimap`.*gives image"),
    "minutes": (wrong(minutes=0), ValueError, "`minutes` is 0"),
    "too much": (wrong(minutes=1, steps=1), ValueError, "`minutes` and `steps` are both given"),
    "steps": (wrong(steps=0), ValueError, "`steps` is 0"),
    "seed": (wrong(seed=-1), ValueError, "`seed` is -1"),
    "dtype": (wrong(dtype="int8"), ValueError, "`dtype` is 'int8'"),
    "no dtype": (wrong(dtype="x"), ValueError, "`dtype` is 'x'"),
    "keep": (wrong(keep=0), ValueError, "`keep` is 0"),
    "save": (wrong(save_every=0.5), TypeError, "`save_every` is 0.5"),
    "validate": (wrong(validate_every=0), ValueError, "`validate_every` is 0"),
    "resume": (wrong(resume="yes"), TypeError, "`resume` is 'yes'"),
    "validation": (wrong(validation=iter([])), TypeError, "`validation` is"),
    "no truth": (wrong(validation=[NO_TRUTH]), ValueError, "`validation` has a dict without"),
    "no trimap": (wrong(validation=[NO_TRIMAP]), ValueError, "without trimap, which small needs"),
    "weights": (wrong(weights="nowhere.pth"), FileNotFoundError, "nowhere.pth does not exist"),
    "model": (wrong(model=3), TypeError, "`model` is 3"),
    "both": (wrong(model=3, weights="x"), ValueError, "`weights` and `model` are given"),
    "parts": (wrong(parts=3), ValueError, r"`parts` is 3, .* 8 samples .* one of \[1, 2, 4, 8\]"),
    "devices": (wrong(devices=[]), TypeError, r"`devices` is \[\]"),
    "callback": (wrong(callback=3), TypeError, "`callback` is 3"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_nonsense_is_refused_by_name(tmp_path, case):
    arguments, kind, told = REFUSED[case]
    with pytest.raises(kind, match=told):
        loop.train(out=tmp_path / "run", **arguments)


def test_an_unequal_share_is_refused(tmp_path):
    three = [jax.devices()[0]] * 3
    with pytest.raises(ValueError, match="`devices` are 3, and a batch of 8"):
        train(out=tmp_path / "run", devices=three)


def test_a_run_that_failed_at_once_can_be_begun_again(tmp_path):
    with pytest.raises(ValueError, match="ended"):
        loop.train(RECIPE, short, out=tmp_path / "run")
    train(out=tmp_path / "run")


def test_a_run_is_not_overwritten(whole):
    with pytest.raises(FileExistsError, match=r"has a run already.*resume=True"):
        train(out=whole)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"seed": 3}, "seed was 0 and is 3"),
        ({"steps": 20}, "steps was 12 and is 20"),
        ({"parts": 2}, "parts was 1 and is 2"),
        ({"dtype": jnp.bfloat16}, "dtype was float32 and is bfloat16"),
        ({"recipe": replace(RECIPE, average=0.5)}, "average was 0.9 and is 0.5"),
        ({"recipe": replace(RECIPE, optimiser=explode)}, "optimiser was .*adam and is .*explode"),
    ],
)
def test_a_run_of_other_settings_is_not_continued(whole, change, told):
    arguments = {"recipe": RECIPE, "batches": batches, **change}
    with pytest.raises(ValueError, match=told):
        loop.train(**arguments, out=whole, resume=True)


HOLD = """
import pathlib, runpy, sys
with runpy.run_path(sys.argv[1])["locked"](pathlib.Path(sys.argv[2])):
    print("locked", flush=True)
    sys.stdin.read()
"""


def test_a_folder_in_which_a_run_goes_on_is_refused_until_that_is_killed(tmp_path):
    out = tmp_path / "run"
    out.mkdir()
    command = [sys.executable, "-c", HOLD, locking.__file__, out]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"locked\n"
        (out / "run.json").touch()
        with pytest.raises(
            BlockingIOError, match=r"`out` is .*another run goes on.*another folder"
        ):
            train(out=out, resume=True)
        other.kill()
    assert not (out / "run.json").read_bytes()
    train(out=out, steps=1)
    train(out=out, steps=1, resume=True)


@pytest.mark.parametrize("fault", [OSError(errno.ENOLCK, "no locks"), OSError(errno.EROFS, "")])
def test_a_system_without_locks_does_without(tmp_path, monkeypatch, fault):
    def refuse(*_):
        raise fault

    monkeypatch.setattr(fcntl, "flock", refuse)
    with locking.locked(tmp_path), locking.locked(tmp_path):
        pass
    with locking.locked(tmp_path / "nowhere"):
        pass


def test_a_folder_of_other_things_is_refused(tmp_path):
    (tmp_path / "photo.jpg").write_bytes(b"")
    with pytest.raises(FileExistsError, match="has files, but no run"):
        train(out=tmp_path)
    with pytest.raises(NotADirectoryError, match=r"photo\.jpg, which is a file"):
        train(out=tmp_path / "photo.jpg")


def test_a_folder_that_takes_no_files_is_refused(tmp_path, monkeypatch):
    def replace_file(path, content):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr("alphamat_deep.training.folder.replace_file", replace_file)
    with pytest.raises(PermissionError, match=r"`out` is .*nothing can be written.*denied"):
        train(out=tmp_path / "run")


def test_a_full_disk_is_noticed_before_anything_is_computed(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10, 10, 0))
    with pytest.raises(OSError, match=r"`out` is .* whose disk has 0\.00 GB left"):
        train(out=tmp_path / "run")


def test_a_disk_that_fills_up_stops_the_run(tmp_path, monkeypatch):
    def write(path, tensors, notes):
        raise OSError(errno.ENOSPC, f"{path} cannot be written: No space left on device.")

    monkeypatch.setattr(keeping, "write_native", write)
    with pytest.raises(OSError, match=r"000004\.safetensors cannot be written: No space"):
        train(out=tmp_path / "run")


def with_rate(rate):
    return lambda steps: optax.sgd(rate)


def test_a_rate_inside_of_a_function_is_a_setting():
    recipes = [replace(RECIPE, optimiser=with_rate(rate)) for rate in (1e-3, 1e-3, 2e-3)]
    first, same, other = (settings_of(recipe, 0, jnp.float32) for recipe in recipes)
    assert first == same
    assert first != other


def test_arrays_that_the_first_weights_may_lack_start_fresh(tmp_path):
    path = tmp_path / "from.safetensors"
    tensors = alphamat_deep.state_dict("small", alphamat_deep.build("small", rngs=nnx.Rngs(9)))
    lost = {name for name in tensors if name.startswith("last.")}
    for prefix in ("", "module."):  # our names, and PyTorch's
        given = {prefix + name: x for name, x in tensors.items() if name not in lost}
        checkpoints.write_native(path, given, {})
        with pytest.raises(ValueError, match=r"there is nothing for `last\.weight`"):
            first_network(RECIPE, 3, weights=path)
        found, _ = first_network(replace(RECIPE, fresh=(r"^last\.",)), 3, weights=path)
        fresh = alphamat_deep.build("small", rngs=nnx.Rngs(3))
        filled, fresh = (alphamat_deep.state_dict("small", x) for x in (found, fresh))
        assert_equal(filled, {x: (fresh if x in lost else tensors)[x] for x in tensors})


@pytest.mark.parametrize(("ready", "share"), [(-1.0, 1.0), (0.1, 0.5), (0.3, 0.0), (None, 0.0)])
def test_only_time_in_which_the_devices_stand_still_is_waiting(ready, share):
    """The batch comes after 0.2 s, and the devices are done `ready` s after it is asked for."""

    def slow():
        time.sleep(0.2)
        yield next(batches(0, (0, 1)))

    done, told = Future(), telling.Teller(io.BytesIO(), None, RECIPE)
    done.set_result(time.monotonic() + (ready or 0))
    flag = SimpleNamespace(is_ready=lambda: ready is not None)
    loop._taken(slow(), 2, 8, loop.Late(1, {}, flag, done), told)
    assert told.waited == pytest.approx(0.2 * share, abs=0.05)
