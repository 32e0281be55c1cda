"""The command `alphamat batch`."""

import csv
import json
import os

import joblib
import numpy as np
import pytest
from typer.testing import CliRunner

import alphamat
from alphamat.cli import app
from alphamat.io.images import read_image
from tests.alphamat.batch.cases import photograph


def run(*arguments, backend="threading"):
    """Run the command; threads need no time to start."""
    with joblib.parallel_config(backend):
        return CliRunner().invoke(app, ["batch", "--jobs", "2", *map(str, arguments)])


@pytest.fixture
def photos(tmp_path, monkeypatch, packages, wide):
    """Work where photos has a.png and b/c.png with trimaps, and d.png without."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(packages), prepend=os.pathsep)
    photograph(tmp_path / "photos", "a")
    photograph(tmp_path / "photos" / "b", "c")
    photograph(tmp_path / "photos", "d")
    os.unlink("photos/d_trimap.png")
    return tmp_path / "photos"


def test_a_folder_is_done_and_then_what_is_left_of_it(photos):
    result = run("photos", "-o", "out", "--method", "flat", backend="loky")
    assert result.exit_code == 1
    assert result.stdout.startswith("2 done, 1 failed, ")
    assert result.stdout.endswith(" pictures/s\n")
    assert result.stderr == "error: photos/d.png: It has no trimap, which flat needs.\n"
    for name in ("a", "b/c"):
        np.testing.assert_array_equal(read_image(f"out/{name}_alpha.png"), np.full((11, 14), 128))
    os.rename(photograph(photos, "x").with_name("x_trimap.png"), "photos/d_trimap.png")
    os.unlink("photos/x.png")
    result = run("photos", "-o", "out", "--method", "flat")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("1 done, 2 there already, ")
    result = run("photos", "-o", "out", "--method", "flat")
    assert result.stdout == "3 there already, 0.00 pictures/s\n"


def test_a_dry_run_shows_all_and_does_nothing(photos):
    result = run("photos", "-o", "out2", "--method", "flat", "--dry-run")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "trimaps: NAME_trimap beside a picture NAME, with any suffix; a picture without one fails",
        "photos/a.png + photos/a_trimap.png -> out2/a_alpha.png",
        "photos/d.png: It has no trimap, which flat needs.",
        "photos/b/c.png + photos/b/c_trimap.png -> out2/b/c_alpha.png",
        "2 to do, 1 cannot be done",
    ]
    assert not os.path.exists("out2")
    result = run("photos", "-o", "out2", "--method", "flat", "--cutout", "--dry-run")
    assert "where there is none, the foreground is found first" in result.stdout
    assert "photos/d.png -> out2/d_cutout.png" in result.stdout
    result = run("photos", "-o", "out2", "--method", "flat", "--dry-run", "--json")
    assert json.loads(result.stdout) == {"to_do": 2, "there": 0, "failed": 1}


def test_a_manifest_names_outputs_and_json_tells_of_them(photos):
    with open("list.csv", "w", newline="") as file:
        csv.writer(file).writerows(
            [["image", "trimap", "output"], ["photos/a.png", "photos/a_trimap.png", "x/y.tif"]]
        )
    result = run("list.csv", "-o", "out", "--method", "flat", "--bits", 16, "--json")
    told = json.loads(result.stdout)
    assert told.pop("seconds") > 0
    assert told.pop("pictures_per_second") > 0
    assert told == {"done": 1, "there": 0, "failed": 0, "warned": 0, "errors": None}
    assert read_image("out/x/y.tif").dtype == np.uint16
    result = run("list.csv", "-o", "out", "--method", "flat", "--bits", 16, "--dry-run")
    assert "-> out/x/y.tif, which is there already" in result.stdout


def test_warnings_are_counted(photos):
    os.unlink("photos/d.png")
    result = run("photos", "-o", "out", "--method", "early", backend="loky")
    assert result.exit_code == 0
    assert result.stdout.startswith("2 done, 2 with warnings, ")
    with open("out/.batch/journal.jsonl") as lines:
        assert all("7 iterations" in json.loads(line)["warning"] for line in lines)


def test_options_reach_the_batch(photos, monkeypatch):
    seen = {}

    def running(inputs, out, **options):
        seen.update(options, out=out)
        return alphamat.batch.Outcome(9, 0, 0, 0, 3.0, None)

    monkeypatch.setattr("alphamat.cli.batch.run", running)
    arguments = "--shard 3/64 --devices 0,1 --jobs 4 --cutout --doubt 0.3 --epsilon 1e-5"
    result = run("photos", "-o", "out", "--method", "closed-form", *arguments.split())
    assert result.stdout == "9 done, 3.00 pictures/s\n"
    assert seen["shard"] == (3, 64)
    assert seen["devices"] == ["0", "1"]
    assert (seen["jobs"], seen["kind"], seen["doubt"], seen["bits"]) == (4, "cutout", 0.3, None)
    assert seen["method"].keywords == {"epsilon": 1e-5}


def test_many_errors_are_in_the_table_alone(photos):
    for name in "efghij":
        os.unlink(photograph(photos, name).with_name(f"{name}_trimap.png"))
    result = run("photos", "-o", "out", "--method", "flat")
    assert result.exit_code == 1
    assert result.stderr.count("error: ") == 5
    assert result.stderr.endswith("All 7 errors are in out/errors.csv.\n")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ("nowhere -o out", 1, "error: nowhere does not exist; expected a folder of pictures"),
        ("photos -o photos", 1, "error: photos has files that no batch wrote, such as"),
        ("photos -o out --shard 0/3", 2, "'0/3' is not K/N, such as 3/64"),
        ("photos -o out --shard 3", 2, "'3' is not K/N"),
        ("photos -o out --jobs 0", 1, "error: --jobs is 0"),
        ("photos -o out --segment flat", 2, "there is no --cutout"),
        ("photos -o out --cutout --segment-weights x", 2, "there is no --segment"),
        ("photos -o out --method none", 2, "'none' is not installed"),
        ("photos -o out --trimaps nowhere", 1, "error: nowhere does not exist"),
        ("photos -o out --radius 3 --method flat", 1, "--radius is given, and flat takes"),
    ],
)
def test_misuse_is_told_in_a_line(photos, arguments, code, words):
    result = run(*arguments.split())
    assert result.exit_code == code
    assert words in " ".join(result.stderr.split())
    assert not os.path.exists("out")
