import re

import cv2
import numpy as np
import pytest

from alphamat.trimap import Ellipse
from alphamat_deep.training.augment import (
    certain_foreground,
    dim_trimap,
    gca_trimap,
    gfm_trimap,
    indexnet_trimap,
    mmagic_trimap,
    p3m_trimap,
    paddleseg_test_trimap,
    possible_foreground,
    random_trimap,
    trimap_by_distance,
    trimap_by_ellipses,
    trimaps,
    vitmatte_trimap,
)
from tests.alphamat_deep.training.augment.samples import cases, layers, shares, stored

RULES = (
    dim_trimap,
    mmagic_trimap,
    paddleseg_test_trimap,
    gca_trimap,
    vitmatte_trimap,
    p3m_trimap,
    gfm_trimap,
    indexnet_trimap,
)


@pytest.mark.parametrize("name", cases("trimap/"))
def test_trimaps_are_the_authors(name):
    outputs, inputs = stored()
    numbers = [int(number) for number in re.findall(r"\d+", name.removeprefix("trimap/p3m"))]
    alpha = inputs["alpha"]
    if "dilate" in name or "erode" in name:
        make = possible_foreground if "dilate" in name else certain_foreground
        mine = make(alpha, numbers[0])
    elif "gca" in name:
        inner, outer = (Ellipse(number) for number in numbers)
        mine = trimap_by_ellipses(alpha, inner, outer, margin=1e-5)
    else:
        mine = trimap_by_ellipses(alpha, Ellipse(*numbers), Ellipse(*numbers))
    assert np.array_equal(mine[..., 0], np.float32([0, 0.5, 1])[outputs[name] // 127])


def test_ellipses_are_those_of_the_authors_opencv():
    outputs, _ = stored()
    for size in range(1, 31):
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
        assert np.array_equal(kernel, outputs[f"ellipse/{size}"])


def shrunk(mask, size):
    """Erode by the definition: all pixels under the kernel, anchored at size // 2, are true."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    half = size // 2
    padded = np.pad(mask, size, constant_values=True)
    offsets = np.argwhere(kernel) - half + size
    return np.all([padded[y:, x:][: mask.shape[0], : mask.shape[1]] for y, x in offsets], axis=0)


@pytest.mark.parametrize(("size", "passes"), [(2, 5), (3, 2), (4, 3), (7, 1), (8, 1)])
def test_unknown_is_what_neither_erosion_keeps(size, passes):
    alpha = layers(3)["alpha"][..., 0]
    opaque, clear = alpha == 1, alpha == 0
    for _ in range(passes):
        opaque, clear = shrunk(opaque, size), shrunk(clear, size)
    ellipse = Ellipse(size, passes)
    trimap = trimap_by_ellipses(alpha[..., None], ellipse, ellipse)[..., 0]
    assert np.array_equal(trimap, np.where(opaque, 1, np.where(clear, 0, 0.5)))


def test_bands_around_a_disc_are_as_wide_as_their_ellipses():
    y, x = np.mgrid[:121, :121] - 60
    distance = np.hypot(y, x)
    alpha = (distance <= 35)[..., None].astype(np.float32)
    unknown = trimap_by_ellipses(alpha, Ellipse(11), Ellipse(21))[..., 0] == 0.5
    assert abs(distance[unknown].min() - (35 - 5)) <= 1.5
    assert abs(distance[unknown].max() - (35 + 10)) <= 1.5
    assert unknown[(distance > 31.5) & (distance < 43.5)].all()


def test_certain_alphas_are_those_that_8_bits_store_as_0_or_255():
    alpha = np.float32([0.49, 0.51, 254.49, 254.51]).reshape(1, 4, 1) / 255
    one = Ellipse(1)
    assert trimap_by_ellipses(alpha, one, one).ravel().tolist() == [0, 0.5, 0.5, 1]
    near = np.float32([0.9e-5, 1.1e-5, 1 - 1.1e-5, 1 - 0.9e-5]).reshape(1, 4, 1)
    assert trimap_by_ellipses(near, one, one, margin=1e-5).ravel().tolist() == [0, 0.5, 0.5, 1]


@pytest.mark.parametrize("distance", [1, 2, 5])
def test_distances_are_euclidean(distance):
    alpha = np.zeros((11, 14, 1), np.float32)
    alpha[:, 7:] = 1
    alpha[3, 6], alpha[8, 2] = 0.5, 0.3
    y, x = np.mgrid[:11, :14]
    away = np.minimum(np.hypot(y - 3, x - 6), np.hypot(y - 8, x - 2))
    expected = np.where(away <= distance, 0.5, alpha[..., 0])
    assert np.array_equal(trimap_by_distance(alpha, distance)[..., 0], expected)


def test_hard_edges_have_no_distance():
    alpha = np.float32([[[0], [1]]])
    assert np.array_equal(trimap_by_distance(alpha, 9), alpha)


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_gives_0_a_half_and_1(rule):
    sample = layers(5, frames=2)
    new = rule(sample, np.random.default_rng(5))
    assert new["trimap"].dtype == np.float32
    assert new["trimap"].shape == sample["alpha"].shape
    assert set(np.unique(new["trimap"])) <= {0, 0.5, 1}
    assert "trimap" not in sample
    again = rule(sample, np.random.default_rng(5))
    assert np.array_equal(new["trimap"], again["trimap"])


def drawn(rule, count):
    """Return the shares of what a rule draws: sizes and passes of both ellipses."""
    found = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            trimaps,
            "trimap_by_ellipses",
            lambda alpha, inner, outer, margin: found.append((inner, outer, margin)) or alpha,
        )
        patch.setattr(trimaps, "resize_pixels", lambda pixels, *_, **__: pixels)
        rng = np.random.default_rng(29)
        for _ in range(count):
            rule({"alpha": np.zeros((1, 1, 1), np.float32)}, rng)
    return found


@pytest.mark.parametrize(
    ("rule", "sizes", "passes", "margin"),
    [
        (dim_trimap, range(2, 5), range(5, 15), 0.5 / 255),
        (p3m_trimap, range(15, 31), range(1, 2), 0.5 / 255),
        (gfm_trimap, range(25, 26), range(1, 2), 0.5 / 255),
        (paddleseg_test_trimap, range(25, 26), range(1, 2), 0.5 / 255),
        (mmagic_trimap, range(1, 30), range(1, 2), 0.5 / 255),
        (gca_trimap, range(1, 30), range(1, 2), 1e-5),
        (vitmatte_trimap, range(1, 30), range(1, 2), 1e-5),
    ],
)
def test_rules_draw_uniformly_from_their_ranges(rule, sizes, passes, margin):
    found = drawn(rule, 4000)
    for values, getter in ((sizes, "size"), (passes, "iterations")):
        seen = [getattr(ellipse, getter) for *both, _ in found for ellipse in both]
        assert set(seen) == set(values)
        counts = np.bincount(seen, minlength=values.stop)[values.start :]
        assert abs(counts / len(seen) - 1 / len(values)).max() < 0.03
    apart = np.mean([inner != outer for inner, outer, _ in found])
    assert apart > 0.9 if rule in (mmagic_trimap, gca_trimap, vitmatte_trimap) else apart == 0
    assert {used for *_, used in found} == {margin}


def test_indexnet_draws_whole_distances(monkeypatch):
    monkeypatch.setattr(trimaps, "trimap_by_distance", lambda alpha, distance: distance)
    found = shares(lambda rng: indexnet_trimap({"alpha": None}, rng)["trimap"], 4000)
    assert set(found) == set(range(1, 20))
    assert max(abs(share - 1 / 19) for share in found.values()) < 0.02


def test_vitmatte_grows_in_a_square_of_640():
    sample, rng = layers(7, height=160, width=320), np.random.default_rng(7)
    small = random_trimap(sample, rng, size=(9, 9), side=640)["trimap"]
    square = cv2.resize(sample["alpha"], (640, 640), interpolation=cv2.INTER_NEAREST)[..., None]
    there = trimap_by_ellipses(square, Ellipse(9), Ellipse(9))
    assert np.array_equal(small, there[::4, ::2])
