import re
import sys
import weakref
from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

from alphamat.io.images import write_image
from alphamat.video import read_video
from tests.alphamat.video.films import av, ball, film

LUMA = {1: (0.2126, 0.0722), 6: (0.299, 0.114), 9: (0.2627, 0.0593)}


def decoded(planes, matrix, bits, full_range):
    """RGB in [0, 1] from luma and chroma, by BT.601, BT.709 and BT.2020 as they are written."""
    y, u, v = (plane.astype(float) for plane in planes[:3])
    if full_range:
        y, u, v = (y, *(c - 2 ** (bits - 1) for c in (u, v)))
        y, u, v = (p / (2**bits - 1) for p in (y, u, v))
    else:
        y, u, v = (p / 2 ** (bits - 8) for p in (y, u, v))
        y, u, v = (y - 16) / 219, (u - 128) / 224, (v - 128) / 224
    red, blue = LUMA[matrix]
    r, b = y + 2 * (1 - red) * v, y + 2 * (1 - blue) * u
    g = (y - red * r - blue * b) / (1 - red - blue)
    return np.clip(np.stack([r, g, b], axis=-1), 0, 1)


@pytest.fixture
def noise():
    rng = np.random.default_rng(771)

    def planes(height, width, bits, chroma=(1, 1), alpha=False):
        dtype = np.uint8 if bits == 8 else np.uint16
        small = (-(-height // chroma[0]), -(-width // chroma[1]))
        sizes = [(height, width), small, small] + [(height, width)] * alpha
        return [rng.integers(0, 2**bits, size).astype(dtype) for size in sizes]

    return planes


@pytest.mark.parametrize("matrix", LUMA)
@pytest.mark.parametrize("full_range", [False, True])
@pytest.mark.parametrize("bits", [8, 10])
def test_colours_are_those_of_the_standards(tmp_path, noise, matrix, full_range, bits):
    planes = noise(11, 14, bits)
    name = "yuv444p" if bits == 8 else "yuv444p10le"
    tags = {"colorspace": matrix, "color_range": 2 if full_range else 1}
    path = film(tmp_path / "a.mkv", [planes], encoder="ffv1", pix_fmt=name, planes=True, tags=tags)
    (image,) = read_video(path)
    full = 255 if bits == 8 else 65535
    assert image.dtype == (np.uint8 if bits == 8 else np.uint16)
    expected = full * decoded(planes, matrix, bits, full_range)
    assert np.abs(image - expected).max() <= 0.5 + full * 1e-6


@pytest.mark.parametrize(("width", "matrix"), [(1278, 6), (1280, 1)])
def test_an_untagged_film_is_601_or_709_by_its_size(tmp_path, noise, width, matrix):
    planes = noise(2, width, 8)
    path = film(tmp_path / "a.mkv", [planes], encoder="ffv1", pix_fmt="yuv444p", planes=True)
    clip = read_video(path)
    assert clip.colour.matrix == matrix
    (image,) = clip
    assert np.abs(image - 255 * decoded(planes, matrix, 8, False)).max() <= 0.501


@pytest.mark.parametrize(("name", "chroma"), [("yuv420p", (2, 2)), ("yuv422p10le", (1, 2))])
def test_halved_chroma_lies_at_the_left_and_between_rows(tmp_path, name, chroma):
    # Chroma that grows evenly is found again as it was, away from the borders.
    height, width, bits = 11, 15, 10 if "10" in name else 8
    y, x = np.mgrid[:height, :width]
    step = 2 ** (bits - 8)
    plane = lambda y, x: step * (100 + 4 * x + 2 * y)  # noqa: E731
    rows, columns = np.mgrid[: -(-height // chroma[0]), : -(-width // chroma[1])]
    small = plane(chroma[0] * rows + (chroma[0] - 1) / 2, chroma[1] * columns)
    dtype = np.uint8 if bits == 8 else np.uint16
    planes = [np.full((height, width), 120 * step), small, small]
    path = film(
        tmp_path / "a.mkv",
        [[p.astype(dtype) for p in planes]],
        encoder="ffv1",
        pix_fmt=name,
        planes=True,
        tags={"colorspace": 1},
    )
    (image,) = read_video(path)
    whole = [planes[0], plane(y, x), plane(y, x)]
    full = np.iinfo(image.dtype).max
    inner = np.s_[1:-2, 1:-2]
    difference = image - full * decoded(whole, 1, bits, False)
    assert np.abs(difference[inner]).max() <= 0.5 + full * 1e-5


@pytest.mark.parametrize(
    ("encoder", "pix_fmt", "channels"),
    [("png", "rgb24", 3), ("png", "rgba", 4), ("ffv1", "bgr0", 3), ("libx264rgb", "bgr24", 3)],
)
def test_rgb_is_read_as_it_is(tmp_path, encoder, pix_fmt, channels):
    pictures = list(ball(3, 11, 14, channels))
    ending = "mov" if encoder == "png" else "mkv"
    exact = {"qp": "0"} if encoder == "libx264rgb" else {}
    path = film(tmp_path / f"a.{ending}", pictures, encoder=encoder, pix_fmt=pix_fmt, options=exact)
    for image, picture in zip(read_video(path), pictures, strict=True):
        np.testing.assert_array_equal(image, picture)


def test_alpha_is_read_as_it_is(tmp_path, noise):
    planes = noise(11, 14, 8, alpha=True)
    path = film(tmp_path / "a.mkv", [planes], encoder="ffv1", pix_fmt="yuva444p", planes=True)
    (image,) = read_video(path)
    np.testing.assert_array_equal(image[..., 3], planes[3])


def test_gray_becomes_three_equal_channels(tmp_path):
    gray = np.arange(11 * 14, dtype=np.uint8).reshape(11, 14)
    path = film(tmp_path / "a.mkv", [[gray]], encoder="ffv1", pix_fmt="gray", planes=True)
    (image,) = read_video(path)
    np.testing.assert_array_equal(image, np.repeat(gray[..., None], 3, axis=2))


ONE = 65536


@pytest.mark.parametrize(
    ("matrix", "upright"),
    [
        ((ONE, 0, 0, 0, ONE, 0), lambda p: p),
        ((0, ONE, 0, -ONE, 0, 0), lambda p: np.rot90(p, -1)),
        ((-ONE, 0, 0, 0, -ONE, 0), lambda p: p[::-1, ::-1]),
        ((0, -ONE, 0, ONE, 0, 0), lambda p: np.rot90(p)),
        ((-ONE, 0, 0, 0, ONE, 0), lambda p: p[:, ::-1]),
        ((0, ONE, 0, ONE, 0, 0), lambda p: p.swapaxes(0, 1)),
    ],
)
def test_frames_are_turned_upright(tmp_path, matrix, upright):
    (picture,) = ball(1, 11, 14)
    matrix = (*matrix, 0, 0, 1 << 30)
    form = {"encoder": "png", "pix_fmt": "rgb24", "aspect": Fraction(2)}
    clip = read_video(film(tmp_path / "a.mov", [picture], matrix=matrix, **form))
    (image,) = clip
    np.testing.assert_array_equal(image, upright(picture))
    assert clip.size == image.shape[:2]
    assert clip.pixel_aspect == (2 if clip.size == (11, 14) else Fraction(1, 2))


def test_a_crooked_film_is_refused(tmp_path):
    matrix = (46341, 46341, 0, -46341, 46341, 0, 0, 0, 1 << 30)  # 45 degrees
    path = film(tmp_path / "a.mov", ball(1), encoder="png", pix_fmt="rgb24", matrix=matrix)
    with pytest.raises(ValueError, match="other than right angles"):
        read_video(path)


def test_rate_times_and_count_are_the_files(tmp_path):
    rate = Fraction(24000, 1001)
    clip = read_video(film(tmp_path / "a.mp4", ball(9), rate=rate))
    assert (clip.rate, clip.count, clip.size) == (rate, 9, (36, 50))
    frames = list(clip.frames())
    assert [frame.time for frame in frames] == [at / rate for at in range(9)]
    assert [frame.number for frame in frames] == list(range(1, 10))
    assert all((frame.time / clip.time_base).denominator == 1 for frame in frames)
    assert len(list(clip)) == 9, "a clip can be read again"


def test_milliseconds_of_matroska_do_not_blur_an_even_rate(tmp_path):
    rate = Fraction(24000, 1001)
    clip = read_video(film(tmp_path / "a.mkv", ball(9), rate=rate))
    assert [frame.time for frame in clip.frames()] == [at / rate for at in range(9)]


def test_uneven_times_are_kept(tmp_path):
    times = [Fraction(ticks, 12800) for ticks in (0, 300, 1700, 1800, 9000)]
    clip = read_video(film(tmp_path / "a.mp4", ball(5), times=times))
    assert [frame.time for frame in clip.frames()] == times


def test_the_first_frames_are_a_clip(tmp_path):
    clip = read_video(film(tmp_path / "a.mp4", ball(9)))
    short = clip.first(4)
    assert short.count == 4
    np.testing.assert_array_equal(list(short), list(clip)[:4])
    assert clip.first(40).count == 9


def test_one_frame_is_a_clip(tmp_path):
    clip = read_video(film(tmp_path / "a.mp4", ball(1)))
    assert clip.count == len(list(clip)) == 1


def test_frames_do_not_gather_in_memory(tmp_path):
    path = film(tmp_path / "a.mp4", ball(120))
    given, most = [], 0
    for image in read_video(path):
        given.append(weakref.ref(image))
        most = max(most, sum(reference() is not None for reference in given))
    assert len(given) == 120
    assert most <= 2


@pytest.mark.parametrize("damage", ["all of it", "some of it"])
def test_a_damaged_frame_is_named(tmp_path, damage):
    path = film(tmp_path / "a.mov", ball(30), encoder="prores_ks", pix_fmt="yuv444p10le")
    content = bytearray(path.read_bytes())
    with av.open(str(path)) as container:
        hurt = [p for p in container.demux(video=0) if p.size][19]
    first = 8 if damage == "all of it" else hurt.size // 2
    noise = np.random.default_rng(6).integers(0, 256, hurt.size - first).astype(np.uint8)
    content[hurt.pos + first : hurt.pos + hurt.size] = noise.tobytes()
    path.write_bytes(content)
    images = iter(read_video(path))
    for _ in range(19):
        next(images)
    with pytest.raises(ValueError, match=r"frame 20 of .*a\.mov, at 0\.76 s, is damaged"):
        next(images)


def test_a_damaged_frame_among_predicted_ones_is_named(tmp_path):
    path = film(tmp_path / "a.mp4", ball(30), options={"bf": "2", "g": "10"})
    content = bytearray(path.read_bytes())
    with av.open(str(path)) as container:
        hurt = [p for p in container.demux(video=0) if p.size][20]
    number = round(hurt.pts * hurt.time_base * 25) + 1
    content[hurt.pos + 4 : hurt.pos + hurt.size] = b"\xff" * (hurt.size - 4)
    path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"frame {number} of .* is damaged"):
        list(read_video(path))


@pytest.mark.parametrize("encoder", ["mpeg4", "mjpeg"])
def test_a_film_cut_short_is_refused_where_it_ends(tmp_path, encoder):
    name, early = ("a.avi", {}) if encoder == "mjpeg" else ("a.mp4", {"movflags": "faststart"})
    form = {"encoder": encoder, "pix_fmt": "yuvj420p" if encoder == "mjpeg" else "yuv420p"}
    path = film(tmp_path / name, ball(30, 120, 160), container=early, **form)
    path.write_bytes(path.read_bytes()[: int(0.8 * path.stat().st_size)])
    with pytest.raises(ValueError, match=r"frame \d+ of .* is damaged|is cut short"):
        list(read_video(path))


def test_a_film_cut_short_between_two_frames_is_refused(tmp_path):
    early = {"movflags": "faststart"}
    path = film(tmp_path / "a.mp4", ball(30), encoder="mpeg4", container=early)
    with av.open(str(path)) as container:
        last = [p for p in container.demux(video=0) if p.size][20]
    path.write_bytes(path.read_bytes()[: last.pos])
    with pytest.raises(ValueError, match="is cut short: it has 20 of the 30 frames it lists"):
        list(read_video(path))


def test_a_webm_cut_short_is_read_with_a_warning(tmp_path):
    options = {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"}
    path = film(tmp_path / "a.webm", ball(30), encoder="libvpx-vp9", options=options)
    path.write_bytes(path.read_bytes()[: int(0.7 * path.stat().st_size)])
    with pytest.warns(UserWarning, match=r"ends after \d+ frames, at .* of the 1\.20 s"):
        assert 0 < len(list(read_video(path))) < 30


def test_what_is_no_film_is_refused(tmp_path):
    (tmp_path / "text.mp4").write_text("hello")
    (tmp_path / "empty.mov").write_bytes(b"")
    for name in ("text.mp4", "empty.mov"):
        with pytest.raises(ValueError, match=rf"{name} \(\d bytes\) is no film that can be read"):
            read_video(tmp_path / name)
    with pytest.raises(FileNotFoundError, match=r"none\.mp4 does not exist"):
        read_video(tmp_path / "none.mp4")


def test_sound_alone_is_no_film(tmp_path):
    path = tmp_path / "a.m4a"
    with av.open(str(path), "w") as output:
        stream = output.add_stream("aac", rate=48000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        frame.sample_rate, frame.pts = 48000, 0
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    with pytest.raises(ValueError, match="has no pictures, only sound"):
        read_video(path)


def test_a_film_has_its_own_rate(tmp_path):
    path = film(tmp_path / "a.mp4", ball(1))
    with pytest.raises(ValueError, match="`rate` is given"):
        read_video(path, rate=25)


def write_frames(folder, numbers, *, name="shot.{}.png", shape=(5, 6, 3), dtype=np.uint8):
    folder.mkdir(exist_ok=True)
    for number in numbers:
        write_image(folder / name.format(number), np.full(shape, number, dtype), bits=8)


@pytest.mark.parametrize("pattern", ["", "shot.%d.png", "shot.*.png"])
def test_pictures_come_in_the_order_of_their_numbers(tmp_path, pattern):
    write_frames(tmp_path / "in", [8, 9, 10, 11])
    clip = read_video(tmp_path / "in" / pattern if pattern else tmp_path / "in")
    assert (clip.count, clip.rate, clip.size) == (4, None, (5, 6))
    frames = list(clip.frames())
    assert [frame.number for frame in frames] == [8, 9, 10, 11]
    assert [frame.image[0, 0, 0] for frame in frames] == [8, 9, 10, 11]
    assert all(frame.time is None for frame in frames)


def test_pictures_get_times_from_a_rate(tmp_path):
    write_frames(tmp_path / "in", [3, 4])
    clip = read_video(tmp_path / "in", rate="23.976")
    assert clip.rate == Fraction(24000, 1001)
    assert [frame.time for frame in clip.frames()] == [0, Fraction(1001, 24000)]


@pytest.mark.parametrize("rate", [0, -1, "fast", float("nan"), float("inf"), "1/0", 1e9])
def test_nonsense_rates_are_refused(tmp_path, rate):
    write_frames(tmp_path / "in", [3, 4])
    with pytest.raises(ValueError, match="expected frames per second"):
        read_video(tmp_path / "in", rate=rate)


@pytest.mark.parametrize(
    ("shape", "dtype", "expected"),
    [((5, 6), np.uint8, (5, 6, 3)), ((5, 6, 4), np.uint8, (5, 6, 4))],
)
def test_pictures_may_be_gray_or_have_alpha(tmp_path, shape, dtype, expected):
    write_frames(tmp_path / "in", [1, 2], shape=shape, dtype=dtype)
    for number, frame in enumerate(read_video(tmp_path / "in"), 1):
        np.testing.assert_array_equal(frame, np.full(expected, number, np.uint8))


def test_pictures_may_have_16_bits(tmp_path):
    write_image(tmp_path / "a.tif", np.full((5, 6, 3), 1234, np.uint16), bits=16)
    (image,) = read_video(tmp_path / "a.tif")
    assert image.dtype == np.uint16
    assert (image == 1234).all()


def test_names_without_numbers_are_counted(tmp_path):
    (tmp_path / "in").mkdir()
    for name in ("b", "a", "c"):
        write_image(tmp_path / "in" / f"{name}.png", np.zeros((5, 6)))
    assert [frame.number for frame in read_video(tmp_path / "in").frames()] == [1, 2, 3]


def test_a_gap_in_a_pattern_is_named(tmp_path):
    write_frames(tmp_path / "in", [8, 9, 11])
    with pytest.raises(FileNotFoundError, match=r"shot\.10\.png is missing, between 8 and 11"):
        read_video(tmp_path / "in" / "shot.%d.png")
    assert read_video(tmp_path / "in").count == 3


def test_a_pattern_with_zeros_wants_them(tmp_path):
    write_frames(tmp_path / "in", [8, 9])
    with pytest.raises(FileNotFoundError, match="no picture has a name like"):
        read_video(tmp_path / "in" / "shot.%04d.png")


def test_hashes_are_a_pattern_too(tmp_path):
    write_frames(tmp_path / "in", [8, 9], name="shot.{:04d}.png")
    assert read_video(tmp_path / "in" / "shot.####.png").count == 2


@pytest.mark.parametrize("name", ["shot.%04d.cin", "shot.####.dpx", "shot.*.tga", "shot.hdr"])
def test_pictures_of_other_kinds_are_called_so(tmp_path, name):
    with pytest.raises(ValueError, match="pictures are not read; expected PNG, JPEG, TIFF, WebP"):
        read_video(tmp_path / name, rate=25)


def test_pages_are_not_cut_to_the_first_picture(tmp_path):
    first, *more = map(Image.fromarray, ball(5, channels=4))
    first.save(tmp_path / "a.tif", save_all=True, append_images=more)
    with pytest.raises(ValueError, match="holds 5 pictures, 36 × 50"):
        read_video(tmp_path / "a.tif")


def test_a_thumbnail_is_no_second_picture(tmp_path):
    (first,) = map(Image.fromarray, ball(1))
    first.save(tmp_path / "a.tif", save_all=True, append_images=[first.resize((25, 18))])
    assert read_video(tmp_path / "a.tif").count == 1


def test_a_picture_of_another_size_is_named(tmp_path):
    write_frames(tmp_path / "in", [1, 2])
    write_frames(tmp_path / "in", [3], shape=(6, 6, 3))
    with pytest.raises(ValueError, match=r"shot\.3\.png is 6 × 6, and .*shot\.1\.png is 5 × 6"):
        list(read_video(tmp_path / "in"))


def test_a_damaged_picture_is_named(tmp_path):
    write_frames(tmp_path / "in", [1, 2, 3])
    path = tmp_path / "in" / "shot.2.png"
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(ValueError, match=r"shot\.2\.png is damaged or cut short"):
        list(read_video(tmp_path / "in"))


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(ValueError, match="has no images"):
        read_video(tmp_path)


def test_without_pyav_films_are_refused_and_pictures_are_read(tmp_path, monkeypatch):
    write_frames(tmp_path / "in", [1, 2])
    (tmp_path / "a.mp4").write_bytes(b"")
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(ImportError, match=re.escape('pip install "alphamat[video]"')):
        read_video(tmp_path / "a.mp4")
    assert len(list(read_video(tmp_path / "in"))) == 2
