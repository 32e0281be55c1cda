"""P3M-Net's objective: its terms, weighed as its authors weigh them."""

import jax
import jax.numpy as jnp
import numpy as np

from alphamat_deep.models.p3m import P3MNetOutput
from alphamat_deep.training.losses import laplacian_aim, p3m
from tests.alphamat_deep.networks import jit


def test_the_objective_adds_up_its_terms_with_their_weights():
    rng = np.random.default_rng(7)
    truth, alpha, local = (jnp.asarray(rng.random((2, 32, 40, 1)), jnp.float32) for _ in range(3))
    trimap = jnp.asarray(rng.choice([0, 0.5, 1], (2, 32, 40, 1)), jnp.float32)
    scores, *sides = jnp.asarray(rng.normal(size=(4, 2, 32, 40, 3)), jnp.float32)
    image, front, back = jnp.asarray(rng.normal(size=(3, 2, 32, 40, 3)), jnp.float32)
    outputs = P3MNetOutput(alpha, local, scores, tuple(sides))
    colours = {"image": image, "foreground": front, "background": back}
    found = jit(p3m.supervised)(outputs, truth, trimap=trimap, **colours)

    laplacian = jit(laplacian_aim)
    classes = np.asarray(2 * trimap[..., 0], int)[..., None]
    entropies = [
        -np.take_along_axis(np.asarray(jax.nn.log_softmax(x)), classes, -1).mean()
        for x in (scores, *sides)
    ]
    unknown = np.asarray(trimap == 0.5)
    inside = np.abs(local - truth)[unknown].sum() / (unknown.sum() + 1)
    parts = {
        "semantic": np.dot([3, 1, 1, 1], entropies) / 6,
        "local": inside + laplacian(local, truth, trimap == 0.5),
        "fusion": np.abs(alpha - truth).mean() + laplacian(alpha, truth),
        "composition": 3 * np.abs(alpha * front + (1 - alpha) * back - image).mean(),
    }
    for name, part in parts.items():
        np.testing.assert_allclose(found[name], part, rtol=1e-4)
    total = np.dot([1, 2, 3, 1], [*parts.values()])
    np.testing.assert_allclose(found["total"], total, rtol=1e-4)
