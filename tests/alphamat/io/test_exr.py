"""EXR files, written by OpenEXR's own library, and read back bit by bit."""

from io import BytesIO

import numpy as np
import pytest

from alphamat.door import decode_srgb, encode_srgb
from alphamat.io import Light, image_size, read_image, read_picture, write_image
from tests.alphamat.io.writers import refusal

OpenEXR = pytest.importorskip("OpenEXR")

ACES = (0.7347, 0.2653, 0.0, 1.0, 0.0001, -0.077, 0.32168, 0.33767)


def light(shape=(11, 14, 3), dtype=np.float16, seed=3):
    return np.random.default_rng(seed).normal(0.5, 2, shape).astype(dtype)


def planes(values, names="RGBA", prefix=""):
    shown = zip(names, np.moveaxis(values, 2, 0), strict=False)
    return {prefix + name: np.ascontiguousarray(plane) for name, plane in shown}


def exr(*parts, **header):
    """Return an EXR file of parts (name, channels), or of one part's channels."""
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage} | header
    file = BytesIO()
    if isinstance(parts[0], dict):
        OpenEXR.File(header, parts[0]).write(file)
    else:
        made = [OpenEXR.Part(dict(header), channels, name) for name, channels in parts]
        OpenEXR.File(made).write(file)
    return file.getvalue()


def windows(display, data):
    """Return the header's windows, each (left, top, right, bottom), inclusive."""
    corners = {"displayWindow": display, "dataWindow": data}
    return {
        name: (np.array(box[:2], np.int32), np.array(box[2:], np.int32))
        for name, box in corners.items()
    }


@pytest.mark.parametrize(("bits", "dtype"), [("half", np.float16), ("float", np.float32)])
@pytest.mark.parametrize("shape", [(11, 14), (11, 14, 3), (1, 1), (1, 1, 3)])
def test_reads_back_each_bit_that_it_wrote(tmp_path, bits, dtype, shape):
    values = light(shape, dtype)
    write_image(tmp_path / "a.exr", values, bits=bits)
    picture = read_picture(tmp_path / "a.exr")
    assert picture.pixels.dtype == dtype
    assert picture.light == Light()
    np.testing.assert_array_equal(picture.pixels, values)
    assert image_size(tmp_path / "a.exr") == shape[:2]


@pytest.mark.parametrize("shape", [(11, 14), (11, 14, 3)])
def test_the_library_reads_what_it_wrote(tmp_path, shape):
    values = light(shape)
    write_image(tmp_path / "a.exr", values, light=Light(ACES, 2.0))
    file = OpenEXR.File(str(tmp_path / "a.exr"), separate_channels=True)
    names = ["Y"] if len(shape) == 2 else list("RGB")
    for at, name in enumerate(names):
        plane = values if len(shape) == 2 else values[..., at]
        np.testing.assert_array_equal(file.channels()[name].pixels, plane)
    assert file.header()["pixelAspectRatio"] == 2
    np.testing.assert_allclose(file.header()["chromaticities"], ACES, rtol=1e-6)
    back = read_picture(tmp_path / "a.exr").light
    np.testing.assert_allclose(back.chromaticities, ACES, atol=1e-6)
    assert back.pixel_aspect == 2


def test_colours_are_multiplied_by_alpha_in_the_file_and_straight_outside(tmp_path):
    alpha = np.linspace(0, 1, 154).reshape(11, 14).astype(np.float32)
    straight = np.dstack([light(dtype=np.float32), alpha])
    write_image(tmp_path / "a.exr", straight, bits="float")
    file = OpenEXR.File(str(tmp_path / "a.exr"), separate_channels=True)
    channels = {name: channel.pixels for name, channel in file.channels().items()}
    for at, name in enumerate("RGB"):
        np.testing.assert_allclose(channels[name], alpha * straight[..., at], rtol=1e-6)
    np.testing.assert_array_equal(channels["A"], alpha)
    back = read_picture(tmp_path / "a.exr").pixels
    np.testing.assert_allclose(back[alpha > 0], straight[alpha > 0], rtol=1e-6)
    assert not back[alpha == 0].any()


