import csv
import json

import numpy as np
import pytest
from typer.testing import CliRunner

from alphamat import metrics
from alphamat.cli import app
from alphamat.io.images import read_image, write_image

NAMES = ["pic2", "pic10"]


@pytest.fixture
def folders(tmp_path):
    """Return a folder with predictions, truth and trimaps of two pictures."""
    rng = np.random.default_rng(83)
    for name, height in zip(NAMES, (12, 17), strict=True):
        truth = rng.uniform(size=(height, 15))
        trimap = np.where(truth > 0.8, 1.0, np.where(truth < 0.2, 0.0, 0.5))
        prediction = np.clip(truth + rng.normal(scale=0.1, size=truth.shape), 0, 1)
        for folder, pixels in (("out", prediction), ("truth", truth), ("trimaps", trimap)):
            (tmp_path / folder).mkdir(exist_ok=True)
            suffix = ".tif" if folder == "out" else ".png"
            write_image(tmp_path / folder / f"{name}{suffix}", pixels, bits=16)
    return tmp_path


def run(*arguments):
    return CliRunner().invoke(app, ["score", *[str(argument) for argument in arguments]])


def expected(folders, name, *, quantise=True, trimaps=True):
    pixels = [
        read_image(folders / "out" / f"{name}.tif"),
        read_image(folders / "truth" / f"{name}.png"),
        read_image(folders / "trimaps" / f"{name}.png") if trimaps else None,
    ]
    return metrics.all(*pixels, quantise=quantise)


def test_folders_are_scored_by_picture_and_in_the_mean(folders):
    result = run(folders / "out", folders / "truth", folders / "trimaps")
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    head, *rows, foot = result.stdout.splitlines()
    assert head.split() == ["SAD", "MSE", "MAD", "Grad", "Conn"]
    assert [row.split()[0] for row in rows] == [*NAMES, "mean"]
    scores = [expected(folders, name) for name in NAMES]
    for row, values in zip(rows, [*scores, np.mean(scores, axis=0)], strict=True):
        np.testing.assert_allclose(np.array(row.split()[1:], float), values, atol=5.1e-5)
    assert "unknown pixels" in foot
    assert "rounded to 8 bits" in foot


@pytest.mark.parametrize("quantise", [True, False])
@pytest.mark.parametrize("trimaps", [True, False])
def test_json_is_one_object_and_all_there_is(folders, quantise, trimaps):
    paths = [folders / part for part in ("out", "truth", "trimaps")[: 2 + trimaps]]
    result = run(*paths, "--json", "--quantise" if quantise else "--no-quantise")
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    record = json.loads(result.stdout)
    scores = [expected(folders, name, quantise=quantise, trimaps=trimaps) for name in NAMES]
    assert record["quantised"] is quantise
    assert record["region"] == ("unknown" if trimaps else "whole")
    for picture, name, values in zip(record["pictures"], NAMES, scores, strict=True):
        assert picture == {"name": name, **values._asdict()}
    assert record["mean"] == pytest.approx(
        dict(zip(metrics.Scores._fields, np.mean(scores, axis=0), strict=True))
    )


def test_csv_has_a_row_for_each_picture(folders):
    table = folders / "scores.csv"
    result = run(folders / "out", folders / "truth", "--csv", table)
    assert result.exit_code == 0, result.output
    with open(table, newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["name"] for row in rows] == NAMES
    for row in rows:
        scores = expected(folders, row.pop("name"), trimaps=False)
        assert {key: float(value) for key, value in row.items()} == scores._asdict()


def test_single_files_may_have_any_names(folders):
    paths = folders / "out/pic2.tif", folders / "truth/pic2.png", folders / "trimaps/pic2.png"
    result = run(*paths)
    assert result.exit_code == 0, result.output
    assert [line.split()[0] for line in result.stdout.splitlines()] == ["SAD", "pic2", "Of"]
    moved = paths[1].rename(folders / "other.png")
    assert run(paths[0], moved, paths[2]).stdout == result.stdout


def test_pictures_without_unknown_pixels_are_named(folders):
    trimap = folders / "trimaps/pic10.png"
    write_image(trimap, np.ones((17, 15)))
    result = run(folders / "out", folders / "truth", folders / "trimaps", "--json")
    assert result.exit_code == 0, result.output
    assert result.stderr.startswith("warning: no pixel is unknown in pic10:")
    record = json.loads(result.stdout)
    assert record["pictures"][1]["mse"] is record["mean"]["mse"] is None
    assert record["pictures"][1]["sad"] == 0


def test_files_that_do_not_fit_are_all_named_before_any_is_scored(folders, monkeypatch):
    monkeypatch.setattr(metrics, "all", None)
    (folders / "out/pic2.tif").rename(folders / "out/pic3.tif")
    write_image(folders / "trimaps/pic10.png", np.ones((16, 15)))
    (folders / "trimaps/pic2.png").unlink()
    result = run(folders / "out", folders / "truth", folders / "trimaps", "--csv", "scores.csv")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    for part in (
        "out has no pic2, which",
        "pic3.tif belongs to no image",
        "pic10.png is 16 × 15, and",
        "trimaps has no pic2, which",
    ):
        assert part in result.stderr


def test_pictures_that_cannot_be_scored_are_all_named(folders):
    for name in NAMES:
        colours = np.zeros((*read_image(folders / "truth" / f"{name}.png").shape, 3))
        colours[..., 0] = 1
        write_image(folders / "out" / f"{name}.tif", colours)
    result = run(folders / "out", folders / "truth")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    for name in NAMES:
        assert f"{name}: `alpha` has colours" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["out", "nowhere"], "nowhere does not exist"),
        (["out", "truth/pic2.png"], "out and truth/pic2.png are files and folders"),
        (["out", "truth", "trimaps/pic2.png"], "are files and folders"),
        (["out", "empty"], "empty has no images"),
        (["out/pic2.tif", "truth/pic10.png"], "`alpha` is 12 × 15 and `truth` is 17 × 15"),
        (["out/pic2.tif", "truth/pic2.png", "trimaps/pic10.png"], "`trimap` is 17 × 15"),
        (["out/pic2.tif", "notes.txt"], "notes.txt (5 bytes) is not an image"),
        (["out", "truth", "--csv", "scores.txt"], "expected a name in .csv"),
        (["out", "truth", "--csv", "nowhere/scores.csv"], "there is no folder nowhere"),
    ],
)
def test_refusals_are_one_line(folders, monkeypatch, arguments, message):
    monkeypatch.chdir(folders)
    (folders / "empty").mkdir()
    (folders / "notes.txt").write_text("hello")
    result = run(*arguments)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    assert message in result.stderr
