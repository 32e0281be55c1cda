import numpy as np
import pytest

from alphamat import memory
from alphamat.network import matting
from alphamat.network.features import Models, features, size_of
from alphamat.network.matting import around, cut, estimate_alpha
from alphamat.network.weights import BUNDLED, read_weights
from alphamat.progress import Step, listening
from alphamat.trimap import Trimap
from tests.alphamat.network import reference

WEIGHTS = read_weights(BUNDLED)


def picture(height, width, seed=17):
    """Return two textures, a soft edge between them, and a trimap that leaves the middle open."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    edge = width / 2 + 8 * np.sin(y / 5)
    alpha = np.clip((edge - x) / 9 + 0.5, 0, 1)[..., None]
    image = alpha * [0.8, 0.5, 0.2] + (1 - alpha) * [0.1, 0.3, 0.6]
    image = np.clip(image + 0.1 * rng.standard_normal(image.shape), 0, 1)
    levels = np.select([x < width / 4, x > 3 * width / 4], [1.0, 0.0], default=0.5)
    return image, Trimap.of(levels)


def whole(image):
    return tuple(slice(0, -(-side // 32) * 32) for side in image.shape[:2])


def test_features_are_those_of_the_definition():
    image, trimap = picture(45, 70)
    found = features(Models.of(image, trimap), whole(image))
    for ours, expected in zip(found, reference.features(image, *trimap), strict=True):
        np.testing.assert_allclose(ours.transpose(1, 2, 0), expected, rtol=0, atol=2e-4)


@pytest.mark.parametrize("absent", ["foreground", "background", "both"])
def test_features_are_those_of_the_definition_where_a_layer_is_unknown(absent):
    image, trimap = picture(33, 40)
    nowhere = np.zeros_like(trimap.foreground)
    parts = {"foreground": nowhere, "background": nowhere}
    trimap = trimap._replace(**(parts if absent == "both" else {absent: nowhere}))
    found = features(Models.of(image, trimap), whole(image))
    for ours, expected in zip(found, reference.features(image, *trimap), strict=True):
        np.testing.assert_allclose(ours.transpose(1, 2, 0), expected, rtol=0, atol=2e-4)


def test_features_of_a_tile_are_those_of_the_picture():
    models = Models.of(*picture(150, 230))
    for factor, all_of_it, tile in zip(
        (1, 2),
        features(models, (slice(0, 160), slice(0, 256))),
        features(models, (slice(64, 128), slice(96, 160))),
        strict=True,
    ):
        rows, columns = slice(64 // factor, 128 // factor), slice(96 // factor, 160 // factor)
        assert np.array_equal(tile, all_of_it[:, rows, columns])


def test_alpha_is_that_of_the_definition():
    image, trimap = picture(45, 70)
    expected = reference.alpha(image, *trimap, WEIGHTS)
    alpha = estimate_alpha(image, trimap, WEIGHTS)
    assert np.ptp(expected[trimap.unknown]) > 0.5
    clipped = np.clip(expected, 0, 1)[trimap.unknown]
    np.testing.assert_allclose(alpha[trimap.unknown], clipped, rtol=0, atol=1e-4)
    assert np.array_equal(alpha[trimap.known], trimap.foreground[trimap.known])


def test_alpha_is_that_of_the_program_that_trained_the_network(shared):
    stored = shared.parent / "prototype_net" / "reference.npz"
    if not stored.exists():
        pytest.skip("the outputs in ../shared/prototype_net are not here")
    with np.load(stored) as cases:
        names = {key.partition("/")[0] for key in cases.files}
        for name in sorted(names):
            image, trimap, expected = (cases[f"{name}/{x}"] for x in ("image", "trimap", "alpha"))
            alpha = estimate_alpha(image / 255, Trimap.of(trimap / 255), WEIGHTS)
            np.testing.assert_allclose(alpha, expected, rtol=0, atol=1e-4, err_msg=name)


def test_tiles_give_what_a_whole_picture_gives(monkeypatch):
    image, trimap = picture(150, 230)
    expected = estimate_alpha(image, trimap, WEIGHTS)
    monkeypatch.setattr(matting, "SIDE", 128)
    assert len(cut(around(trimap.unknown))) == 12
    with listening((told := []).append):
        alpha = estimate_alpha(image, trimap, WEIGHTS)
    np.testing.assert_allclose(alpha, expected, rtol=0, atol=1e-4)
    shares = [step.share for step in told if isinstance(step, Step)]
    assert shares == sorted(shares)
    assert 0 == shares[0] < shares[-1] < 1


def test_what_lies_far_from_unknown_pixels_is_left_out_and_changes_nothing(monkeypatch):
    image, _ = picture(32, 700)
    levels = np.where(np.random.default_rng(3).random((32, 700)) < 0.5, 0.0, 1.0)
    levels[:, :9] = 0.5
    trimap = Trimap.of(levels)
    assert around(trimap.unknown) == (slice(0, 32), slice(0, 256))
    alpha = estimate_alpha(image, trimap, WEIGHTS)
    monkeypatch.setattr(matting, "REACH", 10**4)
    np.testing.assert_allclose(alpha, estimate_alpha(image, trimap, WEIGHTS), rtol=0, atol=1e-4)


@pytest.mark.parametrize("size", [(32, 32), (1088, 1088), (1120, 64), (2048, 3040), (1056, 9000)])
def test_tiles_cover_a_region_once_and_see_around(size):
    region = slice(64, 64 + size[0]), slice(32, 32 + size[1])
    covered = np.zeros([stop.stop // 32 for stop in region], int)
    for core, window in cut(region):
        covered[tuple(slice(side.start // 32, side.stop // 32) for side in core)] += 1
        for inner, outer, side in zip(core, window, region, strict=True):
            assert outer.start <= max(inner.start - 32, side.start)
            assert outer.stop >= min(inner.stop + 32, side.stop)
            assert side.start <= outer.start < outer.stop <= side.stop
        height, width = size_of(window)
        assert max(height, width) <= 1088 or (core == region and height * width <= 1088**2)
    assert (covered[2:, 1:] == 1).all()
    assert not covered[:2].any()
    assert not covered[:, :1].any()


def test_a_picture_beyond_memory_is_refused_before_any_work(monkeypatch):
    image, trimap = picture(64, 64)
    monkeypatch.setattr(memory, "physical", lambda: 2.0**20)
    with pytest.raises(MemoryError, match="The network's alpha of 4,096 pixels needs about"):
        estimate_alpha(image, trimap, WEIGHTS)
