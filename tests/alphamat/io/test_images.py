import io
import os
import signal
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image

from alphamat.io.images import image_size, read_image, read_picture, write_image
from tests.alphamat.io.writers import png, profile

SHAPES = [(11, 14), (11, 14, 3), (11, 14, 4)]


def noise(shape, dtype=np.uint8, seed=271):
    limit = np.iinfo(dtype).max
    return np.random.default_rng(seed).integers(0, limit, shape, dtype=dtype, endpoint=True)


def is_left_alone(folder, names):
    return sorted(entry.name for entry in folder.iterdir()) == sorted(names)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("ending", ["png", "tif", "tiff", "PNG"])
def test_reads_back_what_it_wrote(tmp_path, shape, bits, ending):
    pixels = noise(shape, np.dtype(f"uint{bits}"))
    write_image(tmp_path / f"a.{ending}", pixels / np.iinfo(pixels.dtype).max, bits=bits)
    back = read_image(tmp_path / f"a.{ending}")
    assert back.dtype == pixels.dtype
    np.testing.assert_array_equal(back, pixels)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("ending", ["png", "tiff"])
def test_others_read_what_it_wrote(tmp_path, shape, ending):
    pixels = noise(shape)
    write_image(tmp_path / f"a.{ending}", pixels)
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / f"a.{ending}")), pixels)


@pytest.mark.parametrize("bits", [8, 16])
def test_rounds_to_the_nearest_level(tmp_path, bits):
    pixels = np.array([[0, 0.49, 0.51, 127.4, 127.6, 254.4, 254.6]]) / (2**bits - 1)
    write_image(tmp_path / "a.png", pixels, bits=bits)
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), [[0, 0, 1, 127, 128, 254, 255]])


@pytest.mark.parametrize("shape", SHAPES[1:])
@pytest.mark.parametrize("format", ["PNG", "TIFF", "WEBP"])
def test_reads_lossless_files_of_pillow(tmp_path, shape, format):
    pixels = noise(shape)
    if shape[-1] == 4:
        pixels[..., 3] |= 1  # WebP forgets the colour of what cannot be seen at all
    Image.fromarray(pixels).save(tmp_path / "a", format, lossless=True)
    np.testing.assert_array_equal(read_image(tmp_path / "a"), pixels)


def test_reads_jpeg_gray_and_colour(tmp_path):
    ramp = np.repeat(np.linspace(0, 255, 16, dtype=np.uint8)[None], 11, axis=0)
    Image.fromarray(ramp).save(tmp_path / "gray.jpg", quality=95)
    Image.fromarray(ramp).convert("CMYK").save(tmp_path / "ink.jpg", quality=95)
    assert np.abs(read_image(tmp_path / "gray.jpg").astype(int) - ramp).max() < 8
    ink = read_image(tmp_path / "ink.jpg").astype(int)
    assert ink.shape == (11, 16, 3)
    assert np.abs(ink - ramp[..., None]).max() < 8


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("shape", SHAPES[:2])
def test_reads_sixteen_bit_tiffs_of_either_byte_order(tmp_path, shape, order):
    pixels = noise(shape, np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", pixels, byteorder=order)
    back = read_image(tmp_path / "a.tif")
    assert back.dtype == np.uint16
    np.testing.assert_array_equal(back, pixels)


def test_a_palette_stands_for_its_colours(tmp_path):
    indices = noise((11, 14)) % 3
    palette = np.array([[0, 0, 0], [128, 128, 128], [255, 255, 255]], np.uint8)
    image = Image.fromarray(indices, "L")
    image = Image.frombytes("P", image.size, image.tobytes())
    image.putpalette(palette.tobytes())
    image.save(tmp_path / "opaque.png")
    image.save(tmp_path / "clear.png", transparency=0)
    np.testing.assert_array_equal(read_image(tmp_path / "opaque.png"), palette[indices])
    clear = read_image(tmp_path / "clear.png")
    np.testing.assert_array_equal(clear[..., :3], palette[indices])
    np.testing.assert_array_equal(clear[..., 3], np.where(indices == 0, 0, 255))


def test_bilevel_is_black_and_white(tmp_path):
    mask = noise((11, 14)) > 127
    Image.fromarray(mask).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), np.where(mask, 255, 0))


