import struct
import subprocess
import sys
import zlib
from io import BytesIO

import numpy as np
import pytest

from alphamat.io.images import image_size, read_image, read_picture, write_image
from tests.alphamat.io.writers import orientation_exif, png, profile

NOISE = np.random.default_rng(83)


def noise(depth, channels):
    return NOISE.integers(0, 2**depth, (11, 14, channels))


def full(depth):
    return 65535 if depth == 16 else 255


def read(content):
    pixels = read_image(BytesIO(content))
    assert image_size(BytesIO(content)) == pixels.shape[:2]
    return pixels


DEPTHS = [(1, 1), (2, 1), (4, 1), *((depth, k) for depth in (8, 16) for k in range(1, 5))]


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize(("depth", "channels"), DEPTHS)
def test_every_depth_and_colour_type_is_read(depth, channels, interlaced):
    levels = noise(depth, channels)
    pixels = read(png(levels, depth, interlaced=interlaced))
    scaled = levels * (full(depth) // (2**depth - 1))
    expected = {1: scaled[..., 0], 2: scaled[..., [0, 0, 0, -1]]}.get(channels, scaled)
    assert pixels.dtype == (np.uint16 if depth == 16 else np.uint8)
    np.testing.assert_array_equal(pixels, expected)


@pytest.mark.parametrize(("depth", "channels"), [d for d in DEPTHS if d[1] in (1, 3)])
def test_one_level_that_is_transparent_gives_a_fourth_channel(depth, channels):
    levels = noise(depth, channels)
    level = levels[5, 7]
    stored = level | (0xFFFF << depth & 0xFFFF)  # bits beyond the depth do not count
    pixels = read(png(levels, depth, before=[(b"tRNS", stored.astype(">u2").tobytes())]))
    clear = (levels == level).all(axis=2)
    np.testing.assert_array_equal(pixels[..., 3], np.where(clear, 0, full(depth)))
    scaled = levels * (full(depth) // (2**depth - 1))
    np.testing.assert_array_equal(pixels[..., :3], np.broadcast_to(scaled, (11, 14, 3)))


@pytest.mark.parametrize("depth", [1, 2, 4, 8])
def test_transparent_colours_of_a_palette_give_a_fourth_channel(depth):
    levels, colours = noise(depth, 1), NOISE.integers(0, 256, (2**depth, 3), np.uint8)
    alpha = NOISE.integers(0, 256, 2**depth, np.uint8)
    chunks = [(b"PLTE", colours.tobytes()), (b"tRNS", alpha.tobytes())]
    pixels = read(png(levels, depth, before=chunks, colour_type=3))
    expected = np.hstack([colours, alpha[:, None]])[levels[..., 0]]
    np.testing.assert_array_equal(pixels, expected)


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize(
    "chunk",
    [
        (b"pHYs", bytes(9), 0x12345678),
        (b"tEXt", b"Comment\0hello", 1),
        (b"zTXt", b"prompt\0\0" + zlib.compress(bytes(2**21))),
        (b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(b"<x:xmpmeta/>" * 200_000)),
        (b"zTXt", b"Raw profile type exif\0\0not zlib"),
        (b"iTXt", b"XML:com.adobe.xmp\0"),
        (b"iCCP", b"garbage"),
        (b"acTL", b"?"),
        (b"gAMA", b""),
    ],
)
def test_what_other_chunks_hold_does_not_matter(depth, chunk):
    levels = noise(depth, 3)
    np.testing.assert_array_equal(read(png(levels, depth, before=[chunk])), levels)
    np.testing.assert_array_equal(read(png(levels, depth, after=[chunk])), levels)


@pytest.mark.parametrize("depth", [8, 16])
def test_the_still_picture_of_an_animation_is_read(depth):
    levels, moving = noise(depth, 3), noise(depth, 3)
    control = struct.pack(">IIIIIHHBB", 0, 14, 11, 0, 0, 1, 10, 0, 0)
    frame = struct.pack(">I", 1) + png(moving, depth)[41:-16]
    animation = [(b"acTL", struct.pack(">II", 1, 0)), (b"fcTL", control), (b"fdAT", frame)]
    content = png(levels, depth, before=animation[:1], after=animation[1:])
    np.testing.assert_array_equal(read(content), levels)


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize(
    "chunk",
    [
        (b"eXIf", orientation_exif(6)),
        (b"iTXt", b'XML:com.adobe.xmp\0\0\0\0\0<x tiff:Orientation="6"/>'),
        (
            b"zTXt",
            b"Raw profile type exif\0\0"
            + zlib.compress(b"\nexif\n32\n" + (b"Exif\0\0" + orientation_exif(6)).hex().encode()),
        ),
    ],
)
def test_orientation_is_honoured_wherever_it_stands(depth, chunk):
    levels = noise(depth, 3)
    for where in ("before", "after"):
        pixels = read(png(levels, depth, **{where: [chunk]}))
        np.testing.assert_array_equal(pixels, np.rot90(levels, -1))


@pytest.mark.parametrize("name", [b"IHDR", b"IDAT", b"tRNS", b"eXIf"])
def test_damage_in_what_the_picture_needs_is_named(name):
    chunks = [(b"tRNS", bytes(6)), (b"eXIf", orientation_exif(1))]
    content = bytearray(png(noise(16, 3), 16, before=chunks))
    content[content.index(name) + 5] ^= 8
    with pytest.raises(ValueError, match=rf"the file given .* chunk {name.decode()} is not whole"):
        read_image(BytesIO(bytes(content)))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (png(noise(8, 1), 8, colour_type=3), "it has no chunk PLTE"),
        (png(noise(8, 1), 8, before=[(b"CgBI", bytes(4))]), "has the chunk CgBI"),
        (png(noise(8, 1), 8, before=[(b"????", b"")]), "it has no chunk at byte 33"),
        (png(noise(2, 3), 2), "no PNG of colour type 2 with 2 bits"),
        (png(noise(16, 3), 16)[:8], "does not begin with the chunk IHDR"),
        (png(noise(8, 3), 8)[:33], "it has no chunk IDAT"),
    ],
)
def test_what_is_no_png_says_why(content, message):
    with pytest.raises(ValueError, match=message):
        read_image(BytesIO(content))


