"""The door for images and alphas: what is let in, as what, and what is refused with which words."""

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image, ImageOps

from alphamat.door.image import as_alpha, as_image, as_plane

FULL_SCALE = {np.uint8: 255, np.uint16: 65535}
REAL = [np.float16, np.float32, np.float64, np.longdouble]


def colours(*shape, seed=29):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def pictures(channels):
    """Strategy: arrays of every accepted dtype, of odd shapes, with the given last axes."""
    shapes = st.tuples(st.integers(1, 5), st.integers(1, 7), st.sampled_from(channels)).map(
        lambda shape: tuple(n for n in shape if n is not None)
    )
    whole = st.sampled_from(list(FULL_SCALE)).flatmap(lambda d: hnp.arrays(d, shapes))
    unit = st.sampled_from([np.float16, np.float32, np.float64]).flatmap(
        lambda d: hnp.arrays(d, shapes, elements=st.floats(0, 1, width=np.dtype(d).itemsize * 8))
    )
    return whole | unit


@given(pictures(channels=[None, 1, 3]))
def test_every_accepted_picture_becomes_float64_rgb(picture):
    rgb = as_image(picture)
    assert rgb.dtype == np.float64
    assert rgb.shape == (*picture.shape[:2], 3)
    assert rgb.flags.c_contiguous
    assert rgb.min() >= 0
    assert rgb.max() <= 1
    scale = FULL_SCALE.get(picture.dtype.type, 1)
    plain = picture[..., None] if picture.ndim == 2 else picture
    np.testing.assert_array_equal(rgb, np.broadcast_to(plain / np.float64(scale), rgb.shape))


@given(pictures(channels=[None, 1, 3]))
def test_parsing_twice_changes_nothing_and_copies_nothing(picture):
    once = as_image(picture)
    assert as_image(once) is once


@given(pictures(channels=[None, 1, 3]))
def test_the_argument_is_left_alone(picture):
    before = picture.copy()
    as_image(picture)
    np.testing.assert_array_equal(picture, before)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, *REAL])
def test_full_scale_is_one(dtype):
    full = FULL_SCALE.get(dtype, 1)
    assert (as_image(np.full((3, 4, 3), full, dtype)) == 1).all()
    assert (as_image(np.zeros((3, 4, 3), dtype)) == 0).all()


def test_byte_order_and_strides_do_not_matter():
    picture = colours(9, 11, 3).astype(np.uint16) * 257
    expected = as_image(picture)
    for same in (picture.astype(">u2"), np.asfortranarray(picture), picture[::-1][::-1]):
        np.testing.assert_array_equal(as_image(same), expected)
    np.testing.assert_array_equal(as_image(expected.astype(">f8")), expected)


def test_a_view_of_a_bigger_array_comes_out_contiguous():
    wide = as_image(colours(9, 11, 3))
    assert as_image(wide[:, ::2]).flags.c_contiguous


def test_takes_nested_lists():
    np.testing.assert_array_equal(
        as_image([[0.0, 0.5], [1.0, 0.25]])[..., 1], [[0, 0.5], [1, 0.25]]
    )


def test_an_opaque_fourth_channel_is_dropped():
    rgba = np.dstack([colours(5, 7, 3), np.full((5, 7), 255, np.uint8)])
    np.testing.assert_array_equal(as_image(rgba), rgba[..., :3] / 255)


def test_a_translucent_fourth_channel_is_refused():
    rgba = np.dstack([colours(5, 7, 3), np.full((5, 7), 255, np.uint8)])
    rgba[4, 6, 3] = 254
    with pytest.raises(ValueError, match=r"`image` has a fourth .* Pass `image\[\.\.\., :3\]`"):
        as_image(rgba)


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P", "1", "F", "I;16", "I;16B"])
def test_takes_pil_images(mode):
    gray = np.repeat(np.array([[0, 255, 0], [255, 255, 0]], np.uint8), 2, axis=0)
    if mode == "F":
        picture = Image.fromarray((gray / 255).astype(np.float32))
    elif mode.startswith("I;16"):
        wide = gray.astype(np.uint16) * 257
        order = ">u2" if mode == "I;16B" else "<u2"
        picture = Image.frombytes(mode, gray.shape[::-1], wide.astype(order).tobytes())
    else:
        picture = Image.fromarray(gray).convert(mode)
    assert picture.mode == mode
    np.testing.assert_array_equal(as_image(picture)[..., 0], gray / 255)


