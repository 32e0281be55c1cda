import lzma
import zlib
from io import BytesIO

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from alphamat.io.images import image_size, read_image, read_picture
from tests.alphamat.io.writers import profile, tags, tiff

ORDERS = ["<", ">"]
DTYPES = [np.uint8, np.uint16]


def ramp(shape, dtype):
    y, x, k = np.ogrid[: shape[0], : shape[1], : shape[2]]
    return ((3 * y + 5 * x + 7 * k) * (np.iinfo(dtype).max // 400)).astype(dtype)


def bits_of(dtype):
    return 8 * np.dtype(dtype).itemsize


def read(content):
    pixels = read_image(BytesIO(content))
    assert image_size(BytesIO(content)) == pixels.shape[:2]
    return pixels


def page(levels, photometric, order="<", **more):
    found = tags(levels.shape, bits_of(levels.dtype), photometric, **more)
    return found, [levels.astype(levels.dtype.newbyteorder(order)).tobytes()]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize(
    "how",
    [
        {},
        {"bigtiff": True},
        {"rowsperstrip": 4},
        {"tile": (16, 32)},
        {"tile": (16, 32), "compression": "lzma"},
        {"compression": "zlib", "predictor": True, "rowsperstrip": 1},
        {"compression": "zlib", "predictor": True, "tile": (32, 16)},
    ],
)
def test_strips_and_tiles_of_any_order_are_put_together(dtype, order, planar, channels, how):
    levels = ramp((37, 45, channels), dtype)
    stored = levels if planar == "contig" else np.moveaxis(levels, -1, 0)
    alpha = ["unassalpha"] * (channels == 4)
    options = {"photometric": "rgb", "planarconfig": planar, "extrasamples": alpha}
    file = BytesIO()
    tifffile.imwrite(file, stored, byteorder=order, **options, **how)
    pixels = read(file.getvalue())
    assert pixels.dtype == dtype
    np.testing.assert_array_equal(pixels, levels)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("packing", [1, 5, 8, 32773])
@pytest.mark.parametrize("predictor", [1, 2])
def test_reads_what_libtiff_packs(dtype, packing, predictor):
    levels = ramp((37, 45, 3), dtype)
    options = [cv2.IMWRITE_TIFF_COMPRESSION, packing, cv2.IMWRITE_TIFF_PREDICTOR, predictor]
    content = cv2.imencode(".tiff", levels[..., ::-1], options)[1].tobytes()
    np.testing.assert_array_equal(read(content), levels)


@pytest.mark.parametrize("packing", ["zstd", "lzma", "tiff_lzw"])
def test_reads_sixteen_bits_that_opencv_does_not(packing, capfd):
    levels, file = ramp((37, 45, 1), np.uint16)[..., 0], BytesIO()
    Image.fromarray(levels).save(file, "TIFF", compression=packing)
    np.testing.assert_array_equal(read(file.getvalue()), levels)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_white_may_be_zero(dtype, order):
    levels = ramp((11, 14, 1), dtype)
    pixels = read(tiff(page(levels, 0, order), order=order))
    np.testing.assert_array_equal(pixels, np.iinfo(dtype).max - levels[..., 0])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("photometric", "channels"), [(1, 2), (2, 4)])
def test_alpha_is_straight_also_where_colours_are_multiplied_by_it(dtype, photometric, channels):
    top = np.iinfo(dtype).max
    straight = np.random.default_rng(5).integers(0, top, (11, 14, channels), dtype, endpoint=True)
    straight[..., -1] = np.maximum(straight[..., -1], top // 8)
    shown = straight[..., [0, 0, 0, 1] if channels == 2 else [0, 1, 2, 3]]
    for extra in (2, 999):
        content = tiff(page(straight, photometric, t338=(3, extra)))
        np.testing.assert_array_equal(read(content), shown)
    multiplied = straight.astype(float)
    multiplied[..., :-1] = np.rint(multiplied[..., :-1] * multiplied[..., -1:] / top)
    pixels = read(tiff(page(multiplied.astype(dtype), photometric, t338=(3, 1))))
    np.testing.assert_array_equal(pixels[..., 3], shown[..., 3])
    off = np.abs(pixels.astype(float) - shown) * shown[..., 3:]
    assert off.max() <= top  # half a level, divided by alpha


@pytest.mark.parametrize("dtype", DTYPES)
def test_extra_samples_are_alpha_if_nobody_says_otherwise(dtype):
    levels = ramp((11, 14, 4), dtype)
    np.testing.assert_array_equal(read(tiff(page(levels, 2))), levels)
    other = read(tiff(page(levels, 2, t338=(3, 0))))
    np.testing.assert_array_equal(other, levels[..., :3])


def test_the_picture_is_read_and_not_its_thumbnail():
    small, large = ramp((4, 5, 3), np.uint8), ramp((11, 14, 3), np.uint8)
    mask = page(small[..., :1], 1, t254=(4, 4))
    pages = [page(small, 2, t254=(4, 1)), mask, page(large, 2, t254=(4, 0)), page(small, 2)]
    np.testing.assert_array_equal(read(tiff(*pages)), large)
    np.testing.assert_array_equal(read(tiff(page(small, 2, t255=(3, 2)), page(large, 2))), large)
    np.testing.assert_array_equal(read(tiff(pages[0])), small)


def test_so_is_a_picture_that_pillow_decodes():
    file, large = BytesIO(), Image.fromarray(ramp((11, 14, 3), np.uint8)).quantize(50)
    thumbnail = Image.new("P", (3, 2))
    thumbnail.save(
        file, "TIFF", save_all=True, append_images=[large], tiffinfo={254: 1}, compression="raw"
    )
    content = bytearray(file.getvalue())
    with tifffile.TiffFile(BytesIO(content)) as written:
        for page_, kind in zip(written.pages, (1, 0), strict=True):
            place = page_.tags[254].valueoffset
            content[place : place + 4] = kind.to_bytes(4, "little")
    np.testing.assert_array_equal(read(bytes(content)), np.asarray(large.convert("RGB")))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (page(ramp((9, 8, 1), np.uint8), 1, t339=(3, 2)), "8-bit signed.* 8 or 16 bits"),
        (page(ramp((9, 8, 1), np.uint16), 1, t339=(3, 2)), "16-bit signed.* 8 or 16 bits"),
        ((tags((4, 2, 1), 12, 1), [bytes(12)]), "12 bits.* 8 or 16 bits"),
        ((tags((4, 2, 1), 32, 1), [bytes(32)]), "32 bits.* 8 or 16 bits"),
        (page(ramp((9, 8, 4), np.uint16), 5), "CMYK of 16 bits"),
        (page(ramp((9, 8, 1), np.uint16), 3), "palette of 16 bits"),
        (page(ramp((9, 8, 3), np.uint8), 8), "CIELab of 8 bits"),
        (page(ramp((9, 8, 5), np.uint16), 1), "5 channels"),
        (page(ramp((9, 8, 1), np.uint16), 1, t259=(3, 34712)), "compression JPEG 2000"),
        (page(ramp((9, 8, 1), np.uint16), 1, t259=(3, 7)), "compression JPEG"),
        (page(ramp((9, 8, 1), np.uint16), 1, t259=(3, 8), t317=(3, 3)), "predictor 3"),
        (page(ramp((9, 8, 1), np.uint16), 32803), "camera raw, which has to be developed first"),
        (page(ramp((9, 8, 1), np.uint8), 1, t50706=(1, [1, 4, 0, 0])), "is DNG, camera raw"),
    ],
)
def test_what_is_not_read_is_named(content, message):
    for function in (read_image, image_size):
        if "predictor" in message and function is image_size:
            continue
        with pytest.raises(ValueError, match=f"the file given .*{message}"):
            function(BytesIO(tiff(content)))


