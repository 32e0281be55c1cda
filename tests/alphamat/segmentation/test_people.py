"""People found by their faces."""

import cv2
import numpy as np
import pytest
import skimage.data

from alphamat import examples, read_image
from alphamat.door.image import as_image
from alphamat.segmentation import grab_cut, portrait, segment
from alphamat.segmentation.cut import (
    BACKGROUND,
    FOREGROUND,
    PERHAPS_BACKGROUND,
    PERHAPS_FOREGROUND,
)
from alphamat.segmentation.faces import Face, find_faces
from alphamat.segmentation.people import _bodies

PORTRAITS = ["portraits/image/woman_fur.png", "portraits_pred_only/paddleseg_human.jpg"]
NOBODY = ["lemur/lemur.png", "lemur/beach.png", "alphamatting_test/input/doll.png"]
NOBODY += [f"alphamatting/input/GT{k:02}.png" for k in (1, 4, 8, 12, 16)]


@pytest.fixture(scope="module")
def astronaut():
    """The astronaut and her trimap, 171 × 171."""
    image, trimap = examples.astronaut()
    return cv2.resize(image, (171, 171), interpolation=cv2.INTER_AREA), trimap[1::3, 1::3]


@pytest.fixture(scope="module")
def found(astronaut):
    return portrait(astronaut[0])


def test_a_portrait_is_found(astronaut, found):
    _, trimap = astronaut
    assert found.foreground.shape == trimap.shape
    assert found.foreground[trimap == 255].mean() > 0.7
    assert found.foreground[trimap == 0].mean() < 0.2
    assert found.doubt < 0.5


def test_some_of_it_is_not_sure(found):
    assert ((found.foreground > 0.1) & (found.foreground < 0.9)).mean() > 0.05


def test_several_faces_are_found_where_they_are(astronaut):
    head = as_image(astronaut[0])[:83, 32:115]
    faces = sorted(find_faces(np.hstack([head, head[:, ::-1]])), key=lambda face: face.x)
    np.testing.assert_allclose([face.x for face in faces], [42, 124], atol=4)
    np.testing.assert_allclose([face.y for face in faces], [39, 39], atol=4)
    np.testing.assert_allclose([face.size for face in faces], [33, 33], atol=6)


def test_a_person_is_sought_below_and_around_a_face():
    seeds = _bodies([Face(60, 50, 20, 99)], (150, 140), 1.2)
    assert seeds[50, 60] == FOREGROUND
    assert seeds[33, 60] == seeds[100, 45] == seeds[149, 60] == PERHAPS_FOREGROUND
    assert seeds[30, 30] == PERHAPS_BACKGROUND
    assert seeds[2, 60] == seeds[30, 110] == BACKGROUND


def test_a_face_stays_foreground_beside_another():
    seeds = _bodies([Face(60, 50, 20, 99), Face(85, 40, 20, 99)], (150, 140), 1.2)
    assert seeds[50, 60] == seeds[40, 85] == FOREGROUND


def test_without_a_face_there_is_all_doubt_and_a_reason():
    noise = np.random.default_rng(8).random((70, 90, 3))
    found = portrait(cv2.GaussianBlur(noise, (0, 0), 2))
    assert found.doubt == 1
    assert "no face" in found.reason
    assert not found.foreground.any()


@pytest.mark.parametrize("shape", [(1, 1), (5, 400), (300, 3), (24, 24)])
def test_small_and_narrow_pictures_have_no_face(shape):
    assert portrait(np.zeros(shape)).doubt == 1


def test_the_cascade_is_never_downloaded(monkeypatch):
    def fetch(name):
        raise AssertionError(f"{name} is fetched")

    monkeypatch.setattr(skimage.data._fetchers, "_fetch", fetch)
    assert not find_faces(np.zeros((30, 30, 3)))


def test_segment_does_what_its_arguments_say():
    image = np.zeros((20, 30, 3))
    image[5:15, 8:22] = 1
    box = (5, 3, 25, 17)
    assert np.array_equal(segment(image, box=box).foreground, grab_cut(image, box=box).foreground)
    assert segment(image).doubt == 1


@pytest.mark.slow
@pytest.mark.parametrize("name", PORTRAITS)
def test_portraits_need_no_hand(shared, name):
    found = portrait(read_image(shared / name))
    assert found.doubt < 0.3
    assert 0.1 < (found.foreground > 0.5).mean() < 0.6


@pytest.mark.slow
@pytest.mark.parametrize("name", NOBODY)
def test_nobody_is_found_where_nobody_is(shared, name):
    image = read_image(shared / name)[..., :3]
    small = cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    assert portrait(small).doubt == 1
