"""Files in StableHLO: what they compute, and what is told of them."""

import json

import jax.numpy as jnp
import numpy as np
import pytest
from jax import export

import alphamat_deep


@pytest.fixture
def found(weights, tmp_path):
    matting = alphamat_deep.load("tiny", weights)
    return alphamat_deep.export_stablehlo(matting, tmp_path / "net.stablehlo", size=(16, 24))


def test_a_file_that_is_read_again_computes_the_network(found, weights):
    rng = np.random.default_rng(11)
    image, trimap = (jnp.float32(rng.random((1, 16, 24, count))) for count in (3, 1))
    read = export.deserialize(bytearray(found.path.read_bytes()))
    expected = alphamat_deep.load("tiny", weights).model(2 * image - 1, trimap).alpha
    np.testing.assert_allclose(read.call(image, trimap)[0], expected, atol=1e-6)


def test_its_sidecar_has_the_inputs_channels_last(found):
    told = json.loads(found.sidecar.read_text())
    assert told["format"] == "alphamat-stablehlo"
    assert [port["shape"] for port in told["inputs"]] == [[1, 16, 24, 3], [1, 16, 24, 1]]