def test_sixteen_bit_gray_with_alpha_keeps_its_bits(tmp_path):
    pixels = noise((11, 14, 2), np.uint16)
    (tmp_path / "a.png").write_bytes(png(pixels, 16))
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), pixels[..., [0, 0, 0, 1]])


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["PNG", "TIFF", "WEBP"])
def test_orientation_is_honoured(tmp_path, orientation, format):
    pixels = noise((11, 14, 3))
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(pixels).save(tmp_path / "a", format, exif=exif, lossless=True)
    np.testing.assert_array_equal(read_image(tmp_path / "a"), upright(pixels, orientation))
    assert image_size(tmp_path / "a") == upright(pixels, orientation).shape[:2]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("shape", SHAPES[:2])
def test_orientation_of_sixteen_bit_tiffs_is_honoured(tmp_path, orientation, shape):
    pixels = noise(shape, np.uint16)
    tag = (0x0112, "H", 1, orientation, True)
    photometric = "rgb" if len(shape) == 3 else "minisblack"
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric=photometric, extratags=[tag])
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif"), upright(pixels, orientation))
    assert image_size(tmp_path / "a.tif") == upright(pixels, orientation).shape[:2]


def test_orientation_of_sixteen_bit_pngs_is_honoured(tmp_path):
    pixels = noise((11, 14, 3), np.uint16)
    write_image(tmp_path / "a.png", pixels, bits=16)
    exif = Image.Exif()
    exif[0x0112] = 6
    body = exif.tobytes()[6:]
    chunk = b"eXIf" + body
    chunk = struct.pack(">I", len(body)) + chunk + struct.pack(">I", zlib.crc32(chunk))
    png = (tmp_path / "a.png").read_bytes()
    (tmp_path / "a.png").write_bytes(png[:33] + chunk + png[33:])  # behind IHDR
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), upright(pixels, 6))


def upright(pixels, orientation):
    """Turn by where EXIF says that row 0 and column 0 of the stored image are to be seen."""
    row, column = {
        1: ("top", "left"),
        2: ("top", "right"),
        3: ("bottom", "right"),
        4: ("bottom", "left"),
        5: ("left", "top"),
        6: ("right", "top"),
        7: ("right", "bottom"),
        8: ("left", "bottom"),
    }[orientation]
    if row in ("left", "right"):
        pixels = pixels.swapaxes(0, 1)
    if "bottom" in (row, column):
        pixels = pixels[::-1]
    if "right" in (row, column):
        pixels = pixels[:, ::-1]
    return pixels


def sample(format, folder):
    pixels = noise((61, 74, 3))
    if format == "PNG16":
        write_image(folder / "whole.png", noise((61, 74, 3), np.uint16), bits=16)
        return (folder / "whole.png").read_bytes()
    if format == "TIFF16":
        write_image(folder / "whole.tif", noise((61, 74, 3), np.uint16), bits=16)
        return (folder / "whole.tif").read_bytes()
    Image.fromarray(pixels).save(folder / "whole", format)
    return (folder / "whole").read_bytes()


@pytest.mark.parametrize("part", [0, 0.002, 0.02, 0.3, 0.7, 0.99])
@pytest.mark.parametrize("format", ["PNG", "JPEG", "TIFF", "WEBP", "PNG16", "TIFF16"])
def test_a_file_cut_short_is_refused_by_name(tmp_path, format, part):
    whole = sample(format, tmp_path)
    path = tmp_path / "short.png"
    path.write_bytes(whole[: int(part * len(whole))])
    with pytest.raises(ValueError, match=r"short\.png .*(whole PNG, JPEG|damaged or cut short)"):
        read_image(path)


@pytest.mark.parametrize("format", ["PNG", "JPEG", "TIFF", "WEBP", "PNG16", "TIFF16"])
def test_damage_gives_pixels_or_one_kind_of_error(tmp_path, format):
    whole = np.frombuffer(sample(format, tmp_path), np.uint8)
    rng = np.random.default_rng(31)
    path = tmp_path / "damaged"
    for _ in range(40):
        damaged = whole.copy()
        where = rng.integers(0, min(len(whole), 400), 3)
        damaged[where] = rng.integers(0, 256, 3)
        path.write_bytes(damaged.tobytes())
        try:
            message = f"{path} was read: {read_image(path).dtype}"
        except ValueError as error:
            message = str(error)
        assert message.startswith(str(path))


def test_other_files_are_refused_with_what_is_accepted(tmp_path):
    (tmp_path / "notes.png").write_text("not an image")
    with pytest.raises(
        ValueError, match=r"notes\.png \(12 bytes\) is not .* PNG, JPEG, TIFF, WebP"
    ):
        read_image(tmp_path / "notes.png")
    Image.fromarray(noise((11, 14, 3))).save(tmp_path / "a.gif")
    with pytest.raises(ValueError, match="PNG, JPEG, TIFF, WebP, AVIF, HEIC or EXR"):
        read_image(tmp_path / "a.gif")


