import numpy as np
import pytest

from alphamat_deep.training.augment import (
    ALL_FILTERS,
    compose_in_8_bits,
    cover_background,
    put_over,
    random_combine,
    resize_pixels,
)
from tests.alphamat_deep.training.augment.samples import layers, shares, stored


def test_covering_backgrounds_are_paddlesegs():
    outputs, inputs = stored()
    covering = cover_background(inputs["bgs255"].astype(np.uint8), 72, 88)
    assert np.array_equal(covering, outputs["composite/paddleseg_small_bg_used"])
    sample = {"alpha": inputs["alpha"], "foreground": inputs["fg255"] / np.float32(255)}
    image = compose_in_8_bits(sample | {"background": covering / np.float32(255)})["image"]
    assert np.array_equal(np.rint(255 * image), outputs["composite/paddleseg_small_bg"])


@pytest.mark.parametrize(("size", "enlarged"), [((20, 33), (47, 78)), ((30, 20), (92, 61))])
def test_small_backgrounds_are_enlarged_to_whole_pixels_that_cover(size, enlarged):
    background = layers(3, *size)["background"]
    expected = resize_pixels(background, *enlarged)[:47, :61]
    assert np.array_equal(cover_background(background, 47, 61), expected)


@pytest.mark.parametrize("size", [(20, 61), (47, 30), (10, 10)])
def test_large_backgrounds_are_cropped_and_never_shrunk(size):
    background = layers(3)["background"]
    assert np.array_equal(cover_background(background, *size), background[: size[0], : size[1]])


def test_one_foreground_lies_over_another():
    first, second = layers(3), layers(4)
    second["alpha"] = np.roll(second["alpha"], 20, axis=1)
    both = put_over(first, second)
    a, b = first["alpha"].astype(np.float64), second["alpha"].astype(np.float64)
    assert abs(both["alpha"] - (a + b - a * b)).max() < 1e-6
    exact = 255 * (a * first["foreground"] + (1 - a) * second["foreground"])
    found = 255 * both["foreground"].astype(np.float64)
    assert abs(found - found.round()).max() < 1e-3
    assert (found < exact + 0.01).all()
    assert (found > exact - 1.01).all()
    assert np.array_equal(both["background"], first["background"])


def test_nothing_is_put_over_what_covers_all():
    first, second = layers(3), layers(4)
    second["alpha"] = np.ones_like(second["alpha"])
    assert put_over(first, second) is first


def test_half_are_combined_and_a_quarter_made_square():
    first = {name: x for name, x in layers(3, 11, 14).items() if name != "background"}
    second = {name: x for name, x in layers(4, 30, 20).items() if name != "background"}

    def draw(rng):
        new = random_combine(first, lambda: second, rng, side=15)
        combined = new["alpha"].sum() > 1.01 * first["alpha"].mean() * new["alpha"].size
        return bool(combined), new["alpha"].shape == (15, 15, 1)

    found = shares(draw, 4000)
    for combined in (False, True):
        for square, share in ((False, 0.375), (True, 0.125)):
            assert abs(found[combined, square] - share) < 0.03


def test_the_second_is_brought_to_the_size_of_the_first():
    first, second = layers(3), layers(4, 20, 90)
    rng = np.random.default_rng(5)
    new = random_combine(first, lambda: second, rng, probability=1, square=0)
    rows, columns = np.arange(47) * 20 // 47, np.arange(61) * 90 // 61
    expected = put_over(first, {x: second[x][rows][:, columns] for x in ("alpha", "foreground")})
    assert np.array_equal(new["foreground"], expected["foreground"])
    assert np.array_equal(new["alpha"], expected["alpha"])
    second_is_left = [
        random_combine(
            first, lambda: second, rng, probability=1, square=1, interpolations=ALL_FILTERS
        )
        for _ in range(8)
    ]
    for sample in second_is_left:
        assert min(x.min() for x in sample.values()) >= 0
        assert max(x.max() for x in sample.values()) <= 1
        assert sample["alpha"].shape == (640, 640, 1)
