"""The command `alphamat demo`."""

import numpy as np
from typer.testing import CliRunner

import alphamat
from alphamat.cli import app
from alphamat.io.images import read_image


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_demo_writes_four_pictures(tmp_path, monkeypatch):
    from alphamat import examples

    image, trimap = examples.astronaut()
    cut = (slice(5, 60), slice(190, 265))  # hair: enough for a test
    monkeypatch.setattr(examples, "astronaut", lambda: (image[cut], trimap[cut]))
    result = run("demo", "--output", tmp_path / "new" / "folder")
    assert result.exit_code == 0, result.output
    shapes = {path.name: read_image(path).shape for path in (tmp_path / "new/folder").iterdir()}
    assert shapes == {
        "alpha.png": (55, 75),
        "cutout.png": (55, 75, 4),
        "composite.png": (55, 75, 3),
        "sheet.png": (55 + 16, 4 * (75 + 8) + 8, 3),
    }
    alpha = alphamat.learned(image[cut], trimap[cut])
    written = read_image(tmp_path / "new/folder/alpha.png")
    np.testing.assert_array_equal(written, np.rint(255 * alpha))
    assert "converged" in result.stdout
    for step in ("read", "matte", "foreground", "write", *shapes):
        assert step in result.stdout


def test_demo_over_a_file_is_refused_in_one_line(tmp_path):
    (tmp_path / "demo").write_text("mine")
    result = run("demo", "--output", tmp_path / "demo")
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
