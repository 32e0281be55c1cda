"""What workers do for a job: its folder, from the files that came to the pictures that go."""

from io import BytesIO

import cv2
import numpy as np
import pytest
from PIL import Image

import alphamat
from alphamat.io import read_image, read_picture, write_image
from alphamat.progress import listening
from alphamat.serve import work
from alphamat.serve.painting import Painting
from alphamat.serve.stored import facts, load, store
from tests.alphamat.io.writers import profile

H, W = 45, 62


def scene(height=H, width=W):
    """A bright disc with a soft edge before a dark ground, and its trimap."""
    y, x = np.ogrid[:height, :width]
    distance = np.hypot(y - height / 2, x - width / 2)
    truth = np.clip((height / 3.5 - distance) / 4 + 0.5, 0, 1)[..., None]
    grain = 0.06 * np.random.default_rng(61).random((height, width, 3))
    image = truth * [0.9, 0.6, 0.3] + (1 - truth) * [0.1, 0.2, 0.4] + grain
    trimap = np.full((height, width), 128, np.uint8)
    trimap[distance < height / 3.5 - 5], trimap[distance > height / 3.5 + 5] = 255, 0
    return np.rint(255 * np.clip(image, 0, 1)).astype(np.uint8), trimap


def png(pixels, **options):
    file = BytesIO()
    write_image(file, pixels, format="png", **options)
    return file.getvalue()


def picture(content):
    return read_image(BytesIO(content))


@pytest.fixture
def folder(tmp_path):
    """The folder of a job that came with a picture and its trimap."""
    image, trimap = scene()
    (tmp_path / "picture").write_bytes(png(image))
    (tmp_path / "trimap").write_bytes(png(trimap))
    return tmp_path


@pytest.fixture
def unsure(tmp_path):
    """The folder of a job whose picture shows nobody."""
    (tmp_path / "picture").write_bytes(png(scene()[0]))
    assert work.cut(tmp_path, {}).state == "unsure"
    return tmp_path


def test_a_trimap_gives_what_the_method_gives(folder):
    steps = []
    with listening(steps.append):
        found = work.cut(folder, {})
    assert found == (W, H, 0.0, "", [], "done")
    assert found == facts(folder)
    assert steps[0].text == "reading the picture"
    image, trimap = scene()
    alpha = alphamat.learned(image, trimap)
    np.testing.assert_allclose(load(folder, "alpha"), alpha, atol=1e-6)
    np.testing.assert_array_equal(picture(work.render(folder, "picture")), image)
    np.testing.assert_array_equal(picture(work.render(folder, "trimap")), trimap)
    np.testing.assert_array_equal(picture(work.render(folder, "alpha")), np.rint(255 * alpha))
    deep = picture(work.render(folder, "alpha", 16))
    assert deep.dtype == np.uint16
    np.testing.assert_allclose(deep / 65535, alpha, atol=2e-5)


def test_a_cutout_has_the_foregrounds_own_colours(folder):
    work.cut(folder, {})
    image, trimap = scene()
    alpha = alphamat.learned(image, trimap)
    foreground = alphamat.estimate_foreground(image, alpha).foreground
    expected = np.dstack([foreground, alpha])
    for bits in (8, 16):
        found = picture(work.render(folder, "cutout", bits)) / (2**bits - 1)
        np.testing.assert_allclose(found, expected, atol=0.51 / 255)
    over = picture(work.render(folder, "composite", 8, "#336699")) / 255
    blended = alphamat.composite(foreground, alpha, np.array([0.2, 0.4, 0.6]))
    np.testing.assert_allclose(over, blended, atol=0.51 / 255)
    work.stroke(folder, png(np.full((9, 9), 255, np.uint8)), 2, 3)
    painted = picture(work.render(folder, "cutout"))[3:12, 2:11]
    assert (painted[..., 3] == 255).all()
    assert np.abs(painted[..., :3].astype(int) - image[3:12, 2:11]).max() < 9


def test_all_pictures_round_alpha_alike(folder):
    work.cut(folder, {})
    levels = (np.arange(H * W).reshape(H, W) % 255 + 0.5) / 255  # between two levels
    store(folder, alpha=levels.astype(np.float32))
    alpha = picture(work.render(folder, "alpha"))
    np.testing.assert_array_equal(picture(work.render(folder, "cutout"))[..., 3], alpha)


def test_any_method_can_be_chosen(folder):
    work.cut(folder, {"method": "closed-form"})
    expected = alphamat.closed_form(*scene())
    np.testing.assert_allclose(load(folder, "alpha"), expected, atol=1e-6)
    work.again(folder, None, {"method": "fast"})
    np.testing.assert_allclose(load(folder, "alpha"), alphamat.fast(*scene()), atol=1e-6)
    with pytest.raises(ValueError, match="`method` is 'magic'; expected one of: closed-form"):
        work.again(folder, None, {"method": "magic"})


