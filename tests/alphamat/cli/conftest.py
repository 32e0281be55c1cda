"""Methods from another package, and a picture to try them on."""

import sys
import textwrap

import numpy as np
import pytest

from alphamat.io.images import write_image

METHODS = """
import warnings
import numpy as np
import alphamat
from solvers import Solution

def flat(image, trimap):
    return np.full(np.shape(trimap)[:2], 0.5)

def give_up(A, b):
    return Solution(b, 7, 0.25, False)

def early(image, trimap):
    return alphamat.closed_form(image, trimap, solver=give_up)

def failing(image, trimap):
    raise ValueError("`trimap` is\\nnot to my taste")
"""


@pytest.fixture
def wide(monkeypatch):
    """Keep errors on one line. Typer reads the width of a terminal when it is imported."""
    monkeypatch.setattr("typer.rich_utils.MAX_WIDTH", 300)


@pytest.fixture
def packages(tmp_path, monkeypatch):
    """Return a folder on the path with a package that brings methods of its own."""
    folder = tmp_path / "packages"
    metadata = folder / "others-1.0.dist-info"
    metadata.mkdir(parents=True)
    (folder / "other_methods.py").write_text(METHODS)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: others\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(
        textwrap.dedent(
            """\
            [alphamat.methods]
            closed-form = alphamat:closed_form
            learned = alphamat:learned
            flat = other_methods:flat
            early = other_methods:early
            failing = other_methods:failing
            absent = no_such_module:method
            """
        )
    )
    monkeypatch.syspath_prepend(folder)
    yield folder
    sys.modules.pop("other_methods", None)


@pytest.fixture
def scene(tmp_path, packages):
    """Return a folder with a red disc before blue, photo.png, and its trimap.png."""
    folder = tmp_path / "scene"
    folder.mkdir()
    y, x = np.mgrid[:23, :30]
    distance = np.hypot(y - 11, x - 15)
    alpha = np.clip(7.5 - distance, 0, 1)[..., None]
    grain = np.random.default_rng(58).normal(scale=0.02, size=(23, 30, 3))
    photo = alpha * [0.9, 0.2, 0.1] + (1 - alpha) * [0.1, 0.2, 0.8] + grain
    write_image(folder / "photo.png", np.clip(photo, 0, 1))
    write_image(
        folder / "trimap.png", np.select([distance < 5, distance > 9], [1.0, 0.0], default=0.5)
    )
    return folder
