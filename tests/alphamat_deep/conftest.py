"""Shapes are checked while networks are tested."""

import pytest

pytest.importorskip("jax")

from jaxtyping import install_import_hook

install_import_hook(
    [f"alphamat_deep.{part}" for part in ("layers", "backbones", "models")], "beartype.beartype"
)