def test_a_stroke_is_answered_with_the_rectangle_that_changed(folder):
    work.cut(folder, {})
    before = picture(work.render(folder, "alpha")).copy()
    content, (x, y, width, height) = work.stroke(
        folder, png(np.full((5, 9), 255, np.uint8)), 40, 20
    )
    changed = picture(content)
    assert changed.shape == (height, width)
    after = picture(work.render(folder, "alpha")).copy()
    np.testing.assert_array_equal(after[y : y + height, x : x + width], changed)
    assert (after[20:25, 40:49] == 255).all()
    assert (load(folder, "trimap")[20:25, 40:49] == 255).all()
    after[y : y + height, x : x + width] = before[y : y + height, x : x + width]
    assert np.abs(after.astype(int) - before).max() <= 1


def test_a_stroke_on_a_small_picture_warms_the_process(monkeypatch):
    solved = []
    monkeypatch.setattr(Painting, "_step", lambda self, *rest: solved.append(rest) or 0.0)
    work.warm()
    assert solved


def test_the_full_method_runs_on_what_was_painted(folder):
    work.cut(folder, {})
    _, trimap = scene()
    trimap[20:25, 40:49] = 255
    work.again(folder, png(trimap), {})
    np.testing.assert_array_equal(load(folder, "trimap"), trimap)
    expected = alphamat.learned(scene()[0], trimap)
    np.testing.assert_allclose(load(folder, "alpha"), expected, atol=1e-6)


def test_what_is_painted_while_a_method_runs_is_kept(folder, monkeypatch):
    work.cut(folder, {})
    cut_out = work.cut_out

    def painting(*arguments, **given):
        work.stroke(folder, png(np.full((9, 9), 255, np.uint8)), 2, 3)
        return cut_out(*arguments, **given)

    monkeypatch.setattr(work, "cut_out", painting)
    work.again(folder, png(scene()[1]), {})
    assert (load(folder, "trimap")[3:12, 2:11] == 255).all()
    cutout = picture(work.render(folder, "cutout"))[3:12, 2:11].astype(int)
    assert (cutout[..., 3] == 255).all()
    assert np.abs(cutout[..., :3] - scene()[0][3:12, 2:11]).max() < 9


