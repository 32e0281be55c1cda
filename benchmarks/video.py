"""Classical methods on a rendered clip: how far trimaps can be carried, what a warm start saves.

`python -m benchmarks.video [--method NAME …]`. The clip of ../shared/data/video, 12 frames of
960 × 540, stands before each background, which stands still or pans. "each" gives every frame a
trimap made from its true alpha, 6 pixels round what is fractional; "held" gives all frames that of
the first; "carried" carries it on, `alphamat.video.trimap_by_flow`. SAD is of whole frames, over
1000; dtSSD and the temporal error (MESSDdt, times 1000) as `alphamat.metrics` has them. Last come
the solver's iterations in all frames but the first, with trimaps for each: from zero, and from the
alpha of the frame before.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from functools import partial

import numpy as np

import alphamat
from alphamat import metrics
from alphamat.method import takes
from alphamat.system import collecting
from alphamat.video import matte_video
from benchmarks.cases import DATA
from benchmarks.report import Table, machine

SOLVING = "closed_form", "learning_based", "random_walk", "knn", "fast"
CLIP = DATA / "video"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--method", action="append", choices=SOLVING)
    methods = parser.parse_args().method or ["closed_form"]
    print(f"{__doc__.strip()}\n\n{machine()}\n")
    if not CLIP.exists():
        parser.exit(1, "the clip is not here: ../shared/data/video\n")
    table = Table(
        "clip      ", "method        ", "trimaps", "  SAD", "last", "dtSSD", "MESSDdt", "from zero",
        "from the last",
    )  # fmt: skip
    for name, images, truths in clips():
        made = [alphamat.trimap.from_alpha(truth, inner=6, outer=6) for truth in truths]
        for method in methods:
            spent = [iterations(method, images, made, warm) for warm in (False, True)]
            for label, trimaps in {"each": made, "held": 12 * made[:1], "carried": made[0]}.items():
                mattes = matte_video(images, getattr(alphamat, method), trimaps=trimaps)
                alphas = [matte.alpha for matte in mattes]
                errors = [metrics.sad(*pair) for pair in zip(alphas, truths, strict=True)]
                table.add(
                    name,
                    method,
                    label,
                    f"{np.mean(errors):.2f}",
                    f"{errors[-1]:.2f}",
                    f"{metrics.dtssd(alphas, truths):.2f}",
                    f"{1000 * metrics.mean_temporal_error(alphas, truths):.2f}",
                    *(f"{count}" if label == "each" else "" for count in spent),
                )


def iterations(name: str, images: list, trimaps: list, warm: bool) -> int:
    """Return how often a method's solver iterates in all frames but the first."""
    method, found = getattr(alphamat, name), []
    solver = takes(method).solver

    def from_zero(A, b):
        return solver(A, b)

    with collecting(found):
        for _ in matte_video(
            images, partial(method, solver=solver if warm else from_zero), trimaps=trimaps
        ):
            pass
    return sum(solution.iterations for solution in found[1:])


def clips() -> Iterator[tuple[str, list[np.ndarray], list[np.ndarray]]]:
    """Yield names, images (H, W, 3) and true alphas (H, W), 8 bits."""
    layers = [alphamat.read_image(file) for file in sorted((CLIP / "hairball2_rgba").iterdir())]
    truths = [layer[..., 3] for layer in layers]
    for file in sorted((CLIP / "backgrounds").iterdir()):
        behind = alphamat.read_image(file)
        for motion, step in (("", 0), (", pan", 3)):
            images = []
            for at, layer in enumerate(layers):
                plate = seen(behind, step * at, layer.shape[:2])
                shown = alphamat.composite(layer[..., :3], layer[..., 3], plate)
                images.append(np.rint(255 * shown).astype(np.uint8))
            yield file.stem + motion, images, truths


def seen(behind: np.ndarray, offset: int, size: tuple[int, int]) -> np.ndarray:
    """Return the part of a background that fills a frame, so many pixels down and to the right."""
    import cv2

    margin = 40
    whole = cv2.resize(behind, (size[1] + margin, size[0] + margin), interpolation=cv2.INTER_AREA)
    return whole[offset : offset + size[0], offset : offset + size[1]]


if __name__ == "__main__":
    main()
