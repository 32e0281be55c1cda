"""Shapes are checked while networks are tested."""

import pytest

pytest.importorskip("jax")

from jaxtyping import install_import_hook

install_import_hook(
    [f"alphamat_deep.{part}" for part in ("layers", "backbones", "models")], "beartype.beartype"
)


@pytest.fixture
def weights(tmp_path, monkeypatch):
    """Return a file for the preset "tiny", which the catalogue has during the test."""
    import numpy as np

    import alphamat_deep
    from tests.alphamat_deep.tiny import TINY, tensors

    monkeypatch.setitem(alphamat_deep.PRESETS, "tiny", TINY)
    path = tmp_path / "tiny.npz"
    np.savez(path, **tensors())
    return path
