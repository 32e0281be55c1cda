"""Runs from names and folders, and the command `alphamat train`."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from typer.testing import CliRunner

import alphamat_deep
from alphamat import read_image, write_image
from alphamat.cli import app
from alphamat_deep.catalogue import Backbone
from alphamat_deep.fill import Names
from alphamat_deep.training import command, compositions
from alphamat_deep.training.compositions.batches import Samples
from tests.alphamat_deep.training import small

SQUARE = partial(compositions.compose_square, size=32)
RECIPE = replace(small.RECIPE, compose=SQUARE, batch=2, steps=3)


@pytest.fixture(autouse=True)
def small_recipe(monkeypatch):
    monkeypatch.setitem(command.RECIPES, "small", RECIPE)
    monkeypatch.setitem(command.RECIPES, "fine-tune-small", RECIPE)


@pytest.fixture
def folders(tmp_path):
    """Eight cut-outs, and two backgrounds."""
    rng = np.random.default_rng(4)
    for name in ("cutouts", "backgrounds"):
        (tmp_path / name).mkdir()
    for at in range(8):
        write_image(tmp_path / "cutouts" / f"{at}.png", rng.random((40, 36, 4)))
    for at in range(2):
        write_image(tmp_path / "backgrounds" / f"{at}.png", rng.random((50, 60, 3)))
    return tmp_path


def run(*arguments):
    return CliRunner().invoke(app, ["train", *map(str, arguments)])


def given(folders):
    options = {"foregrounds": folders / "cutouts", "backgrounds": folders / "backgrounds"}
    return [text for name, path in options.items() for text in (f"--{name}", path)]


def test_a_folder_of_cutouts_becomes_a_network(folders):
    where = "--workers", 0, "-o", folders / "run", "--validation", 0.4, "--every", 2
    result = run("small", *given(folders), *where)
    assert result.exit_code == 0, result.output
    written = folders / "run" / "small.safetensors"
    assert result.stdout.endswith(f"wrote {written}\n")
    method = alphamat_deep.load("small", written)
    image = np.random.default_rng(2).random((16, 24, 3))
    assert method(image, np.full((16, 24), 0.5)).shape == (16, 24)
    assert (folders / "run" / "report.html").exists()


def test_a_run_is_not_begun_twice_and_goes_on_with_resume(folders):
    again = "small", *given(folders), "--workers", 0, "-o", folders / "run", "--validation", 0
    first = run(*again)
    assert first.stderr.endswith("No foreground was held out, so nothing was validated.\n")
    refused = run(*again)
    assert refused.exit_code == 1
    assert refused.stderr.count("\n") == 1
    assert "--resume" in refused.stderr
    assert run(*again, "--resume").exit_code == 0


def test_a_dry_run_shows_a_batch_and_trains_nothing(folders):
    result = run(
        "fine-tune", "--preset", "small", *given(folders), "--dry-run", "-o", folders / "d"
    )
    assert result.exit_code == 0, result.output
    assert [path.name for path in (folders / "d").iterdir()] == ["batch.png"]
    height, width, _ = read_image(folders / "d" / "batch.png").shape
    assert height > 2 * 32
    assert width > 3 * 32
    assert "a step of 2 samples" in result.stdout
    assert "3 steps:" in result.stdout


def test_no_foreground_is_trained_on_and_validated_with(folders):
    made = command.run_of("small", foregrounds=folders / "cutouts", validation=0.5, workers=0)
    learnt = {entry.name for entry in made.feed.args[0]}
    assert isinstance(made.validation, Samples)
    held = {entry.name for entry in made.validation.stream.source}
    assert learnt
    assert held
    assert not learnt & held
    assert len(learnt | held) == 8


def test_a_run_that_is_stopped_says_how_to_go_on(folders, monkeypatch):
    def stopped(*_, **options):
        raise SystemExit("Stopped after step 2. Go on with resume=True.")

    monkeypatch.setattr(command, "start", stopped)
    result = run("small", *given(folders), "--workers", 0, "-o", folders / "run")
    assert result.exit_code == 130
    assert result.stderr == "Stopped after step 2. Go on with --resume.\n"


def test_painted_scenes_need_no_files():
    made = command.run_of("small", size=32, workers=0)
    with made.feed() as feed:
        batch = next(feed)
    assert batch["image"].shape == (2, 32, 32, 3)
    assert len(made.validation) == command.HELD_OUT


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing"], "`recipe` is 'nothing'; expected fine-tune, or one of: dim-stage0"),
        (["fine-tune"], "--preset is None; expected one of: learned, dim"),
        (["small", "--preset", "dim"], "only the recipe fine-tune takes one"),
        (["small", "--parts", "3"], "--parts is 3, and a device's 2 samples"),
        (["small", "--backbone", "none.pth"], "none.pth does not exist"),
        (["small", "--size", "40"], "--size is 40; expected a multiple of 32"),
        (["small", "--minutes", "3"], "--minutes is for the recipe learned; expected --steps"),
        (["small", "--bank", "32"], "--bank is 32, and small has none"),
        (["learned"], "are for others: learned paints them"),
        (["small", "--validation", "1"], "which holds out all 8 foregrounds"),
        (["small", "--backgrounds", "nowhere"], "--backgrounds is 'nowhere'"),
        (["small", "--weights", "missing.pth"], "missing.pth"),
        (["small", "--foregrounds", "nowhere"], "nowhere"),
    ],
)
def test_misuse_is_told_in_one_line(folders, monkeypatch, arguments, message):
    monkeypatch.chdir(folders)
    options = {"--foregrounds": "cutouts", "--backgrounds": "backgrounds", "--workers": "0"}
    options |= dict(zip(arguments[1::2], arguments[2::2], strict=True))
    result = run(arguments[0], *[x for pair in options.items() for x in pair], "-o", "run")
    assert result.exit_code == 1, result.output
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert not (folders / "run").exists()


def test_foregrounds_that_are_missing_are_asked_for(tmp_path):
    result = run("small", "-o", tmp_path / "run")
    assert result.exit_code == 1
    assert "--foregrounds is missing; expected a folder, or `synthetic`" in result.stderr


@pytest.mark.parametrize(
    ("out", "options"), [("new/run", ("--weights", "file")), ("file/run", ("--workers", 0))]
)
def test_a_dry_run_that_is_refused_leaves_no_folder(folders, monkeypatch, out, options):
    monkeypatch.chdir(folders)
    (folders / "file").write_bytes(b"no weights")
    result = run("small", *given(folders), *options, "--dry-run", "-o", out)
    assert result.exit_code == 1, result.output
    assert result.stderr.startswith("error: ")
    assert "file" in result.stderr
    assert not (folders / "new").exists()


@pytest.mark.filterwarnings("default")
def test_warnings_are_lines_in_the_words_of_the_command(folders, monkeypatch):
    def stop(*_, **__):
        raise ValueError("Enough.")

    kind = Backbone("half of it", mark="one", names=Names())
    monkeypatch.setitem(command.PRESETS, "small", replace(small.SMALL, backbones=(kind,)))
    monkeypatch.setattr(command, "begin", stop)
    result = run("small", *given(folders), "--dry-run", "--workers", 0, "-o", folders / "d")
    told, last = result.stderr.splitlines()
    assert told.startswith("warning: All parameters of small start fresh")
    assert "begin with half of it. Name such a file as --backbone" in told
    assert last == "error: Enough."


def test_a_folder_without_alphas_is_told_in_one_line(folders):
    result = run("small", "--foregrounds", folders / "backgrounds", "-o", folders / "run")
    assert result.exit_code == 1
    assert result.stderr.startswith("error: ")
    assert "alpha" in result.stderr
    assert not (folders / "run").exists()
