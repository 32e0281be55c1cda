"""The page, in a browser without a window, against a real server."""

import os
import shutil
import socket
import subprocess
import sys
import time
import zipfile
from contextlib import closing
from io import BytesIO
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import cv2
import numpy as np
import pytest

from alphamat.examples import astronaut
from alphamat.io import read_image, write_image

CHROMIUM = "/usr/bin/chromium"
TOKEN = "correct horse battery staple"
ROOT = Path(__file__).parents[3]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not shutil.which(CHROMIUM), reason=f"there is no {CHROMIUM}"),
]
sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytest.importorskip("uvicorn", reason="the extra serve is not installed")


@pytest.fixture(scope="module")
def address():
    """The address of a server that asks for a token."""
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = (
        f"from alphamat.serve import Settings, run\nrun(Settings(port={port}, token={TOKEN!r}))"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    server = subprocess.Popen([sys.executable, "-c", program], env=environment)
    url = f"http://127.0.0.1:{port}/"
    try:
        for _ in range(300):
            try:
                urlopen(f"{url}api/v1/health").close()
                break
            except URLError:
                assert server.poll() is None
                time.sleep(0.1)
        yield url
    finally:
        server.terminate()
        server.wait(30)


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def opened(address, browser):
    """A function that opens the page, which must not complain to the console."""
    contexts, complaints = [], []

    def open_page(**options):
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}} | options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(40_000)
        page.on("pageerror", lambda fault: complaints.append(str(fault)))
        page.on("console", lambda told: complaints.append(told.text) if is_bad(told) else None)
        page.goto(address)
        page.fill("#token", TOKEN)
        page.keyboard.press("Enter")
        wait_for_methods(page)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not complaints


def is_bad(told):
    """Whether the console tells of a fault, other than an answer that is told in words."""
    return told.type == "error" and "Failed to load resource" not in told.text


@pytest.fixture(scope="module")
def portrait(tmp_path_factory):
    path = tmp_path_factory.mktemp("pictures") / "astronaut.png"
    write_image(path, astronaut()[0])
    return path


@pytest.fixture(scope="module")
def nobody(tmp_path_factory):
    """A picture of a bright disc, which is no person."""
    y, x = np.ogrid[:150, :220]
    disc = (np.hypot(y - 75, x - 110) < 45)[..., None]
    grain = 0.1 * np.random.default_rng(5).random((150, 220, 3))
    path = tmp_path_factory.mktemp("pictures") / "disc.png"
    write_image(path, 0.9 * (disc * [1.0, 0.6, 0.2] + ~disc * [0.1, 0.3, 0.5]) + grain)
    return path


def wait_until(page, *states):
    """Wait until all pictures of the strip are in one of these states."""
    page.wait_for_function(
        "states => { const items = [...document.querySelectorAll('#strip li')];"
        " return items.length && items.every((item) => states.includes(item.dataset.state)); }",
        arg=list(states),
    )


def wait_for_methods(page):
    """Wait until the server has answered the page's first question."""
    page.wait_for_function("() => document.querySelectorAll('#method option').length > 5")


def never_refine(page):
    page.evaluate("document.getElementById('refining').click()")  # not seen without a picture


def middle(page):
    box = page.locator("#canvas").bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def paint(page, dx, dy, *, length=60):
    """Paint a stroke to the right; it begins so many pixels from the middle of the canvas."""
    x, y = middle(page)
    page.mouse.move(x + dx, y + dy)
    page.mouse.down()
    page.mouse.move(x + dx + length, y + dy, steps=8)
    page.mouse.up()


def draw_box(page, right=240):
    """Draw a box around the disc of `nobody`, or around its left part."""
    x, y = middle(page)
    page.mouse.move(x - 240, y - 220)
    page.mouse.down()
    page.mouse.move(x + right, y + 260, steps=3)
    page.mouse.up()


def shown(page, dx, dy):
    """Return the colour of a pixel of the canvas, so far from its middle."""
    return page.evaluate(
        "([dx, dy]) => { const canvas = document.getElementById('canvas');"
        " const x = canvas.width / 2 + dx * devicePixelRatio;"
        " const y = canvas.height / 2 + dy * devicePixelRatio;"
        " return [...canvas.getContext('2d').getImageData(x, y, 1, 1).data]; }",
        [dx, dy],
    )


def wait_for_colour(page, dx, dy, level):
    for _ in range(100):
        if shown(page, dx, dy)[:3] == [level] * 3:
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"{shown(page, dx, dy)} is not {level}")


