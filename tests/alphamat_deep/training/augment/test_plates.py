import cv2
import numpy as np

from alphamat_deep.training.augment import (
    KORNIA_RULES,
    Affine,
    add_plate,
    box_blur,
    cast_shadow,
    compose,
    plates,
    random_plate_affine,
    random_plate_jitter,
    random_plate_noise,
    random_shadow,
    warp,
)
from tests.alphamat_deep.training.augment.samples import (
    error_of_composition,
    layers,
    shares,
    whole,
)


def test_shadows_fall_on_the_background_only():
    sample = add_plate(compose(layers(3)))
    matrix = Affine(right=8, down=4).matrix(47, 61)
    new = cast_shadow(sample, 0.2, matrix, 6)
    shadow = box_blur(
        warp(0.2 * sample["alpha"], matrix, 47, 61, interpolation=cv2.INTER_NEAREST), 6
    )
    assert abs(new["background"] - np.maximum(sample["background"] - shadow, 0)).max() < 1e-6
    assert new["plate"] is sample["background"]
    assert error_of_composition(new) < 1e-6
    opaque = sample["alpha"][..., 0] == 1
    assert np.array_equal(new["image"][opaque], sample["image"][opaque])


def test_shadows_are_drawn_as_bgmv2s(monkeypatch):
    drawn, asked = [], {}

    def draw(rng, height, width, **ranges):
        asked.update(ranges)
        return Affine()

    monkeypatch.setattr(
        plates, "cast_shadow", lambda sample, strength, _, size: drawn.append((strength, size))
    )
    monkeypatch.setattr(plates, "draw_affine", draw)
    rng, sample = np.random.default_rng(2), whole(3)
    for _ in range(10000):
        random_shadow(sample, rng)
    assert abs(len(drawn) / 10000 - 0.3) < 0.02
    strengths, sizes = np.transpose(drawn)
    assert abs(np.histogram(strengths, 3, (0, 0.3))[0] / len(drawn) - 1 / 3).max() < 0.03
    assert set(sizes) == set(range(20, 40))
    assert asked == {"degrees": 5, "translate": 0.2, "scale": (0.5, 1.5), "shear": 5}


def test_image_and_plate_have_noise_of_their_own(monkeypatch):
    sample = whole(3)
    grey = np.full((47, 61, 3), 0.5, np.float32)
    sample |= {"image": grey, "plate": grey}
    new = random_plate_noise(sample, np.random.default_rng(4), probability=1)
    rest = [(new[name] - grey).ravel() for name in ("image", "plate")]
    assert abs(np.corrcoef(rest)[0, 1]) < 0.05
    assert rest[0].std() != rest[1].std()
    drawn = []
    monkeypatch.setattr(plates, "add_noise", lambda pixels, sigma, _: drawn.append(sigma))
    rng = np.random.default_rng(5)
    for _ in range(5000):
        random_plate_noise(sample, rng)
    assert abs(len(drawn) / 10000 - 0.4) < 0.03
    assert abs(np.histogram(drawn, 3, (0, 0.03))[0] / len(drawn) - 1 / 3).max() < 0.03


def test_plates_are_jittered_by_kornias_rules(monkeypatch):
    sample, found = whole(3), []
    monkeypatch.setattr(plates, "apply_jitter", lambda pixels, jitter: found.append(jitter))
    rng = np.random.default_rng(6)
    for _ in range(5000):
        new = random_plate_jitter(sample, rng)
        assert all(new[name] is sample[name] for name in sample if name != "plate")
    assert abs(len(found) / 5000 - 0.8) < 0.03
    amounts = np.array([[dict(jitter)[rule] for rule in KORNIA_RULES] for jitter in found])
    low, high = np.array([[0.82, 0.82, 0.82, -0.1], [1.18, 1.18, 1.18, 0.1]])
    assert (amounts >= low).all()
    assert (amounts <= high).all()
    assert abs(amounts.std(axis=0) / (high - low) - 1 / np.sqrt(12)).max() < 0.02


def test_plates_move_a_little_and_to_the_nearest_pixel():
    sample = whole(3, height=120, width=160)
    new = random_plate_affine(sample, np.random.default_rng(8), probability=1)
    assert set(np.unique(new["plate"])) <= set(np.unique(sample["plate"])) | {0}
    shifts = [
        np.mean(np.roll(sample["plate"], (y, x), (0, 1))[4:-4, 4:-4] == new["plate"][4:-4, 4:-4])
        for y in range(-2, 3)
        for x in range(-3, 4)
    ]
    assert max(shifts) > 0.1
    found = shares(lambda rng: random_plate_affine(sample, rng) is not sample, 1500)
    assert abs(found[True] - 0.3) < 0.04
