import base64
from io import BytesIO

import numpy as np
from PIL import Image

from alphamat.evaluation.pages.pictures import error_colours, error_map, gray


def pixels(source):
    """Return the picture of an <img>'s source."""
    return np.asarray(Image.open(BytesIO(base64.b64decode(source.partition(",")[2]))))


def test_an_error_map_is_dark_where_nothing_is_scored():
    truth = np.zeros((40, 60))
    trimap = np.full((40, 60), 0.5)
    trimap[:, :20], trimap[:, 40:] = 0, 1
    shown = pixels(error_map(np.ones((40, 60), np.uint8) * 255, truth, trimap, 60)).mean(axis=2)
    assert shown[:, :16].max() < 40
    assert shown[:, 44:].max() < 40
    assert shown[:, 24:36].min() > 100
    everywhere = pixels(error_map(np.ones((40, 60)), truth, None, 60)).mean(axis=2)
    assert everywhere.min() > 100


def test_pictures_are_reduced_to_a_side_and_not_enlarged():
    halves = np.repeat([[0.0, 1.0]], 45, axis=1).repeat(60, axis=0)
    small = pixels(gray(halves, 30))
    assert small.shape[:2] == (20, 30)
    assert (small[:, :14] < 10).all()  # compressed
    assert (small[:, 16:] > 245).all()
    same = pixels(gray(halves[:6, 41:50], 30))
    assert same.shape[:2] == (6, 9)
    assert (same[:, :4] < 10).all()
    assert (same[:, 4:] > 245).all()


def test_error_colours_grow_lighter_with_the_error_on_both_sides():
    errors = np.linspace(0, 1, 30)
    for side in (errors, -errors):
        colours = error_colours(side)
        assert (colours >= 0).all()
        assert (colours <= 1).all()
        lightness = np.where(
            colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4
        )
        assert (np.diff(lightness @ [0.2126, 0.7152, 0.0722]) > 0).all()
    red, _, blue = error_colours(np.array([[0.8], [-0.8]]))[:, 0].T
    assert red[0] > blue[0]
    assert blue[1] > red[1]
