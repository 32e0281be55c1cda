"""Batches by a network, in processes of their own."""

import re
import sys

import numpy as np
import pytest

import alphamat_deep
from alphamat import batch
from alphamat.io.images import read_image, write_image

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="stderr is read as Linux has it")


def test_a_process_compiles_a_network_once_for_each_size(weights, tmp_path, monkeypatch, capfd):
    method, rng, inputs = alphamat_deep.load("tiny", weights), np.random.default_rng(41), []
    for at in range(16):
        shape = ((24, 40), (40, 24))[at % 2]
        image, trimap = tmp_path / f"{at}.png", tmp_path / f"{at}_trimap.png"
        write_image(image, rng.random((*shape, 3)))
        write_image(trimap, rng.choice([0, 0.5, 1], shape))
        inputs.append((image, trimap))
    monkeypatch.setenv("JAX_LOG_COMPILES", "1")
    assert batch.run(inputs, tmp_path / "out", method=method, jobs=2).done == 16
    programs = re.findall(r"Finished XLA compilation of jit\(_layers\)", capfd.readouterr().err)
    assert len(programs) == 2  # with the sizes mixed, each process would compile both
    for image, trimap in inputs:
        alpha = method(read_image(image), read_image(trimap))
        found = read_image(tmp_path / "out" / f"{image.stem}_alpha.png")
        np.testing.assert_array_equal(found, np.rint(255 * alpha))