@pytest.mark.parametrize("depth", [8, 16])
def test_any_width_is_read_and_too_wide_ones_are_not_written(tmp_path, depth):
    levels = np.zeros((1, 1_100_000, 1), np.uint16)
    levels[0, -1] = 200
    assert read(png(levels, depth))[0, -1] == 200
    with pytest.raises(ValueError, match=r"1 × 1100000 .* Write a TIFF"):
        write_image(tmp_path / "a.png", levels[..., 0], bits=depth)
    write_image(tmp_path / "a.tif", levels[..., 0], bits=depth)


def test_damage_is_told_once():
    program = (
        "import sys\nfrom alphamat.io import read_image\n"
        "try: read_image(sys.stdin.buffer)\nexcept ValueError as fault: print(fault)\n"
    )
    rows = b"".join(b"\7" + bytes(84) for _ in range(11))  # there is no filter 7
    damaged = png(noise(16, 3), 16, before=[(b"IDAT", zlib.compress(rows))])
    ran = subprocess.run([sys.executable, "-c", program], input=damaged, capture_output=True)
    assert (ran.returncode, ran.stderr) == (0, b"")
    assert b"is damaged or cut short" in ran.stdout


@pytest.mark.parametrize("bits", [8, 16])
def test_a_profile_goes_along(tmp_path, bits):
    colours = profile() + bytes(2**21)  # larger than Pillow reads
    write_image(tmp_path / "a.png", noise(8, 3).astype(np.uint8), bits=bits, profile=colours)
    pixels, found, _ = read_picture(tmp_path / "a.png")
    assert found == colours
    assert pixels.shape == (11, 14, 3)
