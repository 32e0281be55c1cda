import os
import signal
import subprocess
import sys
import weakref
from contextlib import nullcontext
from fractions import Fraction

import numpy as np
import pytest

from alphamat.io.images import read_image, write_image
from alphamat.video import Frame, read_video, write_video
from tests.alphamat.video.films import ball, film, heard, look, packets, tone

FILMS = [".mov", ".webm", ".mp4"]


def written(path, pictures, **options):
    """Write a clip and return its images, in [0, 255]."""
    pictures = list(pictures)
    assert write_video(path, iter(pictures), **options) == len(pictures)
    images = [image / (np.iinfo(image.dtype).max / 255) for image in read_video(path)]
    assert len(images) == len(pictures)
    return np.stack(images)


def leftovers(folder):
    return [path.name for path in folder.iterdir()]


# ProRes keeps alpha exactly, to 10 bits; VP9 is lossy, and the ball's edge its worst place.
@pytest.mark.parametrize(
    ("ending", "colour", "most_alpha", "mean_alpha"),
    [(".mov", 4, 0.16, 0.1), (".webm", 12, 12, 0.3)],
)
@pytest.mark.parametrize("size", [(36, 50), (35, 51), (1, 1)])
@pytest.mark.parametrize("count", [1, 7])
def test_alpha_and_colours_are_read_again(
    tmp_path, ending, colour, most_alpha, mean_alpha, size, count
):
    pictures = list(ball(count, *size, channels=4))
    images = written(tmp_path / f"a{ending}", pictures, rate=25)
    assert images.shape == (count, *size, 4)
    difference = np.abs(images - pictures)
    assert difference[..., :3].max() <= colour
    assert difference[..., 3].max() <= most_alpha
    assert difference[..., 3].mean() <= mean_alpha
    assert leftovers(tmp_path) == [f"a{ending}"]


@pytest.mark.parametrize("ending", FILMS)
def test_opaque_pictures_make_an_opaque_film(tmp_path, ending):
    pictures = list(ball(5, 36, 50))
    images = written(tmp_path / f"a{ending}", pictures, rate=25)
    assert images.shape == (5, 36, 50, 3)
    assert np.abs(images - pictures).mean() <= 1
    assert "yuva" not in look(tmp_path / f"a{ending}")["pix_fmt"]


@pytest.mark.parametrize("ending", FILMS)
def test_gray_stays_gray(tmp_path, ending):
    pictures = [picture[..., 3] for picture in ball(5, channels=4)]
    images = written(tmp_path / f"a{ending}", pictures, rate=25)
    np.testing.assert_array_equal(images, images[..., :1].repeat(3, axis=-1))
    assert np.abs(images[..., 0] - pictures).mean() <= 0.5


@pytest.mark.parametrize("ending", [".mov", ".webm"])
def test_transparent_and_opaque_stay_so(tmp_path, ending):
    clear = np.full((36, 50, 4), 180, np.uint8)
    clear[..., 3] = 0
    clear[:, 20:, 3] = 255
    images = written(tmp_path / f"a{ending}", [clear] * 3, rate=25)
    away = np.r_[0:16, 26:50]
    np.testing.assert_array_equal(images[:, :, away, 3], np.stack([clear[:, away, 3]] * 3))


def test_floats_and_16_bits_are_kept_to_what_prores_keeps(tmp_path):
    y, x = np.mgrid[:36, :50]
    smooth = np.stack([x / 60 + 0.1, y / 50 + 0.1, (x + y) / 100, x / 49], axis=-1)
    for picture in (smooth, smooth.astype(np.float32), (smooth * 65535).astype(np.uint16)):
        images = written(tmp_path / "a.mov", [picture], rate=25, overwrite=True)
        assert np.abs(images[0] / 255 - smooth)[..., :3].max() <= 0.005
        assert np.abs(images[0] / 255 - smooth)[..., 3].max() <= 0.5 / 1023 + 1 / 4095