def test_read_image_gives_what_srgb_shows_and_single_channels_as_they_are(tmp_path):
    values = light()
    write_image(tmp_path / "a.exr", values)
    expected = encode_srgb(values.astype(np.float64))
    np.testing.assert_allclose(read_image(tmp_path / "a.exr"), expected, atol=1e-6)
    alpha = np.linspace(0, 1, 154).reshape(11, 14).astype(np.float16)
    write_image(tmp_path / "b.exr", alpha)
    np.testing.assert_array_equal(read_image(tmp_path / "b.exr"), alpha)


@pytest.mark.parametrize(
    "data", [(3, 2, 9, 6), (-4, -3, 20, 18), (5, -2, 30, 4), (-9, 4, 2, 30), (20, 20, 24, 25)]
)
def test_the_data_window_is_placed_in_the_display_window(data):
    display = (0, 0, 13, 10)
    left, top, right, bottom = data
    values = light((bottom - top + 1, right - left + 1, 3))
    expected = np.zeros((11, 14, 3), np.float16)
    for y in range(11):
        for x in range(14):
            if top <= y <= bottom and left <= x <= right:
                expected[y, x] = values[y - top, x - left]
    whole = BytesIO(exr(planes(values), **windows(display, data)))
    np.testing.assert_array_equal(read_picture(whole).pixels, expected)
    assert image_size(whole) == (11, 14)


def test_the_display_window_may_begin_anywhere():
    values = light()
    place = (100, -50, 113, -40)
    whole = BytesIO(exr(planes(values), **windows(place, place)))
    np.testing.assert_array_equal(read_picture(whole).pixels, values)


def test_layers_are_chosen_by_name():
    one, two, three = (light(seed=seed) for seed in (1, 2, 3))
    mask = light((11, 14, 1), np.float32)
    channels = planes(one) | planes(two, prefix="diffuse.") | planes(three, prefix="a.b.")
    whole = BytesIO(exr(channels | planes(mask, "M", "mask.")))
    for layer, values in ((None, one), ("diffuse", two), ("a.b", three), ("mask.M", mask[..., 0])):
        np.testing.assert_array_equal(read_picture(whole, layer=layer).pixels, values)
    with pytest.raises(ValueError, match=r"has no layer 'x'; it has a\.b, diffuse"):
        read_picture(whole, layer="x")


def test_the_only_layer_needs_no_name_and_several_do():
    one, two = light(seed=1), light(seed=2)
    whole = BytesIO(exr(planes(one, prefix="beauty.")))
    np.testing.assert_array_equal(read_picture(whole).pixels, one)
    whole = BytesIO(exr(planes(one, prefix="beauty.") | planes(two, prefix="sky.")))
    with pytest.raises(ValueError, match="several layers, beauty, sky; name one with `layer`"):
        read_picture(whole)


def test_of_several_parts_the_first_is_read_or_one_by_name():
    one, two = light(seed=1), light(seed=2)
    whole = BytesIO(exr(("beauty", planes(one)), ("sky", planes(two))))
    for layer, values in ((None, one), ("beauty", one), ("sky", two)):
        np.testing.assert_array_equal(read_picture(whole, layer=layer).pixels, values)


@pytest.mark.parametrize("names", ["Y", "A", "YA"])
def test_gray_and_alpha_alone_are_read(names):
    values = np.abs(light((11, 14, len(names)), np.float32)).clip(0.1, 1)
    pixels = read_picture(BytesIO(exr(planes(values, names)))).pixels
    if names == "YA":
        straight = values[..., 0] / values[..., 1]
        np.testing.assert_allclose(pixels[..., 0], straight, rtol=1e-6)
        np.testing.assert_array_equal(pixels[..., 3], values[..., 1])
    else:
        np.testing.assert_array_equal(pixels, values[..., 0])


@pytest.mark.parametrize("name", ["NO", "RLE", "ZIPS", "PIZ", "PXR24"])
def test_every_lossless_compression_is_read(name):
    compression = getattr(OpenEXR, f"{name}_COMPRESSION")
    whole = BytesIO(exr(planes(light()), compression=compression))
    np.testing.assert_array_equal(read_picture(whole).pixels, light())


