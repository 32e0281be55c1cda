"""Trimaps made from masks, alpha mattes, scribbles and strokes."""

from functools import partial

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image
from scipy import ndimage

from alphamat.trimap import (
    Diagonal,
    Ellipse,
    as_trimap,
    from_alpha,
    from_mask,
    from_scribbles,
    from_strokes,
)

WIDTHS = [0, 1, 1.5, np.sqrt(5), 3.2]


@pytest.fixture
def mask():
    """Two blobs, one of them cut by the border, and a hole; 23 × 31."""
    y, x = np.mgrid[:23, :31]
    blobs = (np.hypot(y - 11, x - 14) < 9) & (np.hypot(y - 10, x - 12) > 1.5)
    return blobs | (np.hypot(y - 22, x - 30) < 7)


@pytest.fixture
def soft(mask):
    """The mask with an edge that is not sharp: alpha."""
    alpha = ndimage.gaussian_filter(mask.astype(float), 0.8, truncate=2)
    return np.rint(255 * alpha).astype(np.uint8)


def reach(region, width):
    """Return which pixels have one of a region within `width`, looked up one by one."""
    there = np.argwhere(region)
    return np.array(
        [
            [any(np.hypot(*(there - (y, x)).T) <= width) for x in range(region.shape[1])]
            for y in range(region.shape[0])
        ]
    )


def exchanged(trimap):
    return np.array([255, 128, 0], np.uint8)[np.digitize(trimap, [1, 255])]


@pytest.mark.parametrize("inner", WIDTHS)
@pytest.mark.parametrize("outer", WIDTHS)
def test_bands_are_what_lies_within_a_distance(mask, inner, outer):
    trimap = from_mask(mask, inner=inner, outer=outer)
    assert trimap.dtype == np.uint8
    np.testing.assert_array_equal(trimap == 255, ~reach(~mask, inner))
    np.testing.assert_array_equal(trimap == 0, ~reach(mask, outer))
    np.testing.assert_array_equal(np.isin(trimap, [0, 128, 255]), True)


def test_wide_bands_are_as_exact_as_narrow_ones():
    mask = np.zeros((61, 75))
    mask[[20, 31, 60], [30, 33, 74]] = 1
    for width in (np.hypot(13, 19), 22.8, 23):
        np.testing.assert_array_equal(from_alpha(mask, outer=width) == 0, ~reach(mask > 0, width))


@pytest.mark.parametrize("inner", [0, 2])
def test_bands_grow_from_what_is_uncertain_in_a_soft_mask(soft, inner):
    trimap = from_mask(soft, inner=inner, outer=3)
    np.testing.assert_array_equal(trimap == 255, ~reach(soft < 255, inner))
    np.testing.assert_array_equal(trimap == 0, ~reach(soft > 0, 3))
    np.testing.assert_array_equal(trimap, from_alpha(soft, inner=inner, outer=3))


def test_without_bands_unknown_is_what_is_fractional(mask, soft):
    np.testing.assert_array_equal(from_alpha(soft) == 128, (soft > 0) & (soft < 255))
    np.testing.assert_array_equal(from_mask(mask, inner=0, outer=0), np.where(mask, 255, 0))


def test_low_and_high_say_what_is_certain(soft):
    trimap = from_mask(soft, inner=1, outer=2, low=0.1, high=0.8)
    np.testing.assert_array_equal(trimap == 255, ~reach(soft / 255 < 0.8, 1))
    np.testing.assert_array_equal(trimap == 0, ~reach(soft / 255 > 0.1, 2))
    np.testing.assert_array_equal(trimap, from_alpha(soft, inner=1, outer=2, low=0.1, high=0.8))


def test_low_and_high_are_certain_themselves():
    trimap = from_alpha(np.array([[0.25, 0.5, 0.75]]), low=0.25, high=0.75)
    np.testing.assert_array_equal(trimap, [[0, 128, 255]])