@pytest.mark.parametrize(
    ("ending", "codec"), [(".mov", "prores"), (".webm", "vp9"), (".mp4", "h264")]
)
def test_a_film_says_what_its_colours_mean(tmp_path, ending, codec):
    write_video(tmp_path / f"a{ending}", ball(2), rate="29.97")
    said = look(tmp_path / f"a{ending}")
    assert said["codec"] == codec
    assert said["rate"] == Fraction(30000, 1001)
    names = ("colorspace", "color_range", "color_primaries", "color_trc")
    assert [said[name] for name in names] == [1, 1, 1, 1]


@pytest.mark.parametrize("ending", FILMS)
def test_tags_and_shape_of_pixels_are_the_sources(tmp_path, ending):
    tags = {"colorspace": 6, "color_range": 2, "color_primaries": 5, "color_trc": 6}
    shape = Fraction(16, 11)
    path = film(tmp_path / "in.mp4", ball(3), tags=tags, aspect=shape)
    source = read_video(path)
    assert source.colour.matrix == 6
    untold = pytest.warns(UserWarning, match=r"are not square \(16/11\)")
    with untold if ending == ".webm" else nullcontext():
        images = written(tmp_path / f"a{ending}", source.frames(), source=source)
    said = look(tmp_path / f"a{ending}")
    names = ("colorspace", "color_range", "color_primaries", "color_trc")
    assert [said[name] for name in names] == [6, 1, 5, 6]
    assert said["aspect"] == (1 if ending == ".webm" else shape)
    assert np.abs(images - np.stack(list(source))).mean() <= 1.5


@pytest.mark.parametrize("ending", FILMS)
def test_uneven_times_are_kept(tmp_path, ending):
    times = [Fraction(ticks, 12800) for ticks in (0, 300, 1700, 1800, 9000)]
    source = read_video(film(tmp_path / "in.mp4", ball(5), times=times))
    write_video(tmp_path / f"a{ending}", source.frames(), source=source)
    kept = [frame.time for frame in read_video(tmp_path / f"a{ending}").frames()]
    if ending == ".webm":  # which has milliseconds
        assert np.abs(np.array(kept, float) - np.array(times, float)).max() <= 0.0005
    else:
        assert kept == times
        assert look(tmp_path / f"a{ending}")["time_base"] == Fraction(1, 12800)


@pytest.mark.parametrize("ending", FILMS)
@pytest.mark.parametrize("rate", [Fraction(24000, 1001), Fraction(25), Fraction(60)])
def test_an_even_rate_is_kept(tmp_path, ending, rate):
    source = read_video(film(tmp_path / "in.mkv", ball(6), rate=rate))
    write_video(tmp_path / f"a{ending}", source.frames(), source=source)
    clip = read_video(tmp_path / f"a{ending}")
    assert clip.rate == rate
    assert [frame.time for frame in clip.frames()] == [at / rate for at in range(6)]


@pytest.mark.parametrize(
    ("given", "sound", "ending", "expected"),
    [
        ("in.mp4", "aac", ".mov", "aac"),
        ("in.mp4", "aac", ".mp4", "aac"),
        ("in.mov", "pcm_s16le", ".mov", "pcm_s16le"),
        ("in.webm", "libopus", ".webm", "opus"),
        ("in.mp4", "aac", ".webm", "opus"),
        ("in.mov", "pcm_s16le", ".mp4", "aac"),
        ("in.mkv", "flac", ".mov", "pcm_s24le"),
    ],
)
def test_sound_is_kept(tmp_path, given, sound, ending, expected):
    encoder = "libvpx-vp9" if given.endswith("webm") else "libx264"
    source = read_video(film(tmp_path / given, ball(20), encoder=encoder, sound=sound))
    path = tmp_path / f"a{ending}"
    write_video(path, source.frames(), source=source)
    said = look(path)
    assert said["kinds"] == ["video", "audio"]
    with_sound = packets(path, "audio")
    if expected == sound.removeprefix("lib"):
        copied = {content for _, content in with_sound}
        assert copied >= {content for time, content in packets(source.path, "audio") if time >= 0}
    before, after = heard(source.path), heard(path)
    length = round(0.8 * 48000)
    assert abs(len(before) - len(after)) < 3000
    assert np.corrcoef(before[:length], after[:length])[0, 1] > 0.98, "in time, to a sample or so"
    assert np.corrcoef(before[:length], tone(0.8)[:length])[0, 1] > 0.98


