"""What a terminal and a browser show: `python -m docs.figures.screens`, with the extra `dev`."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable
from io import StringIO
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image
from playwright.sync_api import sync_playwright
from rich.console import Console
from rich.text import Text

import alphamat
from alphamat import datasets, evaluation, examples
from docs.figures.style import PICTURES

COMMANDS = (
    "alphamat trimap mask.png --width 1.5%",
    "alphamat matte photo.png trimap.png --method closed-form --over sky.png",
    "alphamat batch photos/ -o alphas/ --method closed-form",
)
CHROMIUM = "/usr/bin/chromium"


def main() -> None:
    with TemporaryDirectory() as folder:
        terminal(Path(folder))
        report(Path(folder))


def terminal(folder: Path) -> None:
    image, trimap = examples.astronaut()
    alphamat.write_image(folder / "photo.png", image)
    alphamat.write_image(folder / "trimap.png", trimap)
    alphamat.write_image(folder / "mask.png", (trimap > 0).astype(float))
    alphamat.write_image(folder / "sky.png", examples.sky(512, 512))
    (folder / "photos").mkdir()
    for seed, scene in enumerate(examples.SCENES):
        painted = examples.synthetic(scene, 120, 160, seed=seed)
        alphamat.write_image(folder / "photos" / f"{scene.__name__}.png", painted.image)
        alphamat.write_image(folder / "photos" / f"{scene.__name__}_trimap.png", painted.trimap)
    console = Console(record=True, width=88, file=StringIO())
    for command in COMMANDS:
        console.print(Text.assemble(("$ ", "bold green"), (command, "bold")))
        console.print(Text.from_ansi(said(command, folder)))
    console.save_svg(PICTURES / "terminal.svg", title="alphamat", unique_id="alphamat")


def said(command: str, folder: Path) -> str:
    """Return what a command has written to a terminal, with its colours, when it is done."""
    ours = f"{sys.executable} -m {command}"
    done = subprocess.run(
        ["script", "-qec", f"stty cols 88; {ours}", "/dev/null"],
        cwd=folder, capture_output=True, text=True, check=True,
    )  # fmt: skip
    lines = done.stdout.replace("\r\n", "\n").split("\n")
    last = [line.rsplit("\r", 1)[-1] for line in lines]
    shown = [line for bar, part in groupby(last, is_bar) for line in (one(part) if bar else part)]
    return re.sub(r"\x1b\[[0-9;?]*[A-Zac-ln-z]", "", "\n".join(shown)).strip("\n")


def is_bar(line: str) -> bool:
    return "━" in line


def one(bars: Iterable[str]) -> list[str]:
    """Return one of a bar's states, in which some is done."""
    going = [bar for bar in bars if "preparing" not in bar and "starting" not in bar]
    return going[len(going) // 4 :][:1]


def report(folder: Path) -> None:
    methods = [alphamat.closed_form, alphamat.knn, alphamat.random_walk]
    found = evaluation.evaluate(methods, datasets.synthetic(120, 160))
    found.report(folder / "report.html")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1000, "height": 900})
        page.goto((folder / "report.html").as_uri())
        page.screenshot(path=folder / "report.png")
        browser.close()
    Image.open(folder / "report.png").convert("RGB").save(
        PICTURES / "report.jpg", quality=70, optimize=True
    )


if __name__ == "__main__":
    main()