def test_palette_images_show_their_colours_and_not_their_indices():
    picture = Image.fromarray(colours(8, 9, 3) // 64 * 85).quantize(64)
    np.testing.assert_array_equal(as_image(picture), np.asarray(picture.convert("RGB")) / 255)


def test_palette_images_with_transparency_are_refused():
    picture = Image.new("P", (4, 3), 1)
    picture.putpalette([0, 0, 0, 255, 0, 0])
    picture.info["transparency"] = 1
    with pytest.raises(ValueError, match="fourth channel"):
        as_image(picture)


def test_what_is_transparent_in_a_pil_image_is_refused_however_it_is_stored():
    gray = Image.new("L", (4, 3), 7)
    gray.info["transparency"] = 7
    colours_ = Image.new("RGBA", (4, 3), (9, 9, 9, 100)).quantize(4)
    for picture in (gray, colours_):
        with pytest.raises(ValueError, match="fourth channel"):
            as_image(picture)
    deep = Image.new("I;16", (4, 3))
    deep.info["transparency"] = 7
    with pytest.raises(TypeError, match=r"one level is transparent; .* alphamat\.read_image"):
        as_image(deep)


def lying(orientation, format="PNG"):
    """Return a photograph as a camera that was turned writes it."""
    exif, file = Image.Exif(), io.BytesIO()
    exif[0x0112] = orientation
    Image.fromarray(colours(8, 9, 3)).save(file, format, exif=exif)
    return Image.open(file)


@pytest.mark.parametrize("orientation", range(2, 9))
def test_pil_images_that_are_not_upright_are_refused(orientation):
    with pytest.raises(ValueError, match=rf"orientation {orientation}, .*exif_transpose\(plate\)"):
        as_image(lying(orientation), name="plate")
    with pytest.raises(ValueError, match="orientation"):
        as_plane(lying(orientation).convert("L"), name="alpha")


def test_pil_images_that_are_upright_are_taken():
    for picture in (lying(1), ImageOps.exif_transpose(lying(6)), lying(6, "TIFF")):
        assert as_image(picture).shape == (*picture.size[::-1], 3)
    assert as_image(lying(6, "TIFF")).shape == (9, 8, 3)  # Pillow turns TIFFs


def test_pil_images_of_damaged_files_are_named():
    file = io.BytesIO()
    Image.fromarray(colours(80, 90, 3)).save(file, "PNG")
    with pytest.raises(ValueError, match="`image` is a PIL image whose file is damaged or cut"):
        as_image(Image.open(io.BytesIO(file.getvalue()[:2000])))


def test_deep_pil_images_keep_their_levels_if_converted_as_is_said():
    deep = Image.fromarray(np.full((4, 3), 30000, np.int32))
    with pytest.raises(TypeError, match=r"mode I; .*`numpy.asarray\(image\).astype\(numpy.uint"):
        as_image(deep)
    assert (as_image(np.asarray(deep).astype(np.uint16)) == 30000 / 65535).all()


def test_arrays_that_lie_in_a_file_are_arrays(tmp_path):
    np.save(tmp_path / "a.npy", colours(8, 9, 3))
    mapped = np.load(tmp_path / "a.npy", mmap_mode="r")
    np.testing.assert_array_equal(as_image(mapped), as_image(colours(8, 9, 3)))


@pytest.mark.parametrize("mode", ["CMYK", "YCbCr", "HSV", "LAB", "I", "LA"])
def test_pil_modes_of_another_meaning_are_refused(mode):
    with pytest.raises(
        TypeError, match=f"`image` is a PIL image in mode {mode}; expected .* [Cc]onvert"
    ):
        as_image(Image.new(mode, (4, 3)))


@pytest.mark.parametrize("dtype", [bool, np.int8, np.int32, np.int64, np.uint32, complex, object])
def test_other_dtypes_are_refused_by_name(dtype):
    with pytest.raises(TypeError, match=f"`image` has dtype {np.dtype(dtype)}; expected uint8"):
        as_image(np.zeros((4, 5, 3), dtype))


def test_what_is_no_array_is_refused():
    for nothing in (None, 5j, {"image": 1}):
        with pytest.raises(TypeError, match="`image` has dtype"):
            as_image(nothing)


def test_masked_values_are_refused():
    image = np.ma.masked_less(np.full((4, 5, 3), 0.5), 0.1)
    assert as_image(image).shape == (4, 5, 3)
    image[1, 2] = np.ma.masked
    with pytest.raises(TypeError, match="`image` is a masked array with 3 masked values"):
        as_image(image)


@pytest.mark.parametrize("shape", [(), (4,), (4, 5, 2), (4, 5, 5), (1, 4, 5, 3)])
@pytest.mark.parametrize("dtype", [np.uint8, np.float64])
def test_other_shapes_are_refused_by_size(shape, dtype):
    with pytest.raises(ValueError, match="`image` has shape") as refusal:
        as_image(np.zeros(shape, dtype))
    assert str(shape) in str(refusal.value)


@pytest.mark.parametrize("shape", [(0,), (0, 5, 3), (4, 0), (4, 5, 0)])
def test_empty_pictures_are_refused(shape):
    with pytest.raises(ValueError, match="`image` is empty"):
        as_image(np.zeros(shape))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_refused(value):
    picture = np.zeros((4, 5, 3))
    picture[3, 4, 2] = value
    with pytest.raises(ValueError, match="`image` contains NaN or infinite values"):
        as_image(picture)


@pytest.mark.parametrize(("low", "high"), [(0, 255), (-1, 1), (0, 1.0000001), (-1e-9, 0.5)])
def test_floats_outside_the_unit_range_are_refused_and_not_guessed_at(low, high):
    picture = np.zeros((4, 5, 3))
    picture[0, 0, 0], picture[3, 4, 2] = low, high
    with pytest.raises(ValueError, match=f"`image` has values from {low:g} to {high:g}; expected"):
        as_image(picture)


def test_errors_call_the_argument_what_the_caller_calls_it():
    with pytest.raises(ValueError, match="`background` is empty"):
        as_image(np.zeros((0, 3, 3)), name="background")


# ---- alpha


@given(pictures(channels=[None, 1]))
def test_every_accepted_alpha_becomes_a_float64_plane(picture):
    alpha = as_alpha(picture, shape=picture.shape[:2])
    assert alpha.dtype == np.float64
    assert alpha.flags.c_contiguous
    scale = FULL_SCALE.get(picture.dtype.type, 1)
    np.testing.assert_array_equal(alpha, picture.reshape(alpha.shape) / np.float64(scale))


def test_alpha_stored_as_colour_is_taken_where_its_channels_agree():
    plane = colours(5, 7)
    alpha = as_alpha(np.dstack([plane] * 3), shape=(5, 7))
    np.testing.assert_array_equal(alpha, plane / 255)
    opaque = np.dstack([plane] * 3 + [np.full_like(plane, 255)])
    np.testing.assert_array_equal(as_alpha(opaque, shape=(5, 7)), alpha)


def test_alpha_in_colour_is_refused():
    with pytest.raises(ValueError, match="`alpha` has colours; expected one gray channel"):
        as_alpha(colours(5, 7, 3), shape=(5, 7))


@pytest.mark.parametrize("shape", [(7, 5), (5, 8), (1, 1)])
def test_alpha_of_another_size_is_refused_with_both_sizes(shape):
    with pytest.raises(ValueError, match=rf"`alpha` is {shape[0]} × {shape[1]} .* 5 × 7"):
        as_alpha(np.zeros(shape), shape=(5, 7))


@pytest.mark.parametrize("shape", [(5,), (5, 7, 2), (1, 5, 7, 3)])
def test_alpha_of_another_form_is_refused(shape):
    with pytest.raises(ValueError, match="`alpha` has shape"):
        as_alpha(np.zeros(shape), shape=(5, 7))


def test_a_mask_is_no_alpha_and_the_error_says_what_to_do():
    with pytest.raises(TypeError, match=r"`alpha` has dtype bool; .* `alpha\.astype\(float\)`"):
        as_alpha(np.ones((5, 7), bool), shape=(5, 7))


# ---- planes


@given(pictures(channels=[None, 1]))
def test_a_plane_is_parsed_once_whatever_its_form(picture):
    plane = as_plane(picture, name="trimap")
    assert plane.dtype == np.float64
    assert plane.flags.c_contiguous
    assert plane.flags.writeable
    assert as_plane(plane, name="trimap") is plane
    np.testing.assert_array_equal(plane, as_alpha(picture, shape=picture.shape[:2]))


def test_a_plane_in_equal_opaque_colours_of_any_depth_is_gray():
    gray = colours(5, 7)
    opaque = np.dstack([gray] * 3 + [np.full_like(gray, 255)])
    for form in (opaque, opaque.astype(np.uint16) * 257, opaque / 255, Image.fromarray(opaque)):
        np.testing.assert_array_equal(as_plane(form, name="alpha"), gray / 255)
    read_only = gray / 255
    read_only.setflags(write=False)
    assert as_plane(read_only, name="alpha").flags.writeable


@pytest.mark.parametrize(
    ("pixels", "error", "message"),
    [
        (colours(5, 7, 3), ValueError, "`given` has colours"),
        (np.zeros(5), ValueError, r"`given` has shape \(5,\)"),
        (np.full((5, 7), 2.0), ValueError, "`given` has values from 2 to 2"),
        (np.full((5, 7, 4), 0.5), ValueError, "`given` has a fourth channel"),
        (np.ones((5, 7), bool), TypeError, "`given` has dtype bool"),
    ],
)
def test_what_is_no_plane_is_refused_by_its_name(pixels, error, message):
    with pytest.raises(error, match=message):
        as_plane(pixels, name="given")


@pytest.mark.parametrize("path", ["photo.png", Path("photo.png")])
def test_a_path_is_refused_with_the_way_to_read_it(path):
    with pytest.raises(TypeError, match=r"`image` is the path 'photo\.png'.*read_image"):
        as_image(path)


class Raising:
    """What stands for an array, and cannot become one."""

    def __array__(self, *_, **__):
        raise RuntimeError("call detach() first")


@pytest.mark.parametrize(
    ("values", "fault"), [([[1, 2], [3]], "inhomogeneous"), (Raising(), "call detach")]
)
def test_what_cannot_become_an_array_is_refused_by_name(values, fault):
    with pytest.raises(TypeError, match=f"`plate` is a .* that NumPy cannot turn.*{fault}"):
        as_image(values, name="plate")
