"""The small network is in the catalogue during each test."""

import pytest

pytest.importorskip("jax")


@pytest.fixture(autouse=True)
def small_preset(monkeypatch):
    import alphamat_deep
    from tests.alphamat_deep.training.small import SMALL

    monkeypatch.setitem(alphamat_deep.PRESETS, "small", SMALL)