def saved(page, button):
    with page.expect_download() as download:
        page.click(button)
    return Path(download.value.path()).read_bytes(), download.value.suggested_filename


def test_a_photograph_is_cut_out_corrected_and_saved(opened, portrait):
    page = opened()
    never_refine(page)
    page.set_input_files("#files", portrait)
    wait_until(page, "done")
    page.click("[data-view=alpha]")
    wait_for_colour(page, 0, -130, 255)  # the face
    page.keyboard.press("2")
    paint(page, -30, -130)
    page.mouse.move(5, 5)
    wait_for_colour(page, 0, -130, 0)
    alpha = read_image(BytesIO(saved(page, "[data-save=alpha8]")[0]))
    assert alpha.shape == (512, 512)
    assert (alpha == 0).sum() > 1000
    levels = read_image(BytesIO(saved(page, "[data-save=trimap]")[0]))
    assert set(np.unique(levels)) <= {0, 128, 255}
    np.testing.assert_array_equal(alpha[levels == 0], 0)

    page.keyboard.press("z")
    wait_for_colour(page, 0, -130, 255)
    page.keyboard.press("y")
    wait_for_colour(page, 0, -130, 0)
    page.keyboard.press("z")
    wait_for_colour(page, 0, -130, 255)
    before = read_image(BytesIO(saved(page, "[data-save=alpha8]")[0])).astype(int)
    deep, name = saved(page, "[data-save=alpha16]")
    assert name == "astronaut_alpha16.png"
    deep = read_image(BytesIO(deep))
    assert deep.dtype == np.uint16
    assert np.abs(deep / 257 - before).max() < 0.51
    content, name = saved(page, "[data-save=cutout]")
    assert name == "astronaut_cutout.png"
    cutout = read_image(BytesIO(content))
    assert cutout.shape == (512, 512, 4)
    np.testing.assert_array_equal(cutout[..., 3], before)
    page.click("[data-behind='#000000']")
    composite = read_image(BytesIO(saved(page, "[data-save=composite]")[0]))
    assert composite.shape == (512, 512, 3)
    np.testing.assert_array_equal(composite[before == 0], 0)

    page.click("#refine")
    page.wait_for_function("() => document.querySelector('#strip li').dataset.state !== 'done'")
    wait_until(page, "done")
    assert page.inner_text("#status") == ""


def test_keys_choose_tools_views_and_sizes(opened, nobody):
    page = opened()
    page.set_input_files("#files", nobody)
    wait_until(page, "unsure")
    pressed = "[aria-pressed=true]"
    for key, tool in [("2", "background"), ("3", "unknown"), ("b", "box"), ("h", "hand")]:
        page.keyboard.press(key)
        assert page.get_attribute(f"#tools {pressed}", "data-tool") == tool
    page.keyboard.press("1")
    assert page.get_attribute(f"#tools {pressed}", "data-tool") == "foreground"
    page.keyboard.press("]")
    assert page.input_value("#size") == "43"
    page.keyboard.press("[")
    assert page.input_value("#size") == "36"
    page.keyboard.press("v")
    assert page.get_attribute(f"#views {pressed}", "data-view") == "alpha"
    page.keyboard.press("c")
    page.wait_for_selector("#split")
    page.focus("#split")
    page.keyboard.press("ArrowRight")
    assert page.get_attribute("#split", "aria-valuenow") == "52"
    page.keyboard.press("0")
    page.wait_for_function("() => document.getElementById('scale').value === '100 %'")
    page.keyboard.press("?")
    assert page.is_visible("#help-dialog")
    page.keyboard.press("Escape")
    assert not page.is_visible("#help-dialog")
    page.mouse.move(*middle(page))
    page.mouse.wheel(0, -300)
    page.wait_for_function("() => parseInt(document.getElementById('scale').value) > 140")


def test_a_picture_without_a_person_asks_for_a_box(opened, nobody):
    page = opened()
    never_refine(page)
    page.set_input_files("#files", nobody)
    wait_until(page, "unsure")
    assert "Draw a box around the foreground" in page.inner_text("#status")
    assert page.get_attribute("[data-tool=box]", "aria-pressed") == "true"
    assert page.is_disabled("#save")
    draw_box(page)
    wait_until(page, "done")
    page.click("[data-view=alpha]")
    wait_for_colour(page, 0, 20, 255)
    wait_for_colour(page, -300, -150, 0)
    assert page.is_disabled("#undo")  # without a box, the picture would be as unsure again
    page.keyboard.press("b")
    draw_box(page, right=0)  # the rest of the disc has the same colours, and is outside
    wait_until(page, "unsure")
    page.keyboard.press("z")
    wait_until(page, "done")
    wait_for_colour(page, 0, 20, 255)
    assert page.is_disabled("#undo")