def test_a_picture_below_its_thumbnail_is_refused():
    for meaning, message in ((32803, "is camera raw"), (2, "begins with a thumbnail")):
        small = page(ramp((4, 5, 3), np.uint8), 2, t254=(4, 1), t330=(4, 0))
        content = bytearray(tiff(small))
        other = bytearray(tiff(page(ramp((9, 8, 1), np.uint8), meaning)))
        place = int.from_bytes(other[4:8], "little")
        with tifffile.TiffFile(BytesIO(content)) as written:
            entry = written.pages[0].tags[330].valueoffset
        content[entry : entry + 4] = (len(content)).to_bytes(4, "little")
        content += other[place:]
        with pytest.raises(ValueError, match=message):
            read_image(BytesIO(bytes(content)))


@pytest.mark.parametrize("packing", [8, 34925])
def test_packed_pixels_have_to_be_whole(packing):
    levels = ramp((9, 8, 3), np.uint16)
    packed = {8: zlib.compress, 34925: lzma.compress}[packing](levels.tobytes())
    tags_ = page(levels, 2, t259=(3, packing))[0]
    np.testing.assert_array_equal(read(tiff((tags_, [packed]))), levels)
    for at in (-1, len(packed) // 2):
        damaged = bytearray(packed)
        damaged[at] ^= 16
        with pytest.raises(ValueError, match="damaged or cut short"):
            read_image(BytesIO(tiff((tags_, [bytes(damaged)]))))
    short = {8: zlib.compress, 34925: lzma.compress}[packing](levels[:-1].tobytes())
    with pytest.raises(ValueError, match="pixels cannot be unpacked"):
        read_image(BytesIO(tiff((tags_, [short]))))


@pytest.mark.parametrize("packing", ["tiff_lzw", "zstd", "packbits", "jpeg"])
def test_damage_is_told_once(packing, capfd):
    file = BytesIO()
    Image.fromarray(ramp((37, 45, 3), np.uint8)).save(file, "TIFF", compression=packing)
    whole, rng = np.frombuffer(file.getvalue(), np.uint8), np.random.default_rng(11)
    refused = 0
    for _ in range(30):
        damaged = whole.copy()
        damaged[rng.integers(8, len(whole) // 2, 9)] = rng.integers(0, 256, 9)
        try:
            read_image(BytesIO(damaged.tobytes()))
        except ValueError as fault:
            refused += str(fault).startswith("the file given")
    assert refused
    assert capfd.readouterr() == ("", "")


def test_directories_in_a_circle_end():
    content = bytearray(tiff(page(ramp((4, 5, 3), np.uint8), 2, t254=(4, 1))))
    content[-4:] = content[4:8]
    assert read(bytes(content)).shape == (4, 5, 3)


def test_a_profile_goes_along_with_the_picture():
    levels = ramp((11, 14, 3), np.uint16)
    found = read_picture(BytesIO(tiff(page(levels, 2, t34675=(1, list(profile()))))))
    assert found.profile == profile()
