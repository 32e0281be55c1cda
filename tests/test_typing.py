"""Types: a program that a type checker has to refuse. It has to accept `typing/program.py`."""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
WRONG = """
import numpy as np
import alphamat
from alphamat import metrics, trimap

image, hint = np.zeros((9, 9, 3)), np.zeros((9, 9))
alphamat.closed_form(image)  # no trimap
alphamat.closed_form(image, hint, epsilom=1e-5)  # misspelt
alphamat.fast(image, hint, radius="10")  # no number
alphamat.knn(image, hint, solver="cg")  # no function
alphamat.composite(image, hint, object())  # no picture
alphamat.closed_form(image, hint).foreground  # an array has none
scores: float = metrics.all(hint, hint)  # five of them
trimap.from_mask(hint > 0)  # no widths
"""


@pytest.mark.slow
def test_wrong_calls_are_found_before_they_run(tmp_path):
    if find_spec("pyright") is None:
        pytest.skip("pyright is not installed")
    file = tmp_path / "wrong.py"
    file.write_text(WRONG)
    command = [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable]
    done = subprocess.run([*command, file], cwd=ROOT, capture_output=True, text=True)
    found = json.loads(done.stdout)["generalDiagnostics"]
    lines = {fault["range"]["start"]["line"] for fault in found}
    assert lines == {at for at, line in enumerate(WRONG.split("\n")) if "#" in line}
