"""PyAV, Python's way to FFmpeg, if it is installed."""

from __future__ import annotations

from types import ModuleType


def pyav() -> ModuleType:
    """Import PyAV, or say what to install."""
    try:
        import av.logging
    except ImportError:
        raise ImportError(
            "films are read and written by PyAV, which is not installed: pip install "
            '"alphamat[video]", or in a clone pip install -e ".[video]". Folders of PNG or TIFF '
            "frames do not need it."
        ) from None
    av.logging.set_level(None)  # it also raises what matters
    return av
