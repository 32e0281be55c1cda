"""Files cut short, and files with a wrong byte."""

import random
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("jax")

from tests.alphamat_deep.checkpoints.writing import (
    counted,
    npz,
    outcome,
    safetensors,
)

FILES = Path(__file__).parent / "files"


SMALL = {
    "zip": (FILES / "dtypes.pth").read_bytes(),
    "old": (FILES / "dtypes_before_1.6.pth").read_bytes(),
    "paddle": (FILES / "layer.pdparams").read_bytes(),
    "npz": npz(a=counted(3), b=counted(2, 3)),
    "compressed": npz(True, a=counted(3), b=counted(2, 3)),
    "safetensors": safetensors(
        {"a": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, "__metadata__": {}}
    ),
}
CHECKED = ("zip", "npz", "compressed")  # archives have checksums


@pytest.mark.parametrize("kind", SMALL)
def test_refuses_files_cut_short_anywhere(tmp_path, kind):
    whole = SMALL[kind]
    for end in {*range(1, len(whole), -(-len(whole) // 100)), len(whole) - 1}:
        assert outcome(tmp_path / "file", whole[:end]) is None, end


@pytest.mark.parametrize("kind", SMALL)
def test_a_changed_byte_is_refused_or_harmless(tmp_path, kind):
    rng = random.Random(41)
    expected = outcome(tmp_path / "file", SMALL[kind])
    for _ in range(100):
        content = bytearray(SMALL[kind])
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        found = outcome(tmp_path / "file", bytes(content))
        if kind in CHECKED and found is not None:
            assert found.keys() == expected.keys()
            for name, array in found.items():
                np.testing.assert_array_equal(array, expected[name], strict=True)
