"""What the figures share: where they are written, their palette, and sheets of pictures."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt
from PIL import Image, ImageDraw, ImageFont

from alphamat.door import as_image

PICTURES = Path(__file__).parents[1] / "pictures"
OURS, OTHERS, THIRD, INK = "#1f6f8b", "#b9c2c8", "#d9822b", "#2b2f33"
PLAIN = (0.12, 0.44, 0.55)
"""What cut-outs stand before: `OURS`, lighter than shadows and darker than skin."""
GAP, LINE = 6, 20

mpl.rcParams.update(
    {
        "font.family": "sans-serif",
        "font.size": 10,
        "axes.edgecolor": INK,
        "axes.labelcolor": INK,
        "axes.spines.right": False,
        "axes.spines.top": False,
        "figure.facecolor": "white",
        "savefig.bbox": "tight",
        "svg.fonttype": "none",
        "svg.hashsalt": "alphamat",
        "text.color": INK,
        "xtick.color": INK,
        "ytick.color": INK,
    }
)


def write_chart(name: str) -> None:
    """Write the current figure as NAME.svg, the same file each time."""
    plt.savefig(PICTURES / f"{name}.svg", metadata={"Date": None, "Creator": None})
    plt.close()


def write_sheet(name: str, rows: list[dict[str, np.ndarray]], *, quality: int = 62) -> None:
    """Write rows of pictures of one size as NAME.jpg, each picture below its name."""
    height, width = next(iter(rows[0].values())).shape[:2]
    across = max(map(len, rows))
    size = across * (width + GAP) + GAP, len(rows) * (height + LINE + GAP) + GAP
    sheet = Image.new("RGB", size, "white")
    pen = ImageDraw.Draw(sheet)
    font = ImageFont.truetype(mpl.font_manager.findfont("DejaVu Sans"), 12)
    for down, row in enumerate(rows):
        for along, (label, picture) in enumerate(row.items()):
            x, y = GAP + along * (width + GAP), GAP + down * (height + LINE + GAP)
            pen.text((x, y + 2), label, INK, font)
            levels = np.round(255 * as_image(picture)).astype(np.uint8)
            sheet.paste(Image.fromarray(levels), (x, y + LINE))
    sheet.save(PICTURES / f"{name}.jpg", quality=quality, optimize=True)


def enlarged(picture: np.ndarray, times: int) -> np.ndarray:
    """Return a picture with each pixel repeated."""
    return picture.repeat(times, axis=0).repeat(times, axis=1)