def test_one_of_several_objects_is_kept(folder):
    work.cut(folder, {})
    _, trimap = scene()
    trimap[2:6, 3:9] = 255
    for keep, expected in (("all", (255, 255)), ("largest", (0, 255)), ([5, 3], (255, 0))):
        work.again(folder, png(trimap), {"keep": keep})
        levels = load(folder, "trimap")
        assert (levels[3, 5], levels[H // 2, W // 2]) == expected
    with pytest.raises(ValueError, match="`keep` is 'some'; expected 'all', 'largest', or a"):
        work.again(folder, png(trimap), {"keep": "some"})


def test_nothing_is_known_of_a_picture_that_shows_nobody(unsure):
    found = facts(unsure)
    assert found.doubt > 0.5
    assert found.reason.endswith(".")
    assert (load(unsure, "trimap") == 128).all()
    assert (load(unsure, "alpha") == 0).all()
    assert (picture(work.render(unsure, "trimap")) == 128).all()


def test_a_box_helps_where_nothing_is_known(unsure):
    found = work.cut(unsure, {"box": [12, 5, 50, 40]})
    assert found.state == "done"
    alpha = picture(work.render(unsure, "alpha"))
    assert alpha[H // 2, W // 2] > 250
    assert alpha[0, 0] == alpha[-1, -1] == 0


def test_first_strokes_are_answered_at_once_where_nothing_is_known(unsure):
    content, place = work.stroke(unsure, png(np.full((6, 8), 255, np.uint8)), 28, 20)
    assert place == (0, 0, W, H)
    assert (picture(content)[20:26, 28:36] > 250).all()
    work.stroke(unsure, png(np.zeros((3, 60), np.uint8)), 1, 1)
    scribbles = load(unsure, "trimap")
    content, _ = work.stroke(unsure, png(np.full((H, W), 128, np.uint8)), 0, 0)  # all undone
    assert (picture(content) == 0).all()
    found = work.again(unsure, png(scribbles), {})
    assert found.state == "done"
    assert (load(unsure, "trimap") == 128).mean() < 0.5 < (scribbles == 128).mean()
    alpha = picture(work.render(unsure, "alpha"))
    assert alpha[H // 2, W // 2] > 250
    assert alpha[0, 0] == alpha[-1, -1] == 0


def test_a_whole_trimap_is_no_scribble_even_where_nothing_was_known(unsure):
    trimap = scene()[1]
    assert (trimap == 128).mean() < 0.5
    work.again(unsure, png(trimap), {})
    np.testing.assert_array_equal(load(unsure, "trimap"), trimap)


def test_a_trimap_without_strokes_stays_unsure(unsure):
    found = work.again(unsure, png(np.full((H, W), 128, np.uint8)), {})
    assert found.state == "unsure"


def test_a_mask_made_elsewhere_is_taken(tmp_path):
    image, trimap = scene()
    (tmp_path / "picture").write_bytes(png(image))
    (tmp_path / "mask").write_bytes(png(np.where(trimap > 0, 255, 0).astype(np.uint8)))
    assert work.cut(tmp_path, {}).state == "done"
    levels = load(tmp_path, "trimap")
    assert levels[H // 2, W // 2] == 255
    assert levels[0, 0] == 0


def test_a_network_without_trimap_gives_its_own_alpha(folder, monkeypatch):
    from alphamat.serve import cutting

    opinion = np.clip(scene()[0][..., 0] / 150 - 0.3, 0, 1)
    monkeypatch.setattr(cutting, "method_of", lambda options: lambda image: opinion)
    (folder / "trimap").unlink()
    assert work.cut(folder, {}).warnings == []
    alpha, trimap = load(folder, "alpha"), load(folder, "trimap")
    np.testing.assert_allclose(alpha[trimap == 128], opinion[trimap == 128], atol=1e-6)
    found = work.again(folder, png(scene()[1]), {})
    assert "takes no trimap" in found.warnings[0]
    expected = alphamat.learned(*scene())
    np.testing.assert_allclose(load(folder, "alpha"), expected, atol=1e-6)


def test_a_picture_is_turned_as_its_exif_says(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    image, trimap = scene()
    Image.fromarray(image).save(tmp_path / "picture", "JPEG", exif=exif)
    (tmp_path / "trimap").write_bytes(png(np.ascontiguousarray(np.rot90(trimap, -1))))
    assert work.cut(tmp_path, {})[:2] == (H, W)
    assert picture(work.render(tmp_path, "cutout")).shape == (W, H, 4)


def test_colour_profiles_go_into_what_has_colours(folder):
    (folder / "picture").write_bytes(png(scene()[0], profile=profile(b"RGB ")))
    work.cut(folder, {})
    kept = {
        kind: read_picture(BytesIO(work.render(folder, kind))).profile is not None
        for kind in ("picture", "cutout", "composite", "alpha", "trimap")
    }
    assert kept == {
        "picture": True, "cutout": True, "composite": True, "alpha": False, "trimap": False
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("picture", b"", "`picture` is empty"),
        ("picture", b"GIF89a" + bytes(40), "`picture` is GIF, which is not read"),
        ("picture", png(scene()[0])[:900], "`picture` is damaged"),
        ("picture", png(np.zeros((50, 61), np.uint8)), "`picture` has 50 × 61 pixels .* at most"),
        ("trimap", png(np.zeros((9, 14), np.uint8)), "`trimap` .*9"),
        ("trimap", png(np.zeros((H, W), np.uint8)), "`trimap` marks no foreground"),
        ("trimap", png(scene()[0]), "`trimap` has colours"),
        ("mask", png(np.zeros((9, 14), np.uint8)), "`mask` .*9"),
    ],
)
def test_bad_files_are_refused_in_words_without_paths(folder, name, content, message):
    if name == "mask":
        (folder / "trimap").unlink()
    (folder / name).write_bytes(content)
    with pytest.raises(ValueError, match=message) as caught:
        work.cut(folder, {}, limit=3000)
    assert str(folder) not in str(caught.value)


@pytest.mark.parametrize(("x", "y"), [(-1, 0), (0, -1), (W - 8, 0), (0, H - 4)])
def test_strokes_outside_the_picture_are_refused(folder, x, y):
    work.cut(folder, {})
    with pytest.raises(ValueError, match=f"`patch` is 9 × 5 pixels .* at \\({x}, {y}\\)"):
        work.stroke(folder, png(np.zeros((5, 9), np.uint8)), x, y)


def test_a_patch_has_at_most_the_pixels_of_the_picture(folder):
    work.cut(folder, {})
    bomb = cv2.imencode(".png", np.zeros((H + 1, W), np.uint8))[1].tobytes()
    with pytest.raises(ValueError, match="`patch` has 46 × 62 pixels"):
        work.stroke(folder, bomb, 0, 0)


def test_pictures_of_other_kinds_are_refused(folder):
    work.cut(folder, {})
    with pytest.raises(ValueError, match=r"`kind` is '\.\./picture'; expected one of: picture"):
        work.render(folder, "../picture")


def test_stored_arrays_are_whole_or_as_before(tmp_path, monkeypatch):
    store(tmp_path, alpha=np.zeros(3))

    def full(file, array):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    with pytest.raises(OSError, match="No space"):
        store(tmp_path, alpha=np.ones(3))
    np.testing.assert_array_equal(load(tmp_path, "alpha"), np.zeros(3))