def test_missing_files_and_folders_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere\.png does not exist"):
        read_image(tmp_path / "nowhere.png")
    with pytest.raises(IsADirectoryError, match="is a folder"):
        read_image(tmp_path)


@pytest.mark.parametrize("dtype", [np.float64, np.int32, np.uint32, np.int16])
def test_samples_of_other_kinds_are_refused(tmp_path, dtype):
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((11, 14), dtype))
    with pytest.raises(ValueError, match=r"a\.tif has samples in a form .* 8 or 16 bits"):
        read_image(tmp_path / "a.tif")


def png_of_size(width, height):
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    idat = struct.pack(">I", 0) + b"IDAT" + struct.pack(">I", zlib.crc32(b"IDAT"))
    return b"\x89PNG\r\n\x1a\n" + chunk + idat


def test_images_beyond_memory_are_refused_before_decoding(tmp_path, monkeypatch):
    (tmp_path / "a.png").write_bytes(png_of_size(9000, 8000))
    monkeypatch.setattr("alphamat.memory.physical", lambda: 2.0**30)
    with pytest.raises(MemoryError, match=r"a\.png, 8000 × 9000 .* 2\.1 GiB, .* has 1\.0 GiB"):
        read_image(tmp_path / "a.png")


def test_decompression_bombs_are_refused(tmp_path):
    (tmp_path / "a.png").write_bytes(png_of_size(60_000, 60_000))
    with pytest.raises(ValueError, match=r"a\.png has more than .* pixels"):
        read_image(tmp_path / "a.png")


def test_images_beyond_a_limit_are_refused_before_decoding(tmp_path):
    (tmp_path / "a.png").write_bytes(png_of_size(90, 80))  # without any pixels
    expected = r"a\.png has 80 × 90 pixels .*; expected at most 7,199\."
    with pytest.raises(ValueError, match=expected):
        read_image(tmp_path / "a.png", limit=7199)
    write_image(tmp_path / "b.png", np.ones((80, 90)))
    assert read_image(tmp_path / "b.png", limit=np.int64(7200)).shape == (80, 90)
    with pytest.raises(ValueError, match="`limit` is 0"):
        read_image(tmp_path / "b.png", limit=0)


def test_large_images_within_memory_raise_no_warning(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    picture = np.random.default_rng(6).integers(0, 256, (11, 14), dtype=np.uint8)
    write_image(tmp_path / "a.png", picture)
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), picture)


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "TIFF", "PNG16", "TIFF16"])
def test_what_was_lowered_is_heeded_by_every_format(tmp_path, monkeypatch, format):
    (tmp_path / "a").write_bytes(sample(format, tmp_path))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 61 * 74 // 2 - 1)
    for function in (read_image, image_size):
        with pytest.raises(ValueError, match=r"a has more than 4,512 pixels"):
            function(tmp_path / "a")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    assert read_image(tmp_path / "a").shape[:2] == image_size(tmp_path / "a") == (61, 74)


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "TIFF"])
def test_a_profile_is_read_with_the_picture(tmp_path, format):
    Image.fromarray(noise((11, 14, 3))).save(tmp_path / "a", format, icc_profile=profile())
    picture = read_picture(tmp_path / "a")
    assert picture.profile == profile()
    np.testing.assert_array_equal(picture.pixels, read_image(tmp_path / "a"))


def test_a_profile_for_other_channels_is_dropped(tmp_path):
    ink = Image.fromarray(noise((11, 14, 3))).convert("CMYK")
    for name, picture, colours in (
        ("ink.jpg", ink, profile(b"CMYK")),
        ("gray.png", Image.fromarray(noise((11, 14))), profile()),
        ("damaged.png", Image.fromarray(noise((11, 14, 3))), b"x" * 200),
    ):
        picture.save(tmp_path / name, icc_profile=colours)
        assert read_picture(tmp_path / name).profile is None


