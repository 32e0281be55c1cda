"""Image matting: a clean alpha, foreground and background from a picture and a trimap."""

import os
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

# A program may have a file of the same name, which Python finds first.
if os.path.dirname(_found := getattr(find_spec("solvers"), "origin", None) or "nowhere") != (
    os.path.join(os.path.dirname(os.path.dirname(__file__)), "solvers")
):
    raise ImportError(
        f"`solvers` is imported from {_found}, which is not the package `solvers` that alphamat "
        "needs. Rename that file or folder, or run Python elsewhere."
    )

from alphamat import trimap as trimap
from alphamat.door.image import as_image as as_image
from alphamat.doubts.deviation import uncertainty as uncertainty
from alphamat.doubts.suggestions import Suggestion as Suggestion
from alphamat.doubts.suggestions import suggest as suggest
from alphamat.foreground import Layers as Layers
from alphamat.foreground import closed_form_foreground as closed_form_foreground
from alphamat.foreground import composite as composite
from alphamat.foreground import cutout as cutout
from alphamat.foreground import estimate_foreground as estimate_foreground
from alphamat.io.images import read_image as read_image
from alphamat.io.images import write_image as write_image
from alphamat.methods.closed_form import closed_form as closed_form
from alphamat.methods.closed_form import closed_form_system as closed_form_system
from alphamat.methods.fast import fast as fast
from alphamat.methods.fast import fast_system as fast_system
from alphamat.methods.information_flow import information_flow as information_flow
from alphamat.methods.information_flow import information_flow_system as information_flow_system
from alphamat.methods.knn import knn as knn
from alphamat.methods.knn import knn_system as knn_system
from alphamat.methods.learned import learned as learned
from alphamat.methods.learned import learned_system as learned_system
from alphamat.methods.learning_based import learning_based as learning_based
from alphamat.methods.learning_based import learning_based_global as learning_based_global
from alphamat.methods.learning_based import learning_based_system as learning_based_system
from alphamat.methods.random_walk import random_walk as random_walk
from alphamat.methods.random_walk import random_walk_system as random_walk_system
from alphamat.methods.shared_sampling import shared_sampling as shared_sampling
from alphamat.methods.shared_sampling import shared_sampling_system as shared_sampling_system
from alphamat.photograph import cutout_photo as cutout_photo
from alphamat.plate import AlignedPlate as AlignedPlate
from alphamat.plate import align_plate as align_plate
from alphamat.system import ConvergenceWarning as ConvergenceWarning
from alphamat.system import System as System
from alphamat.trimap import Trimap as Trimap
from alphamat.trimap import as_trimap as as_trimap

__all__ = [
    "AlignedPlate",
    "ConvergenceWarning",
    "Layers",
    "Suggestion",
    "System",
    "Trimap",
    "align_plate",
    "as_image",
    "as_trimap",
    "closed_form",
    "closed_form_foreground",
    "closed_form_system",
    "composite",
    "cutout",
    "cutout_photo",
    "estimate_foreground",
    "fast",
    "fast_system",
    "information_flow",
    "information_flow_system",
    "knn",
    "knn_system",
    "learned",
    "learned_system",
    "learning_based",
    "learning_based_global",
    "learning_based_system",
    "random_walk",
    "random_walk_system",
    "read_image",
    "shared_sampling",
    "shared_sampling_system",
    "suggest",
    "trimap",
    "uncertainty",
    "write_image",
]

__version__ = "0.1.0"

_LATER = (
    "batch",
    "datasets",
    "evaluation",
    "examples",
    "interactive",
    "method",
    "metrics",
    "onnx",
    "segmentation",
    "video",
)


def __getattr__(name: str) -> ModuleType:
    """Import what not everyone needs when it is first asked for."""
    if name in _LATER:
        return import_module(f"alphamat.{name}")
    raise AttributeError(f"module 'alphamat' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, *_LATER, *(name for name in globals() if name.startswith("__"))]
