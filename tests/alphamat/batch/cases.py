"""Small pictures with trimaps, a method, and a network.

Processes import this: it imports little.
"""

import numpy as np

from alphamat.io.images import write_image
from alphamat.method import Matte, Need, Takes


def photograph(path, name, level=None, folder=None):
    """Write a picture, and a trimap whose left column is foreground, and the right background."""
    path = path if folder is None else path.parent / folder
    path.mkdir(parents=True, exist_ok=True)
    shape = (11 if folder is None else 12, 14)
    rng = np.random.default_rng(sum(name.encode()))
    image = rng.integers(0, 250, (*shape, 3)) if level is None else np.full((*shape, 3), level)
    trimap = np.full(shape, 128)
    trimap[:, 0], trimap[:, -1] = 255, 0
    write_image(path / f"{name}.png", image.astype(np.uint8))
    write_image(path / f"{name}_trimap.png", trimap.astype(np.uint8))
    return path / f"{name}.png"


def red(image, trimap):
    """Return the red channel where the trimap is gray."""
    image, trimap = (np.asarray(x) / 255 for x in (image, trimap))
    return np.where((trimap > 0) & (trimap < 1), image[..., 0], trimap)


class Network:
    """A network that takes no trimap, and says that all is blue foreground."""

    takes = Takes(Need.NO, Need.NO)

    def layers(self, image, trimap=None, plate=None):
        height, width = np.shape(image)[:2]
        blue = np.broadcast_to([0.0, 0.0, 1.0], (height, width, 3))
        return Matte(np.ones((height, width)), blue)

    def __call__(self, image):
        return self.layers(image).alpha