def test_tiles_are_read():
    tiles = {"type": OpenEXR.tiledimage, "tiles": OpenEXR.TileDescription()}
    whole = BytesIO(exr(planes(light((61, 74, 3))), **tiles))
    np.testing.assert_array_equal(read_picture(whole).pixels, light((61, 74, 3)))


def test_other_primaries_are_brought_to_srgb():
    # White is white, and a colour of ACES within sRGB has larger coordinates there.
    values = np.array([[[0.5, 0.5, 0.5], [0.4, 0.3, 0.3]]], np.float32)
    whole = BytesIO(exr(planes(values), chromaticities=ACES))
    white, red = decode_srgb(read_image(whole).astype(np.float64))[0]
    np.testing.assert_allclose(white, 0.5, atol=1e-3)
    assert red[0] > 0.45
    assert red[1] < 0.3


@pytest.mark.parametrize(
    ("channels", "message"),
    [
        ({"R": np.full((3, 4), np.nan, "f4")} | planes(light((3, 4, 2)), "GB"), "12 pixels .* NaN"),
        (planes(light((3, 4, 1)), "Z"), "no R, G and B, Y or A, only Z"),
        (planes(np.ones((3, 4, 3), np.uint32)), "whole numbers in R, G, B"),
    ],
)
def test_what_is_no_picture_is_refused(tmp_path, channels, message):
    (tmp_path / "a.exr").write_bytes(exr(channels))
    with pytest.raises(ValueError, match=rf"a\.exr .*{message}"):
        read_picture(tmp_path / "a.exr")


def test_a_layer_of_other_files_is_refused(tmp_path):
    write_image(tmp_path / "a.png", np.ones((3, 4)))
    with pytest.raises(ValueError, match=r"a\.png is PNG, which has no layers"):
        read_image(tmp_path / "a.png", layer="beauty")


@pytest.mark.parametrize(
    ("values", "options", "kind", "message"),
    [
        (np.full((3, 4, 3), 1e5), {}, ValueError, "up to 100000, and half holds at most 65504"),
        (np.full((3, 4), np.inf), {}, ValueError, "NaN or infinite"),
        (np.ones((3, 4, 3), np.uint8), {}, TypeError, "dtype uint8; expected floating point, sc"),
        (np.ones((3, 4)), {"bits": 16}, ValueError, "`bits` is 16; expected half or float for EXR"),
        (np.ones((3, 4)), {"profile": b"x"}, ValueError, "`profile` is given, and EXR has none"),
    ],
)
def test_what_exr_cannot_hold_is_refused(tmp_path, values, options, kind, message):
    with pytest.raises(kind, match=message):
        write_image(tmp_path / "a.exr", values, **options)
    assert not list(tmp_path.iterdir())


def test_damage_gives_one_error_that_names_the_file_and_prints_nothing(tmp_path, capfd):
    whole = np.frombuffer(exr(planes(light((61, 74, 3)))), np.uint8)
    rng = np.random.default_rng(41)
    path, refused = tmp_path / "damaged.exr", 0
    for at in range(60):
        damaged = whole.copy()
        damaged[rng.integers(4, len(whole) if at % 2 else 400, 3)] = rng.integers(0, 256, 3)
        path.write_bytes(damaged.tobytes() if at % 3 else whole[: rng.integers(len(whole))])
        message = refusal(path)
        refused += message is not None
        assert message is None or message.startswith(str(path))
    assert refused > 30
    assert capfd.readouterr() == ("", "")


def test_a_missing_library_is_named(tmp_path, monkeypatch):
    write_image(tmp_path / "a.exr", light())
    monkeypatch.setitem(__import__("sys").modules, "OpenEXR", None)
    with pytest.raises(ImportError, match=r"a\.exr: EXR files .*alphamat\[exr\]"):
        read_image(tmp_path / "a.exr")
    with pytest.raises(ImportError, match=r"alphamat\[exr\]"):
        write_image(tmp_path / "b.exr", light())
