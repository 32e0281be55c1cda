"""TIFF files of half and float."""

from io import BytesIO

import numpy as np
import pytest
import tifffile

from alphamat.io import read_image, read_picture, write_image
from tests.alphamat.io.writers import tags, tiff

DTYPES = [("half", np.float16), ("float", np.float32)]


def values(shape, dtype):
    return np.random.default_rng(9).random(shape).astype(dtype)


@pytest.mark.parametrize(("bits", "dtype"), DTYPES)
@pytest.mark.parametrize("shape", [(11, 14), (11, 14, 3), (11, 14, 4), (1, 1, 3)])
def test_reads_back_each_bit_that_it_wrote(tmp_path, bits, dtype, shape):
    pixels = values(shape, dtype)
    write_image(tmp_path / "a.tif", pixels, bits=bits)
    back = read_picture(tmp_path / "a.tif").pixels
    assert back.dtype == dtype
    np.testing.assert_array_equal(back, pixels)
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "a.tif"), pixels)


@pytest.mark.parametrize(("bits", "dtype"), DTYPES)
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("options", [{}, {"compression": "zlib"}, {"tile": (16, 16)}])
def test_reads_files_of_tifffile(bits, dtype, order, options):
    pixels, file = values((37, 45, 3), dtype), BytesIO()
    tifffile.imwrite(file, pixels, photometric="rgb", byteorder=order, **options)
    np.testing.assert_array_equal(read_picture(file).pixels, pixels)


@pytest.mark.parametrize(("bits", "dtype"), DTYPES)
@pytest.mark.parametrize("samples", [1, 3])
@pytest.mark.parametrize("order", ["<", ">"])
def test_the_predictor_of_floating_point_is_undone(bits, dtype, samples, order):
    import zlib

    # "TIFF Technical Note 3": of each row the highest bytes of all samples come first.
    pixels = values((5, 7, samples), dtype)
    size = pixels.itemsize
    rows = []
    for row in pixels.astype(f">f{size}"):
        bytes_ = np.frombuffer(row.tobytes(), np.uint8).reshape(-1, size).T.reshape(-1)
        before = np.concatenate([np.zeros(samples, np.uint8), bytes_[:-samples]])
        rows.append((bytes_ - before).astype(np.uint8).tobytes())
    more = {"t259": (3, 8), "t317": (3, 3), "t339": (3, [3] * samples)}
    page = tags(pixels.shape, 8 * size, 2 if samples == 3 else 1, **more)
    back = read_picture(BytesIO(tiff((page, [zlib.compress(b"".join(rows))]), order=order))).pixels
    np.testing.assert_array_equal(back.reshape(pixels.shape), pixels)


@pytest.mark.parametrize(
    ("odd", "message"),
    [(-0.25, "values from -0.25 to 0.5; .* save it as EXR"), (3, "from 0.5 to 3"), (np.nan, "NaN")],
)
def test_values_beyond_the_range_are_refused_with_what_to_do(tmp_path, odd, message):
    pixels = np.full((11, 14, 3), 0.5, np.float32)
    pixels[3, 4, 1] = odd
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="rgb")
    with pytest.raises(ValueError, match=rf"a\.tif has .*{message}"):
        read_image(tmp_path / "a.tif")


@pytest.mark.parametrize("bits", ["half", "float"])
def test_other_formats_have_no_floating_point(tmp_path, bits):
    with pytest.raises(ValueError, match=f"`bits` is '{bits}'; expected 8 or 16 for PNG"):
        write_image(tmp_path / "a.png", np.ones((3, 4)), bits=bits)
