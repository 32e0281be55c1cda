"""What a network takes of a batch is what it takes of a picture."""

import jax.numpy as jnp
import numpy as np
import pytest

from alphamat_deep.training.inputs import ENCODED


@pytest.mark.parametrize("encode", ENCODED, ids=lambda encode: encode.__name__)
@pytest.mark.parametrize("levels", [[0, 128, 255], [128, 255]])
def test_trimaps_of_a_batch_are_encoded_as_those_of_pictures(encode, levels):
    trimaps = np.random.default_rng(31).choice(np.uint8(levels), (2, 11, 14))
    batch = jnp.asarray(np.where(trimaps == 128, 0.5, trimaps / 255), jnp.float32)[..., None]
    found = ENCODED[encode](batch)
    assert found.dtype == jnp.float32
    np.testing.assert_allclose(found, [encode(trimap) for trimap in trimaps], atol=1e-6)
