"""Films as cameras, recorders, broadcasters and editors leave them."""

import os
import warnings
from fractions import Fraction

import numpy as np
import pytest
from scipy.signal import correlate

from alphamat.video import read_video, write_video
from tests.alphamat.video.films import av, ball, film, heard, look, packets, tone

FILMS = [".mov", ".webm", ".mp4"]


def written(path, source):
    clip = read_video(source)
    write_video(path, clip.frames(), source=clip)
    return path


def end(path):
    """Return where a film's last picture ends, by its packets."""
    with av.open(str(path)) as container:
        return max((p.pts + p.duration) * p.time_base for p in container.demux(video=0) if p.size)


# Containers without layouts or times, layouts and rates that some encoders do not know.
@pytest.mark.parametrize(
    ("name", "encoder", "sound"),
    [
        ("a.avi", "mpeg4", ("pcm_s16le", "mono", 44100)),
        ("a.avi", "mpeg4", ("pcm_s16le", "5.1", 48000)),
        ("a.mxf", "mpeg2video", ("pcm_s24le", "stereo", 48000)),
        ("a.wmv", "wmv2", ("wmav2", "stereo", 44100)),
        ("a.mkv", "libx264", ("ac3", "5.1(side)", 48000)),
        ("a.mkv", "libx264", ("flac", "7.1(wide)", 48000)),
        ("a.mkv", "libx264", ("flac", "quad(side)", 44100)),
        ("a.mkv", "libx264", ("flac", "stereo", 192000)),
        ("a.mkv", "libx264", ("flac", "mono", 37800)),
        ("a.flv", "flv", ("libmp3lame", "mono", 11025)),
    ],
)
@pytest.mark.parametrize("ending", FILMS)
def test_sound_of_any_layout_and_rate_is_kept_in_time(tmp_path, name, encoder, sound, ending):
    pix_fmt = "yuv422p" if encoder == "mpeg2video" else "yuv420p"
    source = film(tmp_path / name, ball(20), encoder=encoder, pix_fmt=pix_fmt, sound=sound)
    path = written(tmp_path / f"b{ending}", source)
    with av.open(str(path)) as container:
        (found,) = container.streams.audio
        assert found.layout.nb_channels == av.AudioLayout(sound[1]).nb_channels
    late = float(packets(path, "video")[0][0])
    samples, original = heard(path)[round(48000 * late) :], tone(0.8)
    agreement = correlate(samples, original) / np.linalg.norm(original) / np.linalg.norm(samples)
    assert agreement.max() > 0.95
    assert abs(agreement.argmax() - len(original) + 1) < 0.06 * 48000, "within a frame or so"


def test_channels_that_no_encoder_takes_are_refused_by_name(tmp_path):
    source = film(tmp_path / "a.mkv", ball(2), sound=("pcm_s16le", "22.2", 48000))
    with pytest.raises(ValueError, match=r"has 24 channels .* which aac cannot code; write \.mov"):
        written(tmp_path / "b.mp4", source)
    written(tmp_path / "b.mov", source)


@pytest.mark.parametrize(
    "name", ["12:30.mp4", "-x.mp4", "a%04d.mov", "pipe:1.mov", "n" * 250 + ".mov"]
)
def test_names_mean_files_and_nothing_else(tmp_path, name, monkeypatch):
    if os.name == "nt":
        pytest.skip("Windows has no such names")
    monkeypatch.chdir(tmp_path)
    assert write_video(name, ball(2), rate=25) == 2
    assert os.listdir() == [name]
    assert len(list(read_video(name))) == 2
    written("b.mov", name)


def test_tags_of_other_code_pages_do_not_matter(tmp_path):
    path = tmp_path / "a.avi"
    with av.open(str(path), "w") as output:
        output.metadata["title"] = "Caf#s"
        stream = output.add_stream("mpeg4", rate=25)
        stream.height, stream.width, stream.pix_fmt = 36, 50, "yuv420p"
        for picture in ball(3):
            output.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        output.mux(stream.encode(None))
    path.write_bytes(path.read_bytes().replace(b"Caf#s", b"Caf\xe9s"))
    assert len(list(read_video(path))) == 3


@pytest.mark.parametrize("sound", [None, ("mp2", "mono", 48000)])
@pytest.mark.parametrize("ending", FILMS)
def test_times_that_go_back_go_on_with_a_warning(tmp_path, sound, ending):
    one = film(tmp_path / "one.ts", ball(20), sound=sound)
    (tmp_path / "three.ts").write_bytes(one.read_bytes() * 3)
    with pytest.warns(UserWarning, match=r"the times of .*three\.ts go back at \d\.\d\d s"):
        path = written(tmp_path / f"a{ending}", tmp_path / "three.ts")
    times = np.array([float(time) for time, _ in packets(path, "video")])
    assert len(times) == 60
    assert np.abs(np.diff(np.sort(times)) - 0.04).max() < 0.002
    if sound:
        begun = [float(time) for time, _ in packets(path, "audio")]
        assert np.diff(begun).min() >= 0
        assert begun[-1] == pytest.approx(times.max(), abs=0.1)


def test_frames_of_an_avi_with_b_frames_are_even(tmp_path):
    clip = read_video(film(tmp_path / "a.avi", ball(14), options={"bf": "2"}))
    assert [frame.time for frame in clip.frames()] == [Fraction(at, 25) for at in range(14)]


