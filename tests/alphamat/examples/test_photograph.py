import numpy as np

from alphamat.examples import astronaut, sky
from alphamat.trimap import as_trimap


def test_astronaut_fits_its_trimap():
    image, trimap = astronaut()
    assert image.shape == (512, 512, 3)
    assert image.dtype == trimap.dtype == np.uint8
    np.testing.assert_array_equal(np.unique(trimap), [0, 128, 255])
    parsed = as_trimap(trimap, shape=image.shape[:2])
    assert 0.03 < parsed.unknown.mean() < 0.06


def test_astronaut_is_marked_where_a_person_would_mark_her():
    foreground, background = as_trimap(astronaut().trimap)
    for y, x in [(90, 220), (70, 170), (280, 200), (440, 400), (500, 60)]:  # face, hair, suit …
        assert foreground[y, x]
    for y, x in [(30, 20), (100, 420), (140, 175), (300, 450), (200, 330)]:  # flag, shuttle …
        assert background[y, x]


def test_every_known_region_is_whole():
    from scipy import ndimage

    foreground, background = as_trimap(astronaut().trimap)
    assert ndimage.label(foreground)[1] == 1
    assert ndimage.label(background)[1] == 1


def test_sky_is_a_picture_of_any_size():
    picture = sky(11, 14)
    assert picture.shape == (11, 14, 3)
    assert picture.min() >= 0
    assert picture.max() <= 1
    blueness = picture[..., 2] - picture[..., 0]
    assert blueness[0].min() > blueness[-1].max()
