"""What extras bring, and what to say where one is missing."""

from __future__ import annotations

from importlib.util import find_spec

EXTRAS = {
    "deep": ("jax", "flax", "jaxtyping", "optax"),
    "export": ("onnx", "onnxruntime"),
    "exr": ("OpenEXR",),
    "heif": ("pillow_heif",),
    "notebook": ("jupyterlab", "matplotlib", "pandas"),
    "onnx": ("onnxruntime",),
    "serve": ("fastapi", "python_multipart", "uvicorn"),
    "tiles": ("zarr",),
    "video": ("av",),
}
"""The modules of each extra in pyproject.toml."""


def missing(extra: str) -> list[str]:
    """Return the modules of an extra that are not installed."""
    return [module for module in EXTRAS[extra] if find_spec(module) is None]


def not_installed(need: str, extra: str) -> ImportError:
    """Return the error of what needs a package of an extra, to be raised.

    Examples
    --------
    >>> print(not_installed("Export needs onnx", "export"))
    ... # doctest: +NORMALIZE_WHITESPACE
    Export needs onnx, not installed here. In a clone: pip install -e ".[export]". From an index:
    pip install "alphamat[export]".
    """
    return ImportError(
        f'{need}, not installed here. In a clone: pip install -e ".[{extra}]". From an index: pip '
        f'install "alphamat[{extra}]".'
    )