@pytest.mark.parametrize("ending", ["png", "tif"])
def test_a_profile_is_written_with_the_picture(tmp_path, ending):
    for pixels, colours in ((noise((11, 14)), profile(b"GRAY")), (noise((11, 14, 4)), profile())):
        write_image(tmp_path / f"a.{ending}", pixels, profile=colours)
        assert read_picture(tmp_path / f"a.{ending}").profile == colours
        with Image.open(tmp_path / f"a.{ending}") as opened:
            assert opened.info["icc_profile"] == colours
    with pytest.raises(ValueError, match="`profile` is no ICC profile for gray"):
        write_image(tmp_path / f"a.{ending}", noise((11, 14)), profile=profile())


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("format", ["png", "tiff"])
def test_open_files_are_written_and_read(tmp_path, format, bits):
    pixels, memory = noise((11, 14, 3), np.dtype(f"uint{bits}")), io.BytesIO()
    write_image(memory, pixels, bits=bits, format=format)
    with open(tmp_path / "a", "w+b") as file:
        write_image(file, pixels, bits=bits, format=format)
        for source in (memory, file):
            np.testing.assert_array_equal(read_image(source), pixels)
            assert image_size(source) == (11, 14)


@pytest.mark.parametrize(
    ("path", "format", "kind", "message"),
    [
        ("a.png", "png", ValueError, "the ending of a path decides"),
        (io.BytesIO(), None, ValueError, "`format` is None; expected 'png' or 'tiff'"),
        (io.BytesIO(), "jpeg", ValueError, "`format` is 'jpeg'; expected 'png' or 'tiff'"),
        (noise((11, 14)), None, TypeError, "`path` is a ndarray; expected a path, or a file"),
    ],
)
def test_where_to_write_is_a_path_or_a_file_with_a_format(path, format, kind, message):
    with pytest.raises(kind, match=message):
        write_image(path, noise((11, 14)), format=format)


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("a.jpg", ValueError, r"a\.jpg cannot be written; expected a name in \.png, \.tif"),
        ("a", ValueError, "expected a name in"),
        ("missing/a.png", FileNotFoundError, "there is no folder .*missing"),
        ("folder.png", IsADirectoryError, "is a folder"),
    ],
)
def test_places_that_cannot_be_written_are_refused(tmp_path, name, kind, message):
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(kind, match=message):
        write_image(tmp_path / name, noise((11, 14)))
    assert is_left_alone(tmp_path, ["folder.png"])


@pytest.mark.parametrize(
    ("pixels", "options", "message"),
    [
        (np.full((11, 14), 1.5), {}, "`pixels` has values from 1.5 to 1.5"),
        (np.full((11, 14), np.nan), {}, "`pixels` contains NaN"),
        (np.zeros((11, 14, 2)), {}, r"`pixels` has shape \(11, 14, 2\)"),
        (np.zeros(7), {}, r"`pixels` has shape \(7,\)"),
        (np.zeros((11, 14)), {"bits": 12}, "`bits` is 12; expected 8 or 16"),
    ],
)
def test_pixels_that_cannot_be_written_are_refused(tmp_path, pixels, options, message):
    with pytest.raises(ValueError, match=message):
        write_image(tmp_path / "a.png", pixels, **options)
    assert is_left_alone(tmp_path, [])


@pytest.mark.parametrize("step", ["fsync", "replace"])
@pytest.mark.parametrize("interruption", [OSError("disk full"), KeyboardInterrupt()])
def test_an_interrupted_write_leaves_what_was_there(tmp_path, monkeypatch, step, interruption):
    old = noise((11, 14))
    write_image(tmp_path / "a.png", old)

    def interrupted(*_):
        raise interruption

    with monkeypatch.context() as patch:
        patch.setattr(os, step, interrupted)
        with pytest.raises(type(interruption)):
            write_image(tmp_path / "a.png", 255 - old)
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), old)
    assert is_left_alone(tmp_path, ["a.png"])


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_a_killed_write_leaves_what_was_there(tmp_path):
    old = noise((11, 14))
    write_image(tmp_path / "a.png", old)
    script = (
        "import os, signal, sys, numpy, alphamat.io.images\n"
        "os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL)\n"
        "alphamat.io.images.write_image(sys.argv[1], numpy.zeros((900, 900)))\n"
    )
    run = subprocess.run([sys.executable, "-c", script, tmp_path / "a.png"])
    assert run.returncode == -signal.SIGKILL
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), old)


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX permissions")
def test_written_files_have_ordinary_permissions_and_links_stay_links(tmp_path):
    previous = os.umask(0o022)
    try:
        (tmp_path / "real").mkdir()
        (tmp_path / "link.png").symlink_to(tmp_path / "real" / "a.png")
        write_image(tmp_path / "link.png", noise((11, 14)))
    finally:
        os.umask(previous)
    assert (tmp_path / "link.png").is_symlink()
    assert (tmp_path / "real" / "a.png").stat().st_mode & 0o777 == 0o644
