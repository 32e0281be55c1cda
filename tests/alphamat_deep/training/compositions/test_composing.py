import numpy as np
import pytest

from alphamat_deep.training.compositions import compose_square


def layers(height, width, frames=()):
    rng = np.random.default_rng(height * width)
    x = np.linspace(-1, 2, width, dtype=np.float32)[:, None]
    alpha = np.broadcast_to(np.clip(x, 0, 1), (*frames, height, width, 1))
    colours = rng.random((2, *frames, height, width, 3), dtype=np.float32)
    return {"foreground": colours[0], "alpha": alpha, "background": colours[1]}


@pytest.mark.parametrize("frames", [(), (3,)])
@pytest.mark.parametrize("shape", [(61, 47), (20, 90), (14, 11), (32, 32)])
def test_a_composite_is_the_blend_of_its_layers(shape, frames):
    for seed in range(6):
        found = compose_square(layers(*shape, frames), np.random.default_rng(seed), size=32)
        assert {key: (x.shape, x.dtype) for key, x in found.items()} == {
            key: ((*frames, 32, 32, 1 if key in ("alpha", "trimap") else 3), np.float32)
            for key in ("foreground", "alpha", "background", "image", "trimap")
        }
        blend = found["alpha"] * found["foreground"] + (1 - found["alpha"]) * found["background"]
        np.testing.assert_allclose(found["image"], blend, atol=1e-6)
        assert min(x.min() for x in found.values()) >= 0
        assert max(x.max() for x in found.values()) <= 1


def test_a_trimap_knows_only_what_is_certain():
    for seed in range(6):
        found = compose_square(layers(90, 120), np.random.default_rng(seed), size=48, width=(3, 7))
        alpha, trimap = found["alpha"], found["trimap"]
        assert set(np.unique(trimap)) <= {0, 0.5, 1}
        assert (alpha[trimap == 0] <= 1e-5).all()
        assert (alpha[trimap == 1] >= 1 - 1e-5).all()
        assert (trimap == 0.5).any()


def test_half_of_the_samples_are_mirrored():
    mirrored = [
        compose_square(layers(40, 60), np.random.default_rng(seed), size=16)["alpha"][0]
        for seed in range(60)
    ]
    falling = sum(alpha[0, 0] > alpha[-1, 0] for alpha in mirrored)
    assert 15 < falling < 45


def test_a_finished_picture_stays_as_it_is():
    given = layers(32, 32)
    image = np.random.default_rng(3).random((32, 32, 3), dtype=np.float32)
    trimap = np.float32(np.random.default_rng(4).integers(0, 3, (32, 32, 1)) / 2)
    given |= {"image": image, "trimap": trimap}
    found = compose_square(given, np.random.default_rng(1), size=32, largest=1.0)
    for key, x in given.items():
        assert any(np.array_equal(found[key], turned) for turned in (x, x[:, ::-1])), key


def test_layers_are_cut_at_one_place():
    given = layers(50, 70)
    given["foreground"] = np.repeat(given["alpha"], 3, axis=-1)
    found = compose_square(given, np.random.default_rng(9), size=24)
    np.testing.assert_allclose(found["foreground"][..., :1], found["alpha"], atol=1e-6)
