"""Shapes are checked while networks are tested."""

import pytest

pytest.importorskip("jax")

from jaxtyping import install_import_hook

install_import_hook(["alphamat_deep.layers", "alphamat_deep.models"], "beartype.beartype")