def test_sound_ends_with_the_frames_taken(tmp_path):
    source = read_video(film(tmp_path / "in.mp4", ball(40), sound="aac")).first(10)
    write_video(tmp_path / "a.mov", source.frames(), source=source)
    assert len(list(read_video(tmp_path / "a.mov"))) == 10
    last, _ = packets(tmp_path / "a.mov", "audio")[-1]
    assert 0.35 < last <= 0.4


@pytest.mark.parametrize("ending", FILMS)
def test_what_begins_later_than_its_sound_still_does(tmp_path, ending):
    times = [Fraction(3201, 12800) + Fraction(at, 25) for at in range(20)]
    finely = {"movie_timescale": "12800"}
    path = film(tmp_path / "in.mp4", ball(20), times=times, sound="aac", container=finely)
    source = read_video(path)
    write_video(tmp_path / f"a{ending}", source.frames(), source=source)
    kept = [frame.time for frame in read_video(tmp_path / f"a{ending}").frames()]
    if ending == ".webm":  # which has milliseconds
        assert np.abs(np.array(kept, float) - np.array(times, float)).max() <= 0.0005
    else:
        assert kept == times


@pytest.mark.parametrize("ending", FILMS)
def test_frames_of_one_time_are_all_kept(tmp_path, ending):
    times = [Fraction(ticks, 25) for ticks in (0, 1, 1, 1, 2)]
    frames = [Frame(picture, t, 1) for picture, t in zip(ball(5), times, strict=True)]
    assert write_video(tmp_path / f"a{ending}", frames, rate=25) == 5
    assert len(list(read_video(tmp_path / f"a{ending}"))) == 5


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize(
    ("target", "name"), [("out", "0001.png"), ("out/s.%05d.tif", "s.00001.tif")]
)
def test_pictures_are_written_exactly(tmp_path, bits, target, name):
    pictures = list(ball(3, channels=4))
    if "%" in target:
        (tmp_path / "out").mkdir()
    write_video(tmp_path / target, pictures, bits=bits)
    assert len(leftovers(tmp_path / "out")) == 3
    picture = read_image(tmp_path / "out" / name)
    assert picture.dtype == (np.uint8 if bits == 8 else np.uint16)
    np.testing.assert_array_equal(picture, pictures[0] * (1 if bits == 8 else np.uint16(257)))


def test_pictures_keep_their_numbers(tmp_path):
    frames = [Frame(picture, None, number) for number, picture in enumerate(ball(2), 1001)]
    write_video(tmp_path / "out", frames)
    assert sorted(leftovers(tmp_path / "out")) == ["1001.png", "1002.png"]


