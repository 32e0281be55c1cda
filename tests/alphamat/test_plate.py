import cv2
import numpy as np
import pytest

import alphamat
from alphamat.examples import astronaut

SIZE = 300, 400


@pytest.fixture(scope="module")
def scene():
    """Return a real picture that is larger than what a camera sees of it."""
    image, _ = astronaut()
    return alphamat.as_image(image)


def seen(scene, pose, size=SIZE):
    """Return what a camera sees; its pose (3, 3) leads from its pixels to the scene's."""
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    return np.clip(cv2.warpPerspective(scene, pose, size[::-1], flags=flags), 0, 1)


def pose(degrees=0.0, scale=1.0, at=(60.0, 80.0), tilt=(0.0, 0.0)):
    angle = np.deg2rad(degrees)
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return np.block([[turn, np.array(at)[:, None]], [np.array(tilt), 1.0]])


def with_foreground(image):
    """Return an image with a disc before a fifth of it, and where that is."""
    y, x = np.indices(SIZE)
    disc = np.hypot(y - 160, x - 190) < 88
    noise = np.random.default_rng(4).random((*SIZE, 3))
    return np.where(disc[..., None], noise, image), disc


@pytest.mark.parametrize(
    "other",
    [
        pose(),
        pose(degrees=3, at=(70.5, 60.2)),
        pose(degrees=-2, scale=0.9, tilt=(1e-4, -5e-5), at=(77.0, 88.0)),
    ],
)
def test_finds_how_the_camera_moved(scene, other):
    image, disc = with_foreground(seen(scene, pose()))
    plate = seen(scene, other)
    aligned = alphamat.align_plate(image, plate)
    truth = np.linalg.inv(other) @ pose()
    for point in ((0, 0, 1), (399, 0, 1), (399, 299, 1), (0, 299, 1)):
        here, there = (matrix @ point for matrix in (aligned.homography, truth))
        np.testing.assert_allclose(here[:2] / here[2], there[:2] / there[2], atol=0.5)
    behind = aligned.covered & ~disc
    assert np.abs(aligned.plate - seen(scene, pose()))[behind].mean() < 0.01
    assert aligned.points > 100
    assert aligned.error < 1
    assert 0.7 < aligned.agreement < 0.85


def test_where_the_plate_does_not_reach_the_image_stands_in(scene):
    image, plate = seen(scene, pose()), seen(scene, pose(at=(140.0, 80.0)))
    aligned = alphamat.align_plate(image, plate)
    assert not aligned.covered[:, :79].any()
    assert aligned.covered[1:-1, 82:-1].all()
    np.testing.assert_array_equal(aligned.plate[~aligned.covered], image[~aligned.covered])


@pytest.mark.parametrize("size", [(195, 260), (1050, 1400)])
def test_plates_of_other_sizes_are_brought_to_the_images(scene, size):
    image = seen(scene, pose())
    how = cv2.INTER_AREA if size < SIZE else cv2.INTER_CUBIC
    plate = np.clip(cv2.resize(image, size[::-1], interpolation=how), 0, 1)
    aligned = alphamat.align_plate(image, plate)
    assert aligned.plate.shape == image.shape
    assert np.abs(aligned.plate - image)[aligned.covered].mean() < 0.03


def test_a_plate_that_does_not_fit_is_refused(scene):
    image = seen(scene, pose())
    elsewhere = np.random.default_rng(8).random((*SIZE, 3))
    for plate in (elsewhere, np.full((*SIZE, 3), 0.5), elsewhere[:1, :1], image[::-1]):
        with pytest.raises(ValueError, match=r"`plate` does not fit `image`: \d+ points"):
            alphamat.align_plate(image, plate)
    with pytest.raises(ValueError, match="scale it by more than two"):
        alphamat.align_plate(image, seen(scene, pose(scale=0.4, at=(160.0, 180.0))))
    with pytest.raises(ValueError, match=r"covers only .* of `image`"):
        alphamat.align_plate(image, seen(scene, pose(at=(60.0, 260.0))))
    with pytest.raises(TypeError, match="`plate`"):
        alphamat.align_plate(image, image.astype(int))
    with pytest.raises(ValueError, match="`image` contains NaN"):
        alphamat.align_plate(np.full_like(image, np.nan), image)


@pytest.mark.slow
def test_real_plates_are_found_to_fit_where_they_are(shared):
    folder = shared / "background_pairs" / "triangulation"
    image, plate = (
        alphamat.read_image(folder / f"flowers_{name}.jpg") for name in ("compA", "backA")
    )
    aligned = alphamat.align_plate(image, plate)
    middle = aligned.homography @ (640, 960, 1)
    np.testing.assert_allclose(middle[:2] / middle[2], (640, 960), atol=1)
    assert aligned.agreement > 0.8
