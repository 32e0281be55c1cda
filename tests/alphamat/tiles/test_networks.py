"""Networks on tiles give what they give on the whole picture."""

import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile

from alphamat.io import read_image
from alphamat.method import Matte
from alphamat.rules import (
    Brighten,
    NetworkMethod,
    Pad,
    Preprocess,
    Resize,
    floor_sides,
    levels,
    square,
)
from alphamat.tiles import matte, matting, networks
from alphamat.tiles.networks import side_for

ROOT = Path(__file__).parents[3]
RULES = Preprocess((0, 0, 0), (1, 1, 1), encode=levels, chain=(Pad(0, 32),))


class Mean(NetworkMethod):
    """A network in name: alpha is the mean of colours and trimap in 161 × 161 pixels."""

    name, weights, remembers = "mean", "1", False

    def __init__(self, rules=RULES):
        self.own_rules, self.seen = rules, []

    @property
    def rules(self):
        return self.own_rules

    def bytes_of(self, height, width):
        return 100 * height * width

    def _next(self, seen, image, trimap, plate):
        prepared = self.rules.apply(image, trimap)
        self.seen.append(prepared.inputs[0].shape[1:3])
        image, hints = (x[0].mean(axis=2) for x in prepared.inputs)
        alpha = cv2.blur(0.8 * image + 0.2 * hints, (161, 161), borderType=cv2.BORDER_REFLECT_101)
        return Matte(self.rules.undo(alpha, prepared)), None


@pytest.fixture(scope="module")
def scene():
    """Return stripes and noise, and a trimap with unknown pixels on three of its sides."""
    rng = np.random.default_rng(50)
    image = rng.integers(0, 120, (901, 1203, 3), np.uint8)
    image[:, 300:420] += 100
    image[500:530] += 30
    trimap = np.zeros(image.shape[:2], np.uint8)
    trimap[:, 200:] = 255
    trimap[:, 150:380] = 128
    trimap[430:520, 700:] = 128
    return image, trimap


@pytest.fixture
def files(tmp_path, scene):
    paths = [tmp_path / name for name in ("photo.tif", "trimap.tif", "alpha.tif")]
    tifffile.imwrite(paths[0], scene[0], photometric="rgb", tile=(128, 128), compression="zlib")
    tifffile.imwrite(paths[1], scene[1])
    return paths


@pytest.fixture
def little(monkeypatch):
    """Leave room for tiles of 448 pixels."""
    monkeypatch.setattr(matting, "_share", lambda memory: 165 * 448**2)


def test_a_local_network_gives_the_alpha_of_the_whole(scene, files, little):
    network = Mean()
    matte(*files, method=network, bits=16)
    assert set(network.seen) == {(448, 448)}
    whole = network(*scene)
    assert np.abs(read_image(files[2]) / 65535 - whole).max() < 2e-5
    tiles = networks._tiles(whole.shape, 448)
    assert len(network.seen) - 1 < len(tiles)  # those without unknown pixels are left out


@pytest.mark.parametrize("side", [384, 1024, 2048])
def test_ramps_sum_to_one_and_leave_margins(side):
    for length in (20, side - 1, side, side + 1, side + 500, 7 * side + 33):
        total, last = np.zeros(length), 0
        spans = networks._spans(length, side)
        for span in spans:
            total[span.core] += span.ramps
            assert span.ramps.min() >= 0
            assert span.window.start % 32 == 0
            assert span.window.stop - span.window.start == min(side, length)
            assert span.core.start in (0, *range(span.window.start + 96, length))
            assert span.core.stop in (length, *range(span.window.stop - 95))
            last = span.window.stop
        np.testing.assert_allclose(total, 1, atol=1e-12)
        assert length <= last < length + 32


def test_tiles_are_as_large_as_memory_allows():
    network = networks.network_of(Mean())
    assert side_for(network, "mean", 2**40) == 2048
    most = Preprocess(
        (0, 0, 0), (1, 1, 1), encode=levels, chain=(Resize(partial(floor_sides, 32, most=1600)),)
    )
    assert side_for(networks.network_of(Mean(most)), "mean", 2**40) == 1600
    assert side_for(network, "mean", 160 * 1024**2) == 1024
    with pytest.raises(ValueError, match=r"`memory` leaves 10 MiB for mean; a tile of 384 × 384"):
        side_for(network, "mean", 10 * 2**20)


@pytest.mark.parametrize(
    ("rules", "reason"),
    [
        (Preprocess((0, 0, 0), (1, 1, 1)), "finds the foreground in the whole picture"),
        (Preprocess((0, 0, 0), (1, 1, 1), encode=levels, plate=True), "takes a plate"),
        (
            Preprocess((0, 0, 0), (1, 1, 1), encode=levels, chain=(Brighten(),)),
            "looks at the whole picture first",
        ),
        (
            Preprocess((0, 0, 0), (1, 1, 1), encode=levels, chain=(Resize(partial(square, 320)),)),
            "resizes pictures to a size of its own",
        ),
    ],
)
def test_networks_that_see_the_whole_picture_are_refused(files, rules, reason):
    with pytest.raises(ValueError, match=f"`method` is mean, which {reason}"):
        matte(*files, method=Mean(rules))


KILLED = """
import os, signal, sys
sys.path.insert(0, sys.argv[4])
from test_networks import Mean
from alphamat.tiles import matte, matting, state
matting._share = lambda memory: 165 * 448**2
put, kept = state.State.put, []
def dying(self, *arguments):
    put(self, *arguments)
    if len(self.visits) == 3:
        os.kill(os.getpid(), signal.SIGKILL)
state.State.put = dying
matte(*sys.argv[1:4], method=Mean(), bits=16)
"""


def test_a_killed_run_goes_on_and_gives_the_same_file(files, little):
    network = Mean()
    matte(*files, method=network, bits=16)
    expected = files[2].read_bytes()
    files[2].unlink()
    program = [sys.executable, "-c", KILLED, *map(str, files), os.path.dirname(__file__)]
    died = subprocess.run(program, cwd=ROOT, timeout=120)
    assert died.returncode == -signal.SIGKILL
    again = Mean()
    matte(*files, method=again, bits=16)
    assert len(again.seen) == len(network.seen) - 4
    assert files[2].read_bytes() == expected
