"""A mask or strokes, the trimap, alpha, a composite; naive and clean edges; frames of a clip.

`python -m docs.figures.steps`.
"""

from __future__ import annotations

import cv2
import numpy as np

import alphamat
from alphamat import examples
from alphamat.examples.painting import Canvas
from alphamat.video import matte_video
from docs.figures.style import enlarged, write_sheet

WHITE = [
    [(215, 60), (200, 140), (240, 200), (120, 330), (70, 480)],
    [(150, 110), (170, 60), (225, 25)],
    [(270, 95), (275, 140)],
    [(230, 240), (220, 500)],
    [(330, 290), (430, 480)],
    [(410, 330), (480, 420)],
]
BLACK = [
    [(15, 20), (130, 15), (135, 175), (70, 240), (15, 360)],
    [(330, 15), (330, 190), (385, 300), (505, 300), (505, 370)],
    [(500, 10), (490, 240), (390, 240)],
]


def main() -> None:
    image, trimap = examples.astronaut()
    alpha = alphamat.learned(image, trimap)
    foreground = alphamat.estimate_foreground(image, alpha).foreground
    write_sheet("steps", [from_mask(image, (alpha > 0.5).astype(float)), from_strokes(image)])
    write_sheet("edges", [edges(image, alpha, foreground)])
    write_sheet("video", clip())


def from_mask(image, mask) -> dict[str, np.ndarray]:
    trimap = alphamat.trimap.from_segmentation(image, mask)
    return steps("a mask", mask, image, trimap, alphamat.learned)


def from_strokes(image) -> dict[str, np.ndarray]:
    front, back = (strokes(lines, image.shape[:2]) for lines in (WHITE, BLACK))
    trimap = alphamat.trimap.from_strokes(foreground=front, background=back)
    painted = np.where(front[..., None], 255, np.where(back[..., None], 0, image)).astype(np.uint8)
    return steps("strokes", painted, image, trimap, alphamat.closed_form)


def strokes(lines, shape) -> np.ndarray:
    """Return where lines are drawn, each through points (x, y)."""
    mask = np.zeros(shape, np.uint8)
    cv2.polylines(mask, [np.array(line) for line in lines], False, 1, 12)
    return mask.astype(bool)


def steps(name, hint, image, trimap, method) -> dict[str, np.ndarray]:
    alpha = method(image, trimap)
    foreground = alphamat.estimate_foreground(image, alpha).foreground
    composite = alphamat.composite(foreground, alpha, examples.sky(*alpha.shape))
    cells = {
        name: hint,
        "trimap": trimap,
        f"alpha, {method.__name__}": alpha,
        "before a sky": composite,
    }
    return {label: half(cell) for label, cell in cells.items()}


def half(picture) -> np.ndarray:
    levels = np.float32(picture) / (255 if picture.dtype == np.uint8 else 1)
    return cv2.resize(levels, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)


def edges(image, alpha, foreground) -> dict[str, np.ndarray]:
    crop = np.s_[36:112, 130:230]
    night = (0.02, 0.05, 0.12)
    cells = {
        "photograph": image / 255,
        "its own colours, pasted": alphamat.composite(image, alpha, night),
        "the foreground's colours": alphamat.composite(foreground, alpha, night),
    }
    return {label: enlarged(cell[crop], 3) for label, cell in cells.items()}


def clip() -> list[dict[str, np.ndarray]]:
    """Return frames of painted fur that passes before hills, and alphas by the first's trimap."""
    side, width = 300, 260
    layers = examples.paint(examples.fur, side, width, seed=6)
    behind = examples.land(Canvas.of(side, width), np.random.default_rng(3))
    images, truths = [], []
    for step in range(10):
        turn = cv2.getRotationMatrix2D((width / 2, side), 1.5 * step - 7, 1)
        turned = (cv2.warpAffine(layer, turn, (width, side)) for layer in layers[:2])
        alpha, front = (layer[30:230] for layer in turned)
        images.append(behind[30:230] + alpha[..., None] * (front - behind[30:230]))
        truths.append(alpha)
    first = alphamat.trimap.from_alpha(truths[0], inner=6, outer=6)
    found = [m.alpha for m in matte_video(images, alphamat.closed_form, trimaps=first)]
    shown = range(0, 10, 3)
    return [
        {f"frame {at}": images[at] for at in shown},
        {"alpha, trimap given": found[0], **{f"alpha {at}": found[at] for at in shown[1:]}},
    ]


if __name__ == "__main__":
    main()
