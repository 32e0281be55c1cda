"""Animated pictures as clips, and clips of EXR frames."""

from fractions import Fraction

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from alphamat.cli import app
from alphamat.door import encode_srgb
from alphamat.io import read_picture, write_image
from alphamat.method import Matte
from alphamat.video import composite_light, cutout_light, light_of, read_video, write_video
from tests.alphamat.io.writers import refusal

TIMES = [40, 80, 250]  # milliseconds


def pictures(count=3):
    """Return pictures of few colours, so that GIF keeps them."""
    y, x = np.mgrid[:22, :31]
    colours = np.array([[250, 20, 10], [10, 240, 20], [5, 15, 245], [255, 255, 255]], np.uint8)
    return [colours[(x + 3 * k) // 9 % 4 ^ y // 11] for k in range(count)]


def save(path, images, **options):
    first, *others = [Image.fromarray(image) for image in images]
    lossless = {"lossless": True} if path.suffix == ".webp" else {}
    first.save(path, save_all=True, append_images=others, duration=TIMES, **lossless, **options)


@pytest.mark.parametrize("name", ["a.webp", "a.png", "a.gif"])
def test_an_animation_is_a_clip_with_its_times(tmp_path, name):
    save(tmp_path / name, pictures())
    clip = read_video(tmp_path / name)
    frames = list(clip.frames())
    assert clip.count == len(frames) == 3
    assert clip.size == (22, 31)
    assert clip.rate == Fraction(3000, sum(TIMES))
    assert [frame.time for frame in frames] == [0, Fraction(1, 25), Fraction(3, 25)]
    assert [1000 * frame.duration for frame in frames] == TIMES
    for frame, expected in zip(frames, pictures(), strict=True):
        np.testing.assert_array_equal(frame.image, expected)


def test_frames_without_times_are_shown_as_browsers_do(tmp_path):
    first, *others = [Image.fromarray(image) for image in pictures()]
    first.save(tmp_path / "a.gif", save_all=True, append_images=others)
    durations = [frame.duration for frame in read_video(tmp_path / "a.gif").frames()]
    assert durations == [Fraction(1, 10)] * 3


def test_the_hidden_picture_of_an_apng_is_no_frame(tmp_path):
    save(tmp_path / "a.png", pictures(4), default_image=True)
    frames = list(read_video(tmp_path / "a.png").frames())
    assert [frame.number for frame in frames] == [1, 2, 3]
    for frame, expected in zip(frames, pictures(4)[1:], strict=True):
        np.testing.assert_array_equal(frame.image, expected)


@pytest.mark.parametrize("name", ["b.webp", "b.apng"])
def test_what_was_written_has_alpha_and_times(tmp_path, name):
    save(tmp_path / "a.png", pictures())
    clip = read_video(tmp_path / "a.png")
    alpha = np.tile(np.linspace(0, 255, 31).astype(np.uint8), (22, 1))
    cut = [f._replace(image=np.dstack([f.image, alpha])) for f in clip.frames()]
    assert write_video(tmp_path / name, cut, source=clip) == 3
    frames = list(read_video(tmp_path / name).frames())
    assert [1000 * frame.duration for frame in frames] == TIMES
    for frame, picture in zip(frames, cut, strict=True):
        np.testing.assert_array_equal(frame.image[..., 3], alpha)
        if name == "b.apng":
            np.testing.assert_array_equal(frame.image, picture.image)
    with pytest.raises(FileExistsError, match="is there already"):
        write_video(tmp_path / name, cut, source=clip)


def test_sixteen_bits_are_rounded_and_a_rate_is_needed(tmp_path):
    deep = [image.astype(np.uint16) * 257 + 100 for image in (p // 2 for p in pictures())]
    write_video(tmp_path / "a.apng", deep, rate=25)
    for image, expected in zip(read_video(tmp_path / "a.apng"), pictures(), strict=True):
        np.testing.assert_array_equal(image, expected // 2)
    with pytest.raises(ValueError, match="needs a rate"):
        write_video(tmp_path / "b.apng", deep)


@pytest.mark.parametrize("name", ["a.webp", "a.png", "a.gif"])
def test_damage_gives_one_error_that_names_the_file(tmp_path, name):
    save(tmp_path / name, pictures())
    whole = np.frombuffer((tmp_path / name).read_bytes(), np.uint8)
    rng, refused = np.random.default_rng(44), 0
    for at in range(40):
        damaged = whole.copy()
        damaged[rng.integers(13, len(whole), 4)] = rng.integers(0, 256, 4)
        content = damaged.tobytes() if at % 2 else whole[: rng.integers(13, len(whole))].tobytes()
        (tmp_path / name).write_bytes(content)
        message = refusal(tmp_path / name, lambda path: list(read_video(path).frames()))
        refused += message is not None
        assert message is None or str(tmp_path / name) in message
    assert refused


def test_a_rate_or_a_layer_is_not_for_animations(tmp_path):
    save(tmp_path / "a.gif", pictures())
    for options, told in (({"rate": 25}, "has its own"), ({"layer": "sky"}, "has none")):
        with pytest.raises(ValueError, match=f"is an animation, which {told}"):
            read_video(tmp_path / "a.gif", **options)


@pytest.fixture
def plates(tmp_path):
    """Return a folder of two EXR frames, a red disc of light 5 before a dark wall."""
    pytest.importorskip("OpenEXR")
    (tmp_path / "shot").mkdir()
    y, x = np.mgrid[:40, :50]
    for at in range(2):
        inside = np.clip((12 - np.hypot(y - 20, x - 24 - at)) / 3, 0, 1)[..., None]
        grain = np.random.default_rng(at).normal(scale=0.002, size=(40, 50, 3))
        light = inside * [5, 0.3, 0.1] + (1 - inside) * [0.05, 0.1, 0.4] + grain
        write_image(tmp_path / "shot" / f"{at + 1:04}.exr", light)
    distance = np.hypot(y - 20, x - 24)
    write_image(tmp_path / "trimap.png", np.select([distance < 8, distance > 15], [1.0, 0.0], 0.5))
    return tmp_path


def test_exr_frames_show_srgb_of_sixteen_bits_and_keep_their_light(plates):
    for frame in read_video(plates / "shot", exposure=-1).frames():
        light = read_picture(plates / "shot" / f"{frame.number:04}.exr").pixels
        np.testing.assert_array_equal(light_of(frame).pixels, light)
        shown = 65535 * encode_srgb(light.astype(float) / 2)
        assert frame.image.dtype == np.uint16
        assert np.abs(frame.image - shown).max() <= 0.5001


def test_frames_are_cut_out_and_composited_in_light(plates):
    (frame, *_) = read_video(plates / "shot").frames()
    light = light_of(frame).pixels
    matte = Matte(np.tile(np.linspace(0, 1, 50), (40, 1)))
    rgba = cutout_light(light, matte)
    np.testing.assert_array_equal(rgba[..., 3], matte.alpha)
    np.testing.assert_array_equal(rgba[:, -1, :3], light[:, -1])
    over = composite_light(light, matte, np.array([7.0, 0, 0]))
    np.testing.assert_allclose(over[:, 0], [[7, 0, 0]] * 40)
    np.testing.assert_array_equal(over[:, -1], light[:, -1])


@pytest.mark.parametrize("over", [None, "white", "shot"])
def test_the_command_takes_and_gives_light(plates, over):
    (plates / "out").mkdir()
    arguments = [plates / "shot", plates / "trimap.png", "-o", plates / "out" / "%04d.exr"]
    behind = plates / "shot" if over == "shot" else over
    arguments += [] if over is None else ["--over", behind]
    result = CliRunner().invoke(app, ["video", *map(str, arguments)])
    assert result.exit_code == 0, result.output
    for number in (1, 2):
        light = read_picture(plates / "shot" / f"{number:04}.exr").pixels
        made = read_picture(plates / "out" / f"{number:04}.exr").pixels
        np.testing.assert_array_equal(made[18:22, 22:26, :3], light[18:22, 22:26])
        corner = {None: [0, 0, 0], "white": [1, 1, 1], "shot": light[0, 0]}[over]
        np.testing.assert_array_equal(made[0, 0, :3], corner)
        assert made.shape[2] == (4 if over is None else 3)


def test_animations_go_through_the_command(plates):
    save(plates / "a.gif", pictures())
    write_image(plates / "hint.png", np.pad(np.ones((6, 6)), ((8, 8), (12, 13))))
    arguments = [plates / "a.gif", plates / "hint.png", "-o", plates / "b.webp"]
    result = CliRunner().invoke(app, ["video", *map(str, arguments)])
    assert result.exit_code == 0, result.output
    frames = list(read_video(plates / "b.webp").frames())
    assert [1000 * frame.duration for frame in frames] == TIMES
    assert all(frame.image.shape == (22, 31, 4) for frame in frames)
