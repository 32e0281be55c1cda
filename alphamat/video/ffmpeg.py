"""PyAV, Python's way to FFmpeg, if it is installed."""

from __future__ import annotations

from types import ModuleType


def pyav() -> ModuleType:
    """Import PyAV, or say what to install."""
    try:
        import av.logging
    except ImportError:
        raise ImportError(
            "films are read and written by PyAV, which is not installed. In a clone: pip install "
            '-e ".[video]". From an index: pip install "alphamat[video]". Folders of PNG or TIFF '
            "frames do not need it."
        ) from None
    av.logging.set_level(None)  # it also raises what matters
    return av
