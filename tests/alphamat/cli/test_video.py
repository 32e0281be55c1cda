"""The command `alphamat video`."""

import json
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
from typer.testing import CliRunner

import alphamat
from alphamat import trimap
from alphamat.cli import app
from alphamat.io.images import read_image, write_image
from alphamat.video import read_video
from tests.alphamat.video.films import ball, film, heard, look

COUNT = 6


@pytest.fixture
def scene(tmp_path, monkeypatch):
    """Work in a folder with a film of a ball, its frames, and its trimaps, 36 × 50."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "frames").mkdir()
    (tmp_path / "trimaps").mkdir()
    shots = []
    for at, picture in enumerate(ball(COUNT, channels=4), 101):
        alpha = picture[..., 3:] / 255
        shot = alpha * [230, 60, 30] + (1 - alpha) * picture[..., :3]
        shots.append(shot.round().astype(np.uint8))
        write_image(f"frames/shot.{at}.png", shots[-1])
        write_image(f"trimaps/{at}.png", trimap.from_alpha(alpha[..., 0], inner=2, outer=2))
    film("clip.mp4", shots, sound="aac")
    return tmp_path


def run(*arguments):
    return CliRunner().invoke(app, ["video", *map(str, arguments)])


def files(folder):
    return {path.name for path in folder.iterdir()}


def test_a_film_becomes_one_with_alpha_and_sound(scene):
    before = files(scene)
    result = run("clip.mp4", "trimaps", "-o", "cut.mov")
    assert result.exit_code == 0, result.output
    assert files(scene) - before == {"cut.mov"}
    assert "warning" not in result.stderr
    assert result.stdout.startswith(f"wrote cut.mov\n{COUNT} frames, ")
    source, cut = read_video("clip.mp4"), read_video("cut.mov")
    assert (cut.rate, cut.size) == (source.rate, source.size)
    assert look("cut.mov")["kinds"] == ["video", "audio"]
    assert len(heard("cut.mov")) > 0.2 * 48000
    for shot, frame, at in zip(source, cut, range(101, 107), strict=True):
        alpha = alphamat.closed_form(shot, read_image(f"trimaps/{at}.png"))
        found = frame / 65535
        assert np.abs(found[..., 3] - alpha).max() <= 0.5 / 1023 + 1 / 4095
        solid = alpha > 0.9
        assert np.abs(found[solid][:, :3] * 255 - [230, 60, 30]).mean() < 6


def test_vp9_keeps_alpha_nearly(scene):
    result = run("frames", "trimaps", "--rate", 24, "-o", "cut.webm")
    assert result.exit_code == 0, result.output
    alphas = np.stack([frame[..., 3] for frame in read_video("cut.webm")]) / 255
    expected = [
        alphamat.closed_form(shot, mark[..., 0])
        for shot, mark in zip(read_video("frames"), read_video("trimaps"), strict=True)
    ]
    assert np.abs(alphas - expected).mean() < 0.01


@pytest.mark.parametrize("bits", [8, 16])
def test_pictures_become_pictures_with_their_numbers(scene, bits):
    result = run("frames", "trimaps/%d.png", "-o", "out", "--bits", bits)
    assert result.exit_code == 0, result.output
    assert files(scene / "out") == {f"0{at}.png" for at in range(101, 107)}
    picture = read_image("out/0103.png")
    full = 2**bits - 1
    shot, marks = read_image("frames/shot.103.png"), read_image("trimaps/103.png")
    off = np.abs(picture[..., 3] - full * alphamat.closed_form(shot, marks))
    assert off.max() <= 0.5 + full * 5e-6


def test_alpha_alone_is_gray(scene):
    (scene / "out").mkdir()
    result = run("clip.mp4", "trimaps", "--alpha", "-o", "out/a.%03d.tif", "--frames", 2)
    assert result.exit_code == 0, result.output
    assert files(scene / "out") == {"a.001.tif", "a.002.tif"}
    assert read_image("out/a.001.tif").shape == (36, 50)


@pytest.mark.parametrize(
    "over", ["white", "rgb(0, 0, 255)", "wall.png", "clip.mp4", "frames/*.png"]
)
def test_a_composite_is_over_a_colour_a_picture_or_a_clip(scene, over):
    write_image("wall.png", np.full((36, 50, 3), 0.25))
    result = run("clip.mp4", "trimaps", "--over", over, "-o", "over.mp4")
    assert result.exit_code == 0, result.output
    corner = {"white": 255, "rgb(0, 0, 255)": [0, 0, 255], "wall.png": 64}
    for frame, shot in zip(read_video("over.mp4"), read_video("frames"), strict=True):
        behind = corner.get(over, shot[:6, -6:])
        assert np.abs(frame[:6, -6:].astype(int) - behind).mean() < 5
        assert np.abs(frame[18, 12:14].astype(int) - [230, 60, 30]).mean() < 12


def test_json_is_one_object_and_all_there_is(scene):
    result = run("clip.mp4", "trimaps", "-o", "cut.webm", "--frames", 3, "--json")
    assert result.exit_code == 0, result.output
    assert "warning" not in result.stderr
    record = json.loads(result.stdout)
    assert record.pop("seconds") > 0
    assert record == {
        "outputs": {"cutout": "cut.webm"},
        "size": {"height": 36, "width": 50},
        "frames": 3,
        "rate": "25",
        "warnings": [],
    }


def test_a_film_is_overwritten_only_when_told(scene):
    (scene / "cut.mov").write_text("what was there")
    result = run("clip.mp4", "trimaps", "-o", "cut.mov")
    assert result.exit_code == 1
    assert result.stderr.startswith("error: cut.mov is there already; name another file, or")
    assert (scene / "cut.mov").read_text() == "what was there"
    assert run("clip.mp4", "trimaps", "-o", "cut.mov", "--overwrite").exit_code == 0
    assert len(list(read_video("cut.mov"))) == COUNT


def test_a_stopped_run_says_so_in_one_line(scene, monkeypatch):
    seen = []

    def stopped(image, trimap):
        seen.append(image)
        if len(seen) == 4:
            raise KeyboardInterrupt
        return np.full(np.shape(trimap)[:2], 0.5)

    monkeypatch.setattr("alphamat.cli.video.method_named", lambda name, weights: stopped)
    result = run("clip.mp4", "trimaps", "-o", "cut.mov")
    assert result.exit_code == 130
    (part,) = {name for name in files(scene) if name.startswith("cut.")}
    assert result.stderr == f"Stopped. What was made until then is kept as {part}.\n"
    assert len(list(read_video(part))) == 3
    seen[:] = [None] * 3
    assert run("clip.mp4", "trimaps", "-o", "other.mov").stderr == "Stopped.\n"
    assert not {name for name in files(scene) if name.startswith("other")}


def test_rates_that_look_alike_are_one(scene):
    film("clip2.mp4", ball(2), rate=Fraction(30000, 1001))
    film("wall.mkv", ball(2), rate=Fraction(2997, 100), encoder="ffv1", pix_fmt="yuv444p")
    film("fast.mp4", ball(2), rate=Fraction(30))
    done = run("clip2.mp4", "trimaps", "--over", "wall.mkv", "-o", "a.mp4")
    assert done.exit_code == 0, done.output
    done = run("clip2.mp4", "trimaps", "--over", "fast.mp4", "-o", "b.mp4")
    assert "has 30 frames per second, and clip2.mp4 has 30000/1001 (29.97)" in done.stderr


def test_a_backdrop_of_an_hdr_clip_is_told_of(scene):
    tags = {"colorspace": 9, "color_primaries": 9, "color_trc": 18, "color_range": 1}
    film("hdr.mkv", ball(2), encoder="ffv1", pix_fmt="yuv420p10le", tags=tags)
    result = run("hdr.mkv", "trimaps", "--over", "white", "-o", "a.mp4")
    assert result.exit_code == 0, result.output
    assert result.stderr.startswith("warning: hdr.mkv is HDR (HLG), and what --over names is not")
    assert (
        run("hdr.mkv", "trimaps", "--over", "hdr.mkv", "-o", "b.mp4").stderr.count("warning") == 0
    )


def test_warnings_of_many_frames_are_one_line(scene, monkeypatch):
    import warnings

    def doubtful(image, trimap):
        warnings.warn("stopped early", alphamat.ConvergenceWarning, stacklevel=2)
        return np.full(np.shape(trimap)[:2], 0.5)

    monkeypatch.setattr("alphamat.cli.video.method_named", lambda name, weights: doubtful)
    result = run("clip.mp4", "trimaps", "-o", "cut.mov")
    assert result.exit_code == 0, result.output
    assert result.stderr == f"warning: stopped early (and {COUNT - 1} more like it)\n"


def test_a_plate_reaches_the_method(scene, monkeypatch):
    def difference(image, trimap=None, plate=None):
        return (np.abs(image.astype(float) - plate).max(axis=-1) > 9).astype(float)

    monkeypatch.setattr("alphamat.cli.video.method_named", lambda name, weights: difference)
    write_image("plate.png", next(iter(ball(1))))
    for plate in ("plate.png", "frames"):
        result = run("frames", "--plate", plate, "--alpha", "-o", f"out-{plate[:5]}")
        assert result.exit_code == 0, result.output
    assert read_image("out-plate/0101.png").max() == 255
    assert read_image("out-frame/0101.png").max() == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none.mp4", "-o", "a.mov"], "none.mp4 does not exist"),
        (["notes.txt", "-o", "a.mov"], "notes.txt (5 bytes) is no film that can be read"),
        (["clip.mp4", "-o", "a.mov"], "error: `trimap` is missing; closed_form needs one"),
        (["clip.mp4", "trimaps", "-o", "a.mp4"], "a.mp4 cannot hold alpha"),
        (["clip.mp4", "trimaps", "-o", "a.gif"], "a.gif cannot be written; expected a name in"),
        (["clip.mp4", "trimaps", "-o", "nowhere/a.mov"], "there is no folder nowhere"),
        (["clip.mp4", "trimaps", "-o", "clip.mp4", "--over", "red"], "is one of the inputs"),
        (["clip.mp4", "trimaps", "-o", "a.mp4", "--over", "octarine"], "--over is 'octarine'"),
        (["clip.mp4", "trimaps", "-o", "a.mp4", "--over", "small.png"], "--over is 5 × 6"),
        (["frames", "trimaps", "-o", "frames"], "is one of the inputs"),
        (["clip.mp4", "trimaps", "-o", "trimaps/%d.tif"], "is in the folder of an input"),
        (["clip.mp4", "small.png", "-o", "a.mov"], "`trimap` is 5 × 6 and the clip is 36 × 50"),
        (["clip.mp4", "small", "-o", "a.mov"], "`trimap` is 5 × 6 and the clip is 36 × 50"),
        (["clip.mp4", "frames", "-o", "a.mov"], "has colours"),
        (["clip.mp4", "trimaps/10[12].png", "-o", "a.mov"], "does not exist"),
        (["frames", "trimaps", "-o", "a.mov"], "frames has no frame rate, which a.mov needs"),
        (["frames", "trimaps", "--rate", "x", "-o", "a.mov"], "expected frames per second"),
        (["clip.mp4", "trimaps", "--rate", "25", "-o", "a.mov"], "has its own"),
        (["clip.mp4", "trimaps", "--plate", "frames", "-o", "a.mov"], "takes none"),
        (["clip.mp4", "trimaps", "--over", "slow.mp4", "-o", "a.mp4"], "10 frames per second"),
        (["clip.mp4", "trimaps", "--over", "short.mp4", "-o", "a.mp4"], "ends before frame 3"),
        (["clip.mp4", "few", "-o", "a.mov"], "`trimaps` ends before the clip does"),
    ],
)
def test_refusals_are_one_line(scene, arguments, message):
    write_image("small.png", np.zeros((5, 6)))
    (scene / "small").mkdir()
    write_image("small/1.png", np.zeros((5, 6)))
    (scene / "few").mkdir()
    for at in (101, 102):
        write_image(f"few/{at}.png", read_image(f"trimaps/{at}.png"))
    (scene / "notes.txt").write_text("hello")
    film("slow.mp4", ball(2), rate=Fraction(10))
    film("short.mp4", ball(2))
    before = {path: path.read_bytes() for path in scene.rglob("*.*") if path.is_file()}
    result = run(*arguments)
    assert result.exit_code == 1, result.output
    assert result.stdout == ""
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    assert message in result.stderr
    assert before.items() <= {p: p.read_bytes() for p in scene.rglob("*.*") if p.is_file()}.items()
    assert not {"a.mov", "a.mp4"} & files(scene)


def test_the_output_is_checked_before_the_work(scene):
    result = run("clip.mp4", "small.png", "-o", "a.gif")
    assert "a.gif cannot be written" in result.stderr


def test_a_damaged_frame_is_named_and_what_came_before_is_kept(scene):
    path = scene / "clip.mov"
    film(path, ball(COUNT), encoder="prores_ks", pix_fmt="yuv444p10le")
    content = bytearray(path.read_bytes())
    at = 2 * len(content) // 3
    content[at : at + 400] = bytes(400)
    path.write_bytes(content)
    result = run("clip.mov", "trimaps", "-o", "cut.mov")
    assert result.exit_code == 1
    assert "frame 5 of clip.mov, at 0.16 s, is damaged" in result.stderr
    assert result.stderr.count("\n") == 1
    (part,) = {name for name in files(scene) if name.startswith("cut.")}
    assert part in result.stderr
    assert len(list(read_video(part))) == 4


@pytest.mark.parametrize(
    "arguments",
    [
        ["clip.mp4", "trimaps"],
        ["clip.mp4", "trimaps", "-o", "a.mov", "--bits", "8"],
        ["clip.mp4", "trimaps", "-o", "a.mov", "--over", "red", "--alpha"],
        ["clip.mp4", "trimaps", "-o", "a.mov", "--handheld"],
        ["clip.mp4", "trimaps", "-o", "a.mov", "--frames", "0"],
        ["clip.mp4", "trimaps", "-o", "a.mov", "--method", "magic"],
    ],
)
def test_misuse_exits_with_2(scene, arguments):
    before = files(scene)
    assert run(*arguments).exit_code == 2
    assert files(scene) == before


def test_the_command_needs_no_pyav_for_pictures(scene):
    program = (
        "import sys; sys.modules['av'] = None; from alphamat.cli import app; app(sys.argv[1:])"
    )
    for output, code in (("out", 0), ("a.mov", 1)):
        done = subprocess.run(
            [sys.executable, "-c", program, "video", "frames", "trimaps", "-o", output],
            capture_output=True,
            text=True,
        )
        assert done.returncode == code, done.stderr
    assert 'pip install "alphamat[video]"' in done.stderr


def test_a_stop_says_where_the_frames_are(scene, monkeypatch):
    def stopped(output, *_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("alphamat.video.write_video", stopped)
    result = run("clip.mp4", "trimaps", "-o", "made")
    assert result.exit_code == 130, result.output
    assert result.stderr == "Stopped. What was made until then is kept in made.\n"