@pytest.mark.parametrize(("size", "iterations"), [(7, 2), (3, 1), (2, 3), (4, 2), (1, 5)])
def test_kernels_do_what_opencv_does(mask, size, iterations):
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    levels = np.where(mask, 255, 0).astype(np.uint8)
    eroded = cv2.erode(levels, kernel, iterations=iterations)
    dilated = cv2.dilate(levels, kernel, iterations=iterations)
    width = Ellipse(size, iterations=iterations)
    trimap = from_mask(mask, inner=width, outer=width)
    np.testing.assert_array_equal(trimap == 255, eroded == 255)
    np.testing.assert_array_equal(trimap == 0, dilated == 0)


def test_the_common_recipe_is_one_setting():
    mask = np.zeros((101, 90), np.uint8)
    mask[20:75, 15:80] = 255
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (7, 7))
    width = Ellipse(7, iterations=6)
    trimap = from_mask(mask, inner=width, outer=width)
    eroded, dilated = (change(mask, kernel, iterations=6) for change in (cv2.erode, cv2.dilate))
    np.testing.assert_array_equal(trimap, np.select([eroded > 0, dilated > 0], [255, 128], 0))


def deep_image_matting(alpha, rng):
    """One kernel and one number of iterations, for gray dilation and gray erosion."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (rng.integers(2, 5),) * 2)
    iterations = rng.integers(5, 15)
    eroded, dilated = (
        change(alpha, kernel, iterations=iterations) for change in (cv2.erode, cv2.dilate)
    )
    return np.select([eroded == 255, dilated == 0], [255, 0], 128)


def gca(alpha, rng):
    """Erosion of what is opaque and of what is clear, by kernels of their own."""
    opaque, clear = (
        cv2.erode(
            part.astype(np.uint8),
            cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (rng.integers(1, 30),) * 2),
        )
        for part in (alpha == 255, alpha == 0)
    )
    return np.select([opaque == 1, clear == 1], [255, 0], 128)


@pytest.mark.parametrize("seed", [4, 71, 902])
def test_recipes_of_data_sets_are_settings(seed):
    alpha = np.full((60, 75), 0, np.uint8)
    cv2.ellipse(alpha, (37, 28), (26, 20), 30, 0, 360, 255, -1)
    alpha = cv2.GaussianBlur(alpha, (5, 5), 0)
    alpha[:, 30] = 255 * (alpha[:, 30] > 90)  # an edge without fractional pixels

    rng = np.random.default_rng(seed)
    width = Ellipse.random(rng, size=(2, 4), iterations=(5, 14))
    np.testing.assert_array_equal(
        from_alpha(alpha, inner=width, outer=width),
        deep_image_matting(alpha, np.random.default_rng(seed)),
    )
    rng = np.random.default_rng(seed)
    inner, outer = (Ellipse.random(rng, size=(1, 29), iterations=(1, 1)) for _ in range(2))
    np.testing.assert_array_equal(
        from_alpha(alpha, inner=inner, outer=outer), gca(alpha, np.random.default_rng(seed))
    )
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (25, 25))
    paddleseg = np.select(
        [cv2.erode(alpha, kernel) == 255, cv2.dilate(alpha, kernel) == 0], [255, 0], 128
    )
    np.testing.assert_array_equal(
        from_alpha(alpha, inner=Ellipse(25), outer=Ellipse(25)), paddleseg
    )


def test_composition_1k_reaches_into_the_background_by_a_distance(shared):
    folder = shared / "composition1k_samples"
    for name, width in (("boy", 9), ("dandelion", 8), ("light-bulb", 15)):
        alpha, trimap = (
            np.asarray(Image.open(next((folder / kind).glob(f"{name}*"))).convert("L"))
            for kind in ("alpha", "trimap")
        )
        np.testing.assert_array_equal(from_alpha(alpha, outer=width) == 0, trimap == 0)


def test_random_kernels_are_drawn_from_the_whole_range_and_again_alike():
    def draw(seed, count):
        rng = np.random.default_rng(seed)
        return [Ellipse.random(rng) for _ in range(count)]

    assert draw(31, 20) == draw(31, 20)
    assert draw(31, 20) != draw(32, 20)
    drawn = draw(33, 400)
    assert {width.size for width in drawn} == {2, 3, 4}
    assert {width.iterations for width in drawn} == set(range(5, 15))


def test_shares_of_the_diagonal_are_distances(mask):
    diagonal = np.hypot(*mask.shape)
    np.testing.assert_array_equal(
        from_mask(mask, inner=Diagonal(0.05), outer=Diagonal(0.1)),
        from_mask(mask, inner=0.05 * diagonal, outer=0.1 * diagonal),
    )


def test_any_function_that_grows_a_mask_is_a_width(mask):
    square = partial(ndimage.binary_dilation, structure=np.ones((3, 3)), iterations=2)
    trimap = from_mask(mask, inner=square, outer=0)
    np.testing.assert_array_equal(trimap == 255, ~square(~mask))
    np.testing.assert_array_equal(trimap == 0, ~mask)


def test_borders_of_the_picture_are_no_edges():
    mask = np.zeros((11, 14), bool)
    mask[:, :7] = True
    for width in (3, Ellipse(3, iterations=3)):
        trimap = from_mask(mask, inner=width, outer=width)
        np.testing.assert_array_equal(trimap, trimap[:1].repeat(11, axis=0))
        np.testing.assert_array_equal(trimap[0], [255] * 4 + [128] * 6 + [0] * 4)


WIDTH = st.one_of(
    st.floats(0, 4),
    st.builds(Ellipse, st.sampled_from([1, 3, 5])),
    st.builds(Diagonal, st.just(0.1)),
)
MASKS = hnp.arrays(bool, st.tuples(st.integers(1, 9), st.integers(2, 12)))


@given(MASKS, WIDTH, WIDTH)
def test_complement_exchanges_foreground_and_background(mask, inner, outer):
    there = from_alpha(mask.astype(float), inner=inner, outer=outer)
    back = from_alpha(1 - mask.astype(float), inner=outer, outer=inner)
    np.testing.assert_array_equal(back, exchanged(there))


@given(MASKS, WIDTH, WIDTH)
def test_mirrored_masks_make_mirrored_trimaps(mask, inner, outer):
    made = from_alpha(mask.astype(float), inner=inner, outer=outer)
    for turn in (np.flipud, np.fliplr):
        np.testing.assert_array_equal(
            from_alpha(turn(mask).astype(float), inner=inner, outer=outer), turn(made)
        )


@given(MASKS, st.floats(0, 4), st.floats(0, 4), st.floats(0, 2))
def test_wider_bands_hold_narrower_ones(mask, inner, outer, more):
    mask = mask.astype(float)
    narrow = from_alpha(mask, inner=inner, outer=outer)
    wide = from_alpha(mask, inner=inner + more, outer=outer + more)
    assert ((wide == narrow) | (wide == 128)).all()


@pytest.mark.parametrize(
    "form",
    [
        lambda mask: np.where(mask, 255, 0).astype(np.uint8),
        lambda mask: np.where(mask, 65535, 0).astype(np.uint16),
        lambda mask: mask.astype(np.float32),
        lambda mask: mask.tolist(),
        lambda mask: np.asfortranarray(mask),
        lambda mask: mask[..., None],
        lambda mask: np.dstack([np.where(mask, 255, 0).astype(np.uint8)] * 3),
        lambda mask: Image.fromarray(mask),
        lambda mask: Image.fromarray(np.where(mask, 255, 0).astype(np.uint8)),
    ],
)
def test_every_form_of_a_mask_means_the_same(mask, form):
    np.testing.assert_array_equal(
        from_mask(form(mask), inner=2, outer=1), from_mask(mask, inner=2, outer=1)
    )


def test_the_arguments_are_left_alone(mask, soft):
    before = mask.copy(), soft.copy()
    from_mask(mask, inner=1, outer=1)[:] = 7
    from_mask(mask, inner=0, outer=0)[:] = 7
    from_alpha(soft, inner=1, outer=1)[:] = 7
    np.testing.assert_array_equal(mask, before[0])
    np.testing.assert_array_equal(soft, before[1])


@pytest.mark.parametrize(
    ("widths", "message"),
    [
        (
            {"inner": 40, "outer": 1},
            r"`inner` is 40 pixels.*no known foreground.*deeper than 7 pixels",
        ),
        ({"inner": 1, "outer": 60.5}, r"`outer` is 60\.5 pixels.*no known background"),
        ({"inner": Ellipse(7, iterations=6), "outer": 1}, r"`inner` is Ellipse\(size=7, iter"),
        ({"inner": 1, "outer": Diagonal(0.9)}, r"`outer` is Diagonal\(share=0\.9\)"),
    ],
)
def test_bands_wider_than_the_object_are_refused_with_their_widths(widths, message):
    mask = np.zeros((45, 60), bool)
    mask[10:27, 12:40] = True
    mask[18, 26] = False
    with pytest.raises(ValueError, match=message):
        from_mask(mask, **widths)


def test_the_depth_named_in_the_refusal_is_the_limit():
    mask = np.zeros((45, 60), bool)
    mask[10:27, 12:40] = True
    with pytest.raises(ValueError, match="nowhere deeper than 9 pixels"):
        from_mask(mask, inner=9, outer=0)
    assert (from_mask(mask, inner=8.9, outer=0) == 255).any()


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (np.zeros((5, 6), bool), r"`mask` has no foreground: its values run from 0 to 0 "),
        (np.ones((5, 6), bool), r"`mask` has no background: its values run from 1 to 1 "),
        (np.eye(5, dtype=np.uint8), r"no foreground.*0\.00392.*holds 0 and 1.*astype\(bool\)"),
        (np.linspace(0.1, 0.9, 30).reshape(5, 6), r"`mask` has no foreground.*soft.*`low`"),
        (np.ones((1, 1), bool), "`mask` has no background"),
    ],
)
def test_masks_without_either_side_are_refused(mask, message):
    with pytest.raises(ValueError, match=message):
        from_mask(mask, inner=0, outer=0)


def test_mattes_without_either_side_are_taken():
    for level, known in ((0, 0), (77, 128), (255, 255)):
        trimap = from_alpha(np.full((5, 7), level, np.uint8), inner=3, outer=Ellipse(3))
        np.testing.assert_array_equal(trimap, np.full((5, 7), known))


@pytest.mark.parametrize("maker", [from_mask, from_alpha])
@pytest.mark.parametrize(
    ("arguments", "fault", "message"),
    [
        ({"inner": -1}, ValueError, "`inner` is -1; expected a number of pixels of at least 0"),
        ({"outer": np.nan}, ValueError, "`outer` is nan"),
        ({"outer": np.inf}, ValueError, "`outer` is inf"),
        ({"inner": "7x6"}, TypeError, "`inner` is '7x6'; .* at least 0, or a function"),
        ({"inner": None}, TypeError, "`inner` is None"),
        ({"inner": np.sum}, ValueError, r"`inner` returned an array of shape \(\)"),
        ({"outer": lambda region: region * 1}, ValueError, "`outer` returned.*int64"),
        ({"low": 0.5, "high": 0.5}, ValueError, r"`low` and `high` are 0\.5 and 0\.5"),
        ({"low": -0.1}, ValueError, "`low` and `high`"),
        ({"high": 255}, ValueError, "`low` and `high`"),
        ({"low": np.nan}, ValueError, r"`low` is nan; expected a number in \[0, 1\]"),
        ({"high": "most"}, TypeError, "`high` is 'most'"),
    ],
)
def test_nonsense_parameters_are_refused(maker, arguments, fault, message):
    with pytest.raises(fault, match=message):
        maker(np.eye(6), **({"inner": 0, "outer": 0} | arguments))


@pytest.mark.parametrize(
    ("build", "fault", "message"),
    [
        (lambda: Ellipse(0), ValueError, "`size` is 0"),
        (lambda: Ellipse(2.5), TypeError, r"`size` is 2\.5"),
        (lambda: Ellipse(3, iterations=0), ValueError, "`iterations` is 0"),
        (lambda: Diagonal(0), ValueError, "`share` is 0"),
        (lambda: Diagonal(np.nan), ValueError, "`share` is nan"),
        (lambda: Diagonal("1%"), TypeError, "`share` is '1%'"),
    ],
)
def test_nonsense_widths_are_refused(build, fault, message):
    with pytest.raises(fault, match=message):
        build()


@pytest.mark.parametrize(
    ("mask", "fault", "message"),
    [
        (np.eye(5, dtype=int), TypeError, r"`mask` has dtype int64.*`mask == label`"),
        (np.zeros((4, 5, 2)), ValueError, "`mask` has shape"),
        (np.zeros((0, 5), bool), ValueError, "`mask` is empty"),
        (np.full((4, 5), np.nan), ValueError, "`mask` contains NaN"),
        (np.dstack([np.eye(5), np.eye(5), np.ones((5, 5))]), ValueError, "`mask` has colours"),
        ("mask.png", TypeError, "`mask` is the path"),
    ],
)
def test_what_is_no_mask_is_refused(mask, fault, message):
    with pytest.raises(fault, match=message):
        from_mask(mask, inner=1, outer=1)


def test_a_bool_alpha_is_refused():
    with pytest.raises(TypeError, match="`alpha` has dtype bool"):
        from_alpha(np.eye(5, dtype=bool))


@pytest.fixture
def photograph():
    return np.random.default_rng(19).integers(30, 220, (11, 14, 3), dtype=np.uint8)


EXPECTED = np.full((11, 14), 128, np.uint8)
EXPECTED[2:4, 3:9], EXPECTED[8, 1:13] = 255, 0


def painted(ground):
    ground[2:4, 3:9], ground[8, 1:13] = 255, 0
    return ground


def test_scribbles_are_where_the_copy_differs_from_the_image(photograph):
    photograph[0, 0], photograph[0, 1] = 255, 0  # white and black of its own, and no stroke
    scribbles = painted(photograph.copy())
    scribbles[5, 5] = (255, 0, 0)
    np.testing.assert_array_equal(from_scribbles(scribbles, image=photograph), EXPECTED)
    np.testing.assert_array_equal(
        from_scribbles(scribbles / 255, image=Image.fromarray(photograph)), EXPECTED
    )


def test_changes_of_up_to_a_thousandth_are_no_strokes():
    image = np.full((3, 4), 0.5)
    scribbles = image.copy()
    image[0, 0], scribbles[0, 0] = 0.9997, 1
    image[0, 1], scribbles[0, 1] = 0.9996, 1  # three equal channels: 0.0012 in all
    scribbles[2, 3] = 0
    trimap = from_scribbles(scribbles, image=image)
    np.testing.assert_array_equal(trimap[0], [128, 255, 128, 128])


def test_scribbles_alone_are_on_a_plain_or_a_transparent_ground():
    plain = painted(np.full((11, 14), 90, np.uint8))
    np.testing.assert_array_equal(from_scribbles(plain), EXPECTED)
    np.testing.assert_array_equal(from_scribbles(np.dstack([plain] * 3)), EXPECTED)
    layer = np.zeros((11, 14, 4), np.uint8)
    layer[..., :3] = painted(np.full((11, 14, 3), 255, np.uint8))
    layer[..., 3] = np.where(EXPECTED == 128, 0, 255)
    layer[0, 0] = (255, 255, 255, 128)  # the soft edge of a brush
    np.testing.assert_array_equal(from_scribbles(layer), EXPECTED)


def test_strokes_are_two_masks():
    white, black = EXPECTED == 255, EXPECTED == 0
    np.testing.assert_array_equal(from_strokes(foreground=white, background=black), EXPECTED)
    np.testing.assert_array_equal(
        from_strokes(foreground=white.astype(float), background=Image.fromarray(black)), EXPECTED
    )


@pytest.mark.parametrize("colour", [0, 255])
def test_scribbles_without_one_colour_are_refused(photograph, colour):
    scribbles = photograph.copy()
    scribbles[3:5] = colour
    other = {0: "white", 255: "black"}[colour]
    with pytest.raises(ValueError, match=f"`scribbles` has no {other} stroke among 28 painted"):
        from_scribbles(scribbles, image=photograph)


def test_scribbles_of_another_size_are_refused(photograph):
    with pytest.raises(ValueError, match="`scribbles` is 10 × 14 and the image is 11 × 14"):
        from_scribbles(photograph[1:], image=photograph)


@pytest.mark.parametrize(
    ("foreground", "background", "fault", "message"),
    [
        (np.eye(5) > 0, np.eye(5) > 0, ValueError, "overlap in 5 pixels, the first in row 0, col"),
        (np.zeros((5, 5)), np.eye(5), ValueError, "`foreground` marks no pixel"),
        (np.eye(5), np.zeros((5, 5)), ValueError, "`background` marks no pixel"),
        (np.eye(5), np.eye(6), ValueError, r"shape \(5, 5\) and `background` \(6, 6\)"),
        (np.eye(5, dtype=int), np.eye(5), TypeError, "`foreground == label`"),
    ],
)
def test_nonsense_strokes_are_refused(foreground, background, fault, message):
    with pytest.raises(fault, match=message):
        from_strokes(foreground=foreground, background=background)


def test_scribbles_of_levin_are_the_constraints_of_their_matlab_code(shared):
    folder = shared / "closed_form_matlab" / "levin_exact"
    image, scribbles = (
        np.asarray(Image.open(folder / f"kid1{suffix}.bmp")) for suffix in ("", "_m")
    )
    constrained = np.abs(image / 255 - scribbles / 255).sum(axis=2) > 0.001
    trimap = from_scribbles(scribbles, image=image)
    np.testing.assert_array_equal(trimap != 128, constrained)
    np.testing.assert_array_equal(trimap[constrained], scribbles[constrained][:, 0])


def test_what_is_made_is_a_trimap(mask, soft):
    for trimap in (from_mask(mask, inner=2, outer=2), from_alpha(soft, outer=1)):
        assert as_trimap(trimap, shape=mask.shape).unknown.any()


@pytest.mark.parametrize("size", [1, 2, 7, 10, 61])
@pytest.mark.parametrize("shape", [(1, 40), (33, 2), (37, 50)])
def test_large_kernels_row_by_row_are_those_of_opencv(size, shape, monkeypatch):
    region = np.random.default_rng(71).random(shape) < 0.03
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    expected = cv2.dilate(region.astype(np.uint8), kernel, iterations=2) > 0
    monkeypatch.setattr("alphamat.trimap.widths.WHOLE", 0)
    assert np.array_equal(Ellipse(size, 2)(region), expected)


def test_iterations_end_where_nothing_grows():
    region = np.zeros((20, 30), bool)
    assert not Ellipse(3, iterations=2**31 - 1)(region).any()
    region[3, 4] = True
    assert Ellipse(3, iterations=2**31 - 1)(region).all()


def test_a_kernel_too_large_to_hold_is_refused():
    with pytest.raises(ValueError, match=r"`size` is 20001; expected at most 9,999\. For wide"):
        Ellipse(20001)