@pytest.mark.parametrize("ending", FILMS)
def test_a_last_frame_lasts_as_long_as_the_film_says(tmp_path, ending):
    lasts = [Fraction(1, 10)] * 3 + [Fraction(3)]
    times = [Fraction(at, 10) for at in range(4)]
    form = {"times": times, "durations": lasts, "options": {"bf": "0"}}
    source = film(tmp_path / "a.mp4", ball(4), **form)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # as if it were cut short
        *_, last = read_video(source).frames()
        assert last.duration == 3
        path = written(tmp_path / f"b{ending}", source)
    assert float(end(path)) == pytest.approx(3.3, abs=0.01)


def test_a_timecode_is_kept(tmp_path):
    form = {"encoder": "prores_ks", "pix_fmt": "yuv422p10le"}
    source = film(tmp_path / "a.mov", ball(3), timecode="01:02:03:04", **form)
    assert read_video(source).timecode == "01:02:03:04"
    for ending in FILMS:
        assert read_video(written(tmp_path / f"b{ending}", source)).timecode == "01:02:03:04"


def woven(count, height=96, width=128):
    moments = list(ball(2 * count, height, width))
    for even, odd in zip(moments[::2], moments[1::2], strict=True):
        even[1::2] = np.roll(odd, 5, axis=1)[1::2]
        yield even


def test_interlaced_film_is_told_of_once(tmp_path):
    options = {"flags": "+ildct+ilme", "top": "1"}
    path = film(tmp_path / "a.mpg", woven(4), encoder="mpeg2video", options=options)
    with pytest.warns(UserWarning, match="is interlaced.*Deinterlace it first: ffmpeg"):
        clip = read_video(path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(list(clip)) == 4


def dv(path, pictures):
    return film(path, pictures, encoder="dvvideo", pix_fmt="yuv420p")


def test_raw_dv_has_the_rate_of_its_tape_and_its_combs_are_seen(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        clip = read_video(dv(tmp_path / "a.dv", ball(3, 576, 720)))
        assert (clip.rate, len(list(clip))) == (25, 3)
    with pytest.warns(UserWarning, match="is interlaced"):
        read_video(dv(tmp_path / "b.dv", woven(2, 576, 720)))


@pytest.mark.parametrize("bits", [8, 9, 10, 12, 14])
@pytest.mark.parametrize("limited", [False, True])
def test_gray_of_any_depth_and_range_is_at_full_scale(tmp_path, bits, limited):
    dtype, name = (np.uint8, "gray") if bits == 8 else (np.uint16, f"gray{bits}le")
    black, white = (16 << bits - 8, 235 << bits - 8) if limited else (0, 2**bits - 1)
    levels = np.linspace(black, white, 14).round().astype(dtype)[None].repeat(11, 0)
    tags = {"color_range": 1 if limited else 2}
    form = {"encoder": "ffv1", "pix_fmt": name, "planes": True, "tags": tags}
    (image,) = read_video(film(tmp_path / "a.mkv", [[levels]], **form))
    full = np.iinfo(image.dtype).max
    expected = (levels.astype(float) - black) / (white - black) * full
    assert np.abs(image - expected[..., None]).max() <= 0.5
    assert image.max() == full == (255 if bits == 8 else 65535)


def test_chroma_of_motion_jpeg_lies_in_the_middle(tmp_path):
    _, x = np.mgrid[:8, :16]
    small = (90 + 4 * (2 * x[:, :8] + 0.5)).astype(np.uint8)
    planes = [np.full((16, 16), 128, np.uint8), small, np.full((8, 8), 128, np.uint8)]
    form = {"encoder": "mjpeg", "pix_fmt": "yuvj420p", "planes": True, "options": {"q": "1"}}
    path = film(tmp_path / "a.mov", [planes], **form)
    with av.open(str(path)) as container:
        blue = next(container.decode(video=0)).planes[1]
        coded = np.frombuffer(blue, np.uint8).reshape(blue.height, -1)[4, :8].astype(float)
    (image,) = read_video(path)
    at = np.interp(np.arange(16), 2 * np.arange(8) + 0.5, coded)
    expected = 128 + 1.772 * (at - 128)
    assert np.abs(image[8, 1:-1, 2] - expected[1:-1]).max() <= 0.51


HLG = {"colorspace": 9, "color_primaries": 9, "color_trc": 18, "color_range": 1}


@pytest.mark.parametrize(("ending", "depth"), [(".mov", 12), (".mp4", 10), (".webm", 8)])
def test_hdr_keeps_10_bits_or_says_that_it_does_not(tmp_path, ending, depth):
    form = {"encoder": "ffv1", "pix_fmt": "yuv420p10le", "tags": HLG}
    source = film(tmp_path / "a.mkv", ball(2), **form)
    if depth == 8:
        with pytest.warns(UserWarning, match=r"is HDR \(HLG\), and .*b\.webm keeps 8 bits"):
            path = written(tmp_path / f"b{ending}", source)
    else:
        path = written(tmp_path / f"b{ending}", source)
    said = look(path)
    assert [said[name] for name in HLG] == [9, 9, 18, 1]
    assert av.VideoFormat(said["pix_fmt"]).components[0].bits == depth
    for image, before in zip(read_video(path), read_video(source), strict=True):
        assert np.abs(image / np.iinfo(image.dtype).max - before / 65535).mean() < 0.01


def test_hdr_as_pictures_is_told_of(tmp_path):
    form = {"encoder": "ffv1", "pix_fmt": "yuv420p10le", "tags": HLG}
    source = film(tmp_path / "a.mkv", ball(2), **form)
    with pytest.warns(UserWarning, match="PNG and TIFF files do not say so"):
        written(tmp_path / "out", source)
