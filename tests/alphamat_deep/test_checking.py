"""The installed JAX computes what we compile; a compiler that does not is found out."""

import re
import tomllib
from pathlib import Path

import jax
import numpy as np
import pytest

import alphamat_deep
from alphamat_deep import checking

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def checks():
    before = jax.config.read("jax_disable_most_optimizations")  # other tests save time by it
    jax.config.update("jax_disable_most_optimizations", False)
    yield alphamat_deep.self_test()
    jax.config.update("jax_disable_most_optimizations", before)


def test_what_we_compile_is_right_with_the_installed_version(checks):
    assert not [check for check in checks if check.ours and not check.right]
    assert len({check.name for check in checks}) == len(checks)


def test_the_expression_that_a_version_compiles_wrongly_is_among_the_checks(checks):
    (other,) = (check for check in checks if not check.ours)
    processor = Path("/proc/cpuinfo")
    wide = processor.exists() and "avx512f" in processor.read_text()  # it is right without them
    if jax.__version__ == "0.10.2" and jax.default_backend() == "cpu" and wide:
        assert not other.right
    assert np.isfinite(other.error)


def test_a_wrong_result_is_found_out(monkeypatch):
    compiled = checking._compiled
    monkeypatch.setattr(checking, "LAYERS", {})
    monkeypatch.setattr(checking, "_compiled", lambda *all: compiled(*all) * (1 + 1e-2))
    assert not any(check.right for check in checking.self_test() if check.name != "closed form")


def test_the_oldest_tested_version_is_the_oldest_that_is_installed():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (least,) = (
        found[1]
        for requirement in project["optional-dependencies"]["deep"]
        if (found := re.match(r"jax>=([\d.]+)$", requirement))
    )
    assert next(iter(checking.TESTED)).startswith(least)
