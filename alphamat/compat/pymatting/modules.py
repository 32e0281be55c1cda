"""The modules of PyMatting, so that programs that import them need no change."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from types import ModuleType
from typing import Any

FOLDERS = {
    "alpha": "estimate_alpha_cf estimate_alpha_knn estimate_alpha_lbdm estimate_alpha_lkm "
    "estimate_alpha_rw estimate_alpha_sm",
    "cutout": "cutout",
    "foreground": "estimate_foreground_cf estimate_foreground_ml",
    "laplacian": "cf_laplacian knn_laplacian laplacian lbdm_laplacian lkm_laplacian rw_laplacian "
    "uniform_laplacian",
    "preconditioner": "ichol jacobi vcycle",
    "solver": "callback cg",
    "util": "boxfilter distance kdtree timer util",
}
PATHS = [f"{folder}.{name}" for folder, names in FOLDERS.items() for name in names.split()]


def register(package: ModuleType, names: Mapping[str, Any]) -> None:
    """Make a package importable as `pymatting`; each of its modules has all the names."""
    there = sys.modules.get("pymatting")
    if there is package:
        return
    if there is not None:
        raise ImportError(
            f"`pymatting` is imported already, from {getattr(there, '__file__', 'elsewhere')}; "
            "call install() before anything imports it."
        )
    sys.modules["pymatting"] = package
    for path in [*FOLDERS, *PATHS]:
        module = ModuleType(f"pymatting.{path}", package.__doc__)
        module.__dict__.update(names)
        module.__path__ = []  # so that it may have modules of its own
        sys.modules[module.__name__] = module
        if path in FOLDERS and path not in names:
            setattr(package, path, module)
