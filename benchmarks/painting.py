"""How long a stroke on the page takes, from the pointer to the pixels.

`python -m benchmarks.painting [MEGAPIXELS …]`. A portrait of ../shared/data, resized, is cut out.
Then short strokes are painted into its unknown region, each against what alpha says there.
"solved" is how long `Painting.stroke` takes by itself, "answered" the time from sending a stroke to
the answer, and "pixels" that from the press to the frame that shows the new alpha at this place. A
server and a browser without a window share the machine.
"""

from __future__ import annotations

import argparse
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import numpy as np

import alphamat
from alphamat.methods.learned import confidence, learned_system
from alphamat.serve.painting import Painting
from benchmarks.cases import DATA
from benchmarks.report import Table, machine

CHROMIUM = "/usr/bin/chromium"
PORTRAIT = DATA / "portraits_pred_only" / "paddleseg_human.jpg"
STROKES = 30
LENGTH = 40  # screen pixels: the brush has 36, and its ring must not cover where it began

WATCH = """([x, y, level]) => {
  const canvas = document.getElementById("canvas");
  const context = canvas.getContext("2d");
  window.seen = new Promise((resolve) => {
    canvas.addEventListener("pointerdown", () => {
      const start = performance.now();
      const look = () => {
        const pixel = context.getImageData(x * devicePixelRatio, y * devicePixelRatio, 1, 1).data;
        if (pixel[0] === level && pixel[2] === level) resolve(performance.now() - start);
        else if (performance.now() - start > 3000) resolve(NaN);
        else requestAnimationFrame(look);
      };
      requestAnimationFrame(look);
    }, { once: true });
  });
}"""
ANSWERED = """() => performance.getEntriesByType("resource")
  .filter((entry) => entry.name.includes("/strokes")).map((entry) => entry.duration)"""


def main() -> None:
    told = (__doc__ or "").strip()
    parser = argparse.ArgumentParser(description=told.partition("\n")[0])
    parser.add_argument("megapixels", nargs="*", type=float, default=[1.0, 4.0])
    sizes = parser.parse_args().megapixels
    print(f"{told}\n\n{machine()}\n")
    if not PORTRAIT.exists():
        parser.exit(1, "the portrait is not here: ../shared/data/portraits_pred_only\n")
    table = Table("megapixels", "what    ", "median, ms", "95th percentile", "most", "strokes")
    with served() as address, browser() as page, TemporaryDirectory() as folder:
        for megapixels in sizes:
            path = Path(folder) / f"{megapixels:g}.png"
            image = resized(alphamat.read_image(PORTRAIT), megapixels)
            alphamat.write_image(path, image)
            trimap, pixels, answered = painted(page, address, path)
            solved = solving(image, trimap, megapixels)
            for what, found in (("solved", solved), ("answered", answered), ("pixels", pixels)):
                spent = (f"{np.percentile(found, share):.0f}" for share in (50, 95, 100))
                table.add(f"{megapixels:g}", what, *spent, f"{len(found)}")


def resized(image: np.ndarray, megapixels: float) -> np.ndarray:
    import cv2

    scale = (1e6 * megapixels / (image.shape[0] * image.shape[1])) ** 0.5
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return cv2.resize(image, None, fx=scale, fy=scale, interpolation=how)


def solving(image: np.ndarray, trimap: np.ndarray, megapixels: float) -> list[float]:
    """Return the milliseconds that strokes take in this process."""
    system = learned_system(image, trimap)
    alpha = system.solve().alpha.astype(np.float32)
    weights = np.where(trimap == 128, 0.02 * confidence(system.given), 0).astype(np.float32)
    painting = Painting(image, trimap.copy(), alpha, alpha.copy(), weights)
    side, spent = round(30 * megapixels**0.5), []
    for x, y in places(trimap, 1 + STROKES):
        level = 0 if alpha[y, x] > 0.5 else 255
        patch = np.full(trimap[y : y + side, x : x + 2 * side].shape, level, np.uint8)
        start = time.perf_counter()
        painting.stroke(patch, x, y)
        spent.append(1000 * (time.perf_counter() - start))
    return spent[1:]  # the first one compiles


def places(trimap: np.ndarray, count: int) -> list[tuple[int, int]]:
    """Return the columns and rows of some unknown pixels."""
    rows, columns = np.nonzero(trimap == 128)
    chosen = np.random.default_rng(17).choice(len(rows), count, replace=False)
    return list(zip(columns[chosen].tolist(), rows[chosen].tolist(), strict=True))


def painted(page: Any, address: str, path: Path) -> tuple[np.ndarray, list[float], list[float]]:
    """Paint on the page; return the trimap before, and two lists of milliseconds."""
    page.goto(address)
    page.evaluate("document.getElementById('refining').click()")
    with page.expect_response("**/api/v1/jobs") as response:
        page.set_input_files("#files", path)
    job = f"{address}api/v1/jobs/{response.value.json()['id']}"
    page.wait_for_selector("#strip li[data-state=done]", state="attached")
    left, top, width, height = page.locator("#canvas").bounding_box().values()
    page.click("[data-view=alpha]")
    trimap, alpha = (
        alphamat.read_image(BytesIO(urlopen(f"{job}/{kind}.png").read()))
        for kind in ("trimap", "alpha")
    )
    scale = min((width - 28) / trimap.shape[1], (height - 84) / trimap.shape[0])
    corner = (width - scale * trimap.shape[1]) / 2, 62 + (height - 84 - scale * len(trimap)) / 2
    pixels = []
    for column, row in places(trimap, STROKES):
        x, y = (round(at + scale * n) for at, n in zip(corner, (column, row), strict=True))
        level = 0 if alpha[row, column] > 127 else 255
        page.keyboard.press("2" if level == 0 else "1")
        page.evaluate(WATCH, [x, y, level])
        page.mouse.move(left + x, top + y)
        page.mouse.down()
        page.mouse.move(left + x + LENGTH, top + y, steps=2)
        page.mouse.up()
        pixels.append(page.evaluate("window.seen"))
        page.wait_for_timeout(100)
    return trimap, [spent for spent in pixels if np.isfinite(spent)], page.evaluate(ANSWERED)


@contextmanager
def served() -> Iterator[str]:
    """Start a server, and give its address."""
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = f"from alphamat.serve import Settings, run; run(Settings(port={port}))"
    server = subprocess.Popen([sys.executable, "-c", program])
    address = f"http://127.0.0.1:{port}/"
    try:
        while True:
            try:
                urlopen(f"{address}api/v1/health").close()
                break
            except URLError:
                time.sleep(0.2)
        yield address
    finally:
        server.terminate()
        server.wait(30)


@contextmanager
def browser() -> Iterator[Any]:
    """Start a browser without a window, and give a page."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = chromium.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(180_000)
        yield page
        chromium.close()


if __name__ == "__main__":
    main()
