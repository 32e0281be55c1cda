"""What every augmentation keeps: I = αF + (1 - α)B, types, bounds, and its input."""

import numpy as np
import pytest

from alphamat_deep.training import augment
from tests.alphamat_deep.training.augment.samples import error_of_composition, whole

SIZES = {"height": 90, "width": 80}
ASIDE = {"degrees": 8, "translate": 0.1, "scale": (0.7, 1.2), "shear": 5}
TWO = ("foreground", "alpha")


def second():
    return {name: whole(77)[name] for name in TWO}


STILLS = {
    "random_affine": {},
    "random_affine_and_resize": SIZES,
    "random_blur": {"probability": 1},
    "random_box_blur": {"probability": 1, "names": ("foreground", "alpha", "background")},
    "random_combine": {"draw": second, "probability": 1, "square": 0},
    "random_crop": {"sizes": (20, 30)},
    "random_crop_around_unknown": {"sizes": (20, 90)},
    "random_crop_by_alpha": {"sizes": (20, 30)},
    "random_crop_by_coarse_trimap": {"side": 47},
    "random_crop_from_unknown": {"sizes": (20, 30)},
    "random_distort": {"probability": 1},
    "random_flip": {"probability": 1},
    "random_gfm_rssn": {"denoise": np.sqrt},
    "random_grain": {"probability": 1},
    "random_grey": {"probability": 1},
    "random_hsv_jitter": {},
    "random_jitter": {"names": ("foreground", "background")},
    "random_paddleseg_rssn": {"denoise": np.sqrt},
    "random_pillow_sharpen": {"probability": 1},
    "random_plate_affine": {"probability": 1},
    "random_plate_jitter": {"probability": 1},
    "random_resize": {"size": 50},
    "random_resized_crop": {**SIZES, "scale": (0.3, 0.6), "ratio": (0.8, 1.2)},
    "random_shadow": {"probability": 1},
    "random_sharpen": {"probability": 1},
    "random_sharpness": {"probability": 1},
    "random_stretch": {},
    "random_trimap": {"size": (3, 9)},
}
CLIPS = {
    "random_motion": {},
    "random_motion_blur": {"probability": 1},
    "random_motion_jitter": {"probability": 1},
    "random_pause": {"probability": 1},
}
BREAKING = {
    "random_jpeg": {"probability": 1},
    "random_noise": {"probability": 1},
    "random_plate_noise": {"probability": 1},
}
DRAWING = [(name, settings, None) for name, settings in (STILLS | BREAKING).items()]
DRAWING += [
    (name, settings, 3)
    for name, settings in (STILLS | CLIPS | BREAKING).items()
    if name != "random_combine"  # the second there is a still
]


def test_every_random_function_is_tried():
    others = {"random_frame_numbers"}
    names = {name for name in augment.__dict__ if name.startswith("random_")}
    assert names == STILLS.keys() | CLIPS.keys() | BREAKING.keys() | others


def call(name, settings, sample, seed):
    return getattr(augment, name)(sample, rng=np.random.default_rng(seed), **settings)


@pytest.mark.parametrize(("name", "settings", "frames"), DRAWING)
def test_augmentations_keep_what_samples_are(name, settings, frames):
    sample = whole(5, frames=frames)
    before = {key: pixels.copy() for key, pixels in sample.items()}
    changed = False
    for seed in range(6):
        new = call(name, settings, sample, seed)
        assert new.keys() == sample.keys()
        assert {pixels.dtype for pixels in new.values()} == {np.dtype(np.float32)}
        assert all(pixels.min() >= 0 and pixels.max() <= 1 for pixels in new.values())
        assert set(np.unique(new["trimap"])) <= {0, 0.5, 1}
        assert len({pixels.shape[:-1] for pixels in new.values()}) == 1
        if name not in BREAKING:
            assert error_of_composition(new) < 1e-6
        again = call(name, settings, sample, seed)
        assert all(np.array_equal(new[key], again[key]) for key in new)
        changed |= any(not np.array_equal(new[key], sample[key]) for key in new)
    assert changed
    assert all(np.array_equal(sample[key], before[key]) for key in sample)


@pytest.mark.parametrize("name", BREAKING)
def test_what_breaks_the_composition_says_so(name):
    sample = whole(5)
    assert error_of_composition(call(name, BREAKING[name], sample, 1)) > 1e-3
    text = (getattr(augment, name).__doc__ or "") + (augment.noise.__doc__ or "")
    assert "layer" in text


def test_a_long_chain_keeps_the_composition():
    sample, rng = whole(5, height=120, width=130), np.random.default_rng(8)
    chain = [name for name in STILLS if name not in ("random_combine", "random_crop_by_alpha")]
    for name in chain:
        if min(sample["alpha"].shape[:2]) < 48:
            sample = augment.resize(sample, 100, 110)
        sample = getattr(augment, name)(sample, rng=rng, **STILLS[name])
        assert error_of_composition(sample) < 1e-6