def test_pictures_are_not_mixed_with_those_there(tmp_path):
    write_video(tmp_path / "out", ball(3))
    before = {path: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    with pytest.raises(FileExistsError, match=r"0001\.png is there already, and would be mixed"):
        write_video(tmp_path / "out", ball(1))
    assert {path: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before


@pytest.mark.parametrize(
    ("target", "channels", "message"),
    [
        ("a.mp4", 4, "cannot hold alpha; write .mov, .webm or pictures"),
        ("a.avi", 3, "expected a name in .mov, .webm, .mp4, .webp, .apng, a folder, or a pattern"),
        ("a.png", 3, "expected a name in .mov, .webm, .mp4, .webp, .apng, a folder, or a pattern"),
        ("nowhere/a.mov", 3, "there is no folder"),
        ("nowhere/%d.png", 3, "there is no folder"),
        ("nowhere/out", 3, "there is no folder"),
    ],
)
def test_targets_that_cannot_be_written_are_refused(tmp_path, target, channels, message):
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        write_video(tmp_path / target, ball(2, channels=channels), rate=25)
    assert leftovers(tmp_path) == []


def test_odd_sizes_are_not_cut_to_fit_h264(tmp_path):
    with pytest.raises(ValueError, match=r"35 × 50 .* can only have even numbers of pixels"):
        write_video(tmp_path / "a.mp4", ball(2, 35, 50), rate=25)
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize(
    ("pictures", "message"),
    [
        ([], "there are no pictures to write"),
        ([np.zeros((4, 6, 2))], r"picture 1 has shape \(4, 6, 2\)"),
        ([np.zeros((4, 6)), np.zeros((6, 4))], "`picture 2` is 6 × 4 and the first is 4 × 6"),
        ([np.zeros((4, 6)), np.zeros((4, 6, 3))], "picture 2 has shape"),
        ([np.zeros((4, 6)), np.full((4, 6), np.nan)], "`picture 2` contains NaN"),
        ([np.full((4, 6), 3.0)], "`picture 1` has values from 3 to 3"),
    ],
)
def test_pictures_that_make_no_clip_are_refused(tmp_path, pictures, message):
    with pytest.raises(ValueError, match=message):
        write_video(tmp_path / "a.mov", pictures, rate=25)
    assert not (tmp_path / "a.mov").exists()


def test_a_film_of_pictures_needs_a_rate(tmp_path):
    for at in range(2):
        write_image(tmp_path / f"{at}.png", np.zeros((4, 6)))
    source = read_video(tmp_path)
    with pytest.raises(ValueError, match=r"a\.mov needs a rate"):
        write_video(tmp_path / "a.mov", source.frames(), source=source)
    timed = read_video(tmp_path, rate=24)
    write_video(tmp_path / "a.mov", timed.frames(), source=timed)
    assert look(tmp_path / "a.mov")["rate"] == 24


@pytest.mark.parametrize("ending", FILMS)
@pytest.mark.parametrize("stop", [ValueError("frame 31 is damaged."), KeyboardInterrupt()])
def test_what_was_made_before_a_fault_is_kept_beside(tmp_path, ending, stop):
    path = tmp_path / f"a{ending}"
    path.write_text("what was there")

    def pictures():
        yield from ball(30)
        raise stop

    with pytest.raises(type(stop)) as caught:
        write_video(path, pictures(), rate=25, overwrite=True)
    assert path.read_text() == "what was there"
    (part,) = set(leftovers(tmp_path)) - {path.name}
    assert part.startswith("a.part-")
    assert str(tmp_path / part) in caught.value.__notes__[-1]
    assert len(list(read_video(tmp_path / part))) == 30


KILLED = """
import sys, time
from alphamat.video import write_video
from tests.alphamat.video.films import ball

def pictures():
    yield from ball(100)
    print("waiting", flush=True)
    time.sleep(60)

write_video(sys.argv[1], pictures(), rate=25)
"""


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")
@pytest.mark.parametrize(
    ("ending", "stop"), [(".mov", "SIGKILL"), (".webm", "SIGKILL"), (".mp4", "SIGTERM")]
)
def test_a_killed_run_leaves_a_part_that_plays(tmp_path, ending, stop):
    path = tmp_path / f"a{ending}"
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(path)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as run:
        run.stdout.readline()
        run.send_signal(getattr(signal, stop))
    assert run.returncode == -getattr(signal, stop)
    (part,) = leftovers(tmp_path)
    assert part.startswith("a.part-")
    assert len(list(read_video(tmp_path / part))) >= 25


def test_pictures_do_not_gather_in_memory(tmp_path):
    given, most = [], 0

    def pictures():
        nonlocal most
        for picture in ball(150, channels=4):
            given.append(weakref.ref(picture))
            most = max(most, sum(reference() is not None for reference in given))
            yield picture

    write_video(tmp_path / "a.mov", pictures(), rate=25)
    assert len(given) == 150
    assert most <= 3
