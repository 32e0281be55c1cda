import numpy as np
import pytest

from alphamat_deep.training.augment import (
    blur_in_8_bits,
    box_blur_in_8_bits,
    compose_in_8_bits,
    denoise,
    random_gfm_rssn,
    random_paddleseg_rssn,
    rssn,
)
from tests.alphamat_deep.training.augment.samples import layers, shares, stored, whole


@pytest.fixture
def inputs():
    _, arrays = stored()
    return {
        "alpha": arrays["alpha"],
        "foreground": arrays["fg255"] / np.float32(255),
        "background": arrays["bg255"] / np.float32(255),
    }


def same(pixels, name):
    return np.array_equal(np.rint(255 * pixels), stored()[0][name])


def test_blur_is_paddlesegs(inputs):
    blurred = blur_in_8_bits(inputs["background"], 19)
    assert same(blurred, "rssn/blur19_bg")
    assert same(compose_in_8_bits(inputs | {"background": blurred})["image"], "rssn/blur19")
    assert same(blur_in_8_bits(inputs["background"], 59), "rssn/blur59_bg")


def test_denoising_is_paddlesegs(inputs):
    # PaddleSeg has blue first.
    clean = {
        name: denoise(inputs[name][..., ::-1])[..., ::-1] for name in ("foreground", "background")
    }
    assert same(clean["foreground"], "rssn/denoise_fg")
    assert same(compose_in_8_bits(inputs | clean)["image"], "rssn/denoise")


@pytest.mark.parametrize("size", [20, 50])
def test_box_blur_is_gfms(inputs, size):
    assert same(box_blur_in_8_bits(inputs["background"], size), f"rssn/gfm_blur{size}_bg")


def draws(change, monkeypatch):
    """Return what was done to the layers in each of many draws."""
    done = []
    for name in ("blur_in_8_bits", "box_blur_in_8_bits"):
        monkeypatch.setattr(rssn, name, lambda pixels, size: done[-1].append(size) or pixels)
    rng, sample = np.random.default_rng(3), layers(3, height=5, width=6)
    for _ in range(4000):
        done.append([])
        new = change(sample, rng, denoise=lambda pixels: done[-1].append("clean") or pixels)
        if not np.array_equal(new["foreground"], sample["foreground"]):
            done[-1].append("noise")
    return done


@pytest.mark.parametrize(
    ("change", "sizes", "noise"),
    [
        (random_paddleseg_rssn, (19, 29, 39, 49, 59), 0),
        (random_gfm_rssn, (20, 30, 40, 50, 60), 0.5),
    ],
)
def test_each_happens_half_of_the_time(monkeypatch, change, sizes, noise):
    done = draws(change, monkeypatch)
    assert abs(np.mean(["clean" in one for one in done]) - 0.5) < 0.03
    assert {one.count("clean") for one in done} == {0, 2}
    blurred = [size for one in done for size in one if size in sizes]
    assert abs(len(blurred) / 4000 - 0.5) < 0.03
    assert all(abs(blurred.count(size) / len(blurred) - 0.2) < 0.04 for size in sizes)
    assert abs(np.mean(["noise" in one for one in done]) - noise) < 0.03


def test_noise_is_the_same_for_all_layers():
    sample = whole(3)
    sample |= {name: np.full((47, 61, 3), 0.6, np.float32) for name in ("foreground", "background")}
    new = next(
        new
        for seed in range(99)
        if (new := random_gfm_rssn(sample, np.random.default_rng(seed), denoise=np.array))[
            "foreground"
        ].std()
        > 0
    )
    assert np.array_equal(new["foreground"], new["background"])
    assert abs(new["foreground"].std() - 10 / 255) < 0.002


def test_the_foreground_is_not_blurred():
    sample = whole(3)
    found = shares(
        lambda rng: np.array_equal(
            random_paddleseg_rssn(sample, rng, denoise=np.array)["foreground"],
            sample["foreground"],
        ),
        20,
    )
    assert found == {True: 1}
