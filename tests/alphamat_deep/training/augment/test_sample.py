import numpy as np

from alphamat_deep.training.augment import compose, compose_in_8_bits, with_layers
from alphamat_deep.training.augment.sample import by_picture, resample
from tests.alphamat_deep.training.augment.samples import error_of_composition, layers, stored


def test_composes_in_8_bits_as_paddleseg():
    outputs, inputs = stored()
    sample = {
        "alpha": inputs["alpha"],
        "foreground": inputs["fg255"] / np.float32(255),
        "background": inputs["bg255"] / np.float32(255),
    }
    image = 255 * compose_in_8_bits(sample)["image"]
    assert np.array_equal(np.rint(image), outputs["composite/paddleseg"])


def test_composites_of_8_bits_are_truncated():
    sample = layers(2)
    exact, truncated = (
        255 * f(sample)["image"].astype(np.float64) for f in (compose, compose_in_8_bits)
    )
    assert (truncated <= exact + 1e-3).all()
    assert (truncated > exact - 1.001).all()
    assert (exact - truncated).mean() > 0.05


def test_noise_of_the_image_survives_a_change_of_layers():
    sample = compose(layers(4))
    noise = np.random.default_rng(4).normal(0, 0.01, sample["image"].shape).astype(np.float32)
    noisy = sample | {"image": np.clip(sample["image"] + noise, 0.1, 0.9)}
    darker = {"background": sample["background"] / 2}
    change = with_layers(noisy, darker)["image"] - noisy["image"]
    expected = with_layers(sample, darker)["image"] - sample["image"]
    inside = noisy["image"] + expected > 0
    assert abs(change - expected)[inside].max() < 1e-6


def test_an_image_without_layers_is_left_alone():
    sample = {"image": layers(4)["background"]}
    assert with_layers(sample, {"alpha": np.zeros(1)})["image"] is sample["image"]


def test_resampling_composes_anew_or_separately():
    def half(_, pixels):
        return (pixels[:-1] + pixels[1:]) / 2

    sample = compose(layers(6))
    anew, separate = resample(sample, half), resample(sample, half, separately=True)
    assert error_of_composition(anew) < 1e-6
    assert np.array_equal(separate["image"], half("", sample["image"]))
    assert error_of_composition(separate) > 0.01


def test_resampling_keeps_what_is_in_no_layer():
    def half(_, pixels):
        return (pixels[:-1] + pixels[1:]) / 2

    sample = compose(layers(6))
    sample = {name: 0.25 + pixels / 2 for name, pixels in sample.items()}  # nothing is clipped
    sample = compose(sample)
    rest = np.random.default_rng(6).uniform(-0.1, 0.1, sample["image"].shape).astype(np.float32)
    found = resample(sample | {"image": sample["image"] + rest}, half)["image"]
    expected = resample(sample, half)["image"] + half("", rest)
    assert abs(found - expected).max() < 1e-6


def test_pictures_may_have_leading_axes():
    clips = np.arange(2 * 3 * 4 * 5 * 1, dtype=np.float32).reshape(2, 3, 4, 5, 1)
    assert np.array_equal(by_picture(clips, lambda x: x[::2, ..., 0]), clips[:, :, ::2])