def test_pictures_are_pasted_dropped_and_saved_together(opened, nobody):
    page = opened()
    never_refine(page)
    page.evaluate(
        """(bytes) => {
          const [pasted, dropped] = ["a.png", "a.webp"].map((name) => {
            const files = new DataTransfer();
            files.items.add(new File([new Uint8Array(bytes)], name, { type: "image/png" }));
            return files;
          });
          dispatchEvent(new ClipboardEvent("paste", { clipboardData: pasted }));
          dispatchEvent(new DragEvent("drop", { dataTransfer: dropped }));
        }""",
        list(nobody.read_bytes()),
    )
    wait_until(page, "unsure")
    for item in page.locator("#strip .choose").all():
        item.click()
        page.keyboard.press("b")
        draw_box(page)
        page.wait_for_function("() => !document.getElementById('save').disabled")
    content, name = saved(page, "#save-all")
    assert name == "cutouts.zip"
    with zipfile.ZipFile(BytesIO(content)) as archive:
        assert archive.testzip() is None
        assert sorted(archive.namelist()) == ["a_cutout.png", "a_cutout_2.png"]
        assert read_image(BytesIO(archive.read("a_cutout.png"))).shape == (150, 220, 4)
    page.locator("#strip li").first.hover()
    page.locator("#strip .remove").first.click()
    assert page.locator("#strip li").count() == 1


def test_what_the_browser_cannot_read_is_shown_as_the_server_reads_it(opened, nobody, tmp_path):
    page = opened()
    write_image(tmp_path / "disc.tif", read_image(nobody))
    page.set_input_files("#files", tmp_path / "disc.tif")
    wait_until(page, "unsure")
    page.wait_for_timeout(100)
    red, _, blue, _ = shown(page, 0, 20)
    assert red > blue + 100


def test_faults_are_told_in_words(opened, tmp_path):
    page = opened()
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(40))
    page.set_input_files("#files", tmp_path / "broken.png")
    wait_until(page, "failed")
    assert page.inner_text("#status").startswith("The picture is damaged or cut short")
    page.evaluate(
        """() => {
          const clipboardData = new DataTransfer();
          clipboardData.items.add(new File(["text"], "a.txt", { type: "text/plain" }));
          dispatchEvent(new ClipboardEvent("paste", { clipboardData }));
        }"""
    )
    assert page.inner_text("#status").startswith("This is no picture.")


def test_two_fingers_zoom_and_take_back_the_first_ones_stroke(opened, nobody):
    page = opened(
        viewport={"width": 390, "height": 760},
        has_touch=True,
        is_mobile=True,
        device_scale_factor=2,
    )
    never_refine(page)
    page.set_input_files("#files", nobody)
    wait_until(page, "unsure")
    page.tap("[data-tool=foreground]")
    x, y = middle(page)
    session = page.context.new_cdp_session(page)

    def touch(kind, *points):
        points = [{"x": px, "y": py, "id": i} for i, (px, py) in enumerate(points)]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    scale = page.inner_text("#scale")
    touch("touchStart", (x - 20, y))
    touch("touchMove", (x - 15, y))
    touch("touchStart", (x - 15, y), (x + 20, y))
    touch("touchMove", (x - 60, y), (x + 60, y))
    touch("touchEnd")
    page.wait_for_timeout(200)
    assert page.evaluate("document.getElementById('scale').value") != scale
    assert page.is_disabled("#undo")
    touch("touchStart", (x, y))
    touch("touchMove", (x + 30, y))
    touch("touchEnd")
    page.wait_for_function("() => !document.getElementById('undo').disabled")


@pytest.mark.parametrize("width", [360, 700, 1024])
def test_nothing_overflows_and_targets_are_large_on_phones(opened, width):
    page = opened(viewport={"width": width, "height": 740}, has_touch=True)
    page.evaluate("document.body.classList.remove('empty')")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for button in page.locator("#tools button:visible, #views button:visible").all():
        box = button.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
        assert box["height"] >= (38 if width <= 760 else 30)
    if width <= 760:
        page.click("#adjust")
        assert page.is_visible("#panel")
        assert page.get_attribute("#adjust", "aria-expanded") == "true"


def test_the_page_is_light_or_dark(opened):
    background = "getComputedStyle(document.body).backgroundColor"
    page = opened(color_scheme="dark")
    assert page.evaluate(background) == "rgb(23, 24, 27)"
    page.click("#theme")
    assert page.evaluate(background) == "rgb(247, 247, 248)"
    assert page.get_attribute("#theme", "aria-label") == "Appearance: light"
    page.reload()
    assert page.evaluate(background) == "rgb(247, 247, 248)"
    assert not page.is_visible("#token-dialog")  # the tab remembers the token


def test_all_can_be_reached_and_left_by_the_keyboard(opened):
    page = opened()
    page.evaluate("document.body.classList.remove('empty')")
    seen = []
    for _ in range(60):
        page.keyboard.press("Tab")
        seen.append(page.evaluate("document.activeElement.id || document.activeElement.title"))
    wanted = {"open", "theme", "help", "canvas", "size", "hardness", "method", "keep", "refining"}
    assert wanted | {"Foreground (1)", "Box (b)"} <= set(seen)
    assert seen.count("open") > 1  # round and round, so there is no trap
    unnamed = page.evaluate(
        "[...document.querySelectorAll('button, input, select')].filter((x) => !x.hidden"
        " && !x.labels?.length && !x.textContent.trim() && !x.ariaLabel).map((x) => x.outerHTML)"
    )
    assert unnamed == []


def test_a_wrong_token_is_asked_for_again(opened):
    page = opened()
    page.evaluate("sessionStorage.clear()")
    page.reload()
    page.fill("#token", "wrong")
    page.keyboard.press("Enter")
    page.wait_for_function(
        "() => document.getElementById('token-told').textContent.includes('refused')"
    )
    page.fill("#token", TOKEN)
    page.keyboard.press("Enter")
    wait_for_methods(page)


def test_png_files_of_the_page_hold_what_they_were_given(opened):
    page = opened()
    levels = np.random.default_rng(3).integers(0, 256, (23, 31), np.uint8)
    levels[5:15] = np.arange(31)  # rows that PNG's filters like
    written = page.evaluate(
        """async ([levels, width, height]) => {
          const { encodeGray } = await import("/page/png.js");
          const file = await encodeGray(Uint8Array.from(levels), width, height);
          return [...new Uint8Array(await file.arrayBuffer())];
        }""",
        [levels.ravel().tolist(), 31, 23],
    )
    np.testing.assert_array_equal(read_image(BytesIO(bytes(written))), levels)
    for which in range(5):
        filters = [cv2.IMWRITE_PNG_FILTER, 1 << (3 + which)]
        content = cv2.imencode(".png", levels, filters)[1].tolist()
        read = page.evaluate(
            """async (bytes) => {
              const { decodeGray } = await import("/page/png.js");
              const { levels, width, height } = await decodeGray(Uint8Array.from(bytes).buffer);
              return [[...levels], width, height];
            }""",
            content,
        )
        assert read == [levels.ravel().tolist(), 31, 23]


def test_the_rim_of_a_soft_brush_is_unknown_and_covers_nothing_certain(opened):
    page = opened()
    painted, before = page.evaluate(
        """async () => {
          const { Stroke } = await import("/page/brush.js");
          const layers = { width: 40, height: 21, trimap: new Uint8Array(840) };
          const stroke = new Stroke(layers, 255, 0.5);
          for (const x of [12.5, 27.5, 12.5]) stroke.to(x, 10.5, 8);
          const { before } = stroke.entry();
          return [[...layers.trimap], [...before]];
        }"""
    )
    levels = np.reshape(painted, (21, 40))
    assert levels[10].tolist() == 4 * [0] + 4 * [128] + 24 * [255] + 4 * [128] + 4 * [0]
    assert levels[:, 20].tolist() == 2 * [0] + 4 * [128] + 9 * [255] + 4 * [128] + 2 * [0]
    assert set(before) == {0}


def test_a_pen_that_presses_harder_paints_wider(opened, nobody):
    page = opened()
    never_refine(page)
    page.set_input_files("#files", nobody)
    wait_until(page, "unsure")
    page.keyboard.press("1")
    session, (x, y) = page.context.new_cdp_session(page), middle(page)
    for force, dy in ((0.1, -60), (1.0, 60)):
        for kind in ("mousePressed", "mouseReleased"):
            event = {"type": kind, "x": x, "y": y + dy, "button": "left", "pointerType": "pen"}
            session.send("Input.dispatchMouseEvent", {**event, "force": force, "clickCount": 1})
    page.click("[data-view=trimap]")
    page.mouse.move(5, 5)
    page.wait_for_timeout(200)
    soft, hard = shown(page, 12, -60), shown(page, 12, 60)
    assert hard[2] > soft[2] + 50  # blue over the orange disc
