"""PyAV, which is FFmpeg, where it is installed."""

from __future__ import annotations

from types import ModuleType


def pyav() -> ModuleType:
    """Import PyAV, or say what to install."""
    try:
        import av.logging
    except ImportError:
        raise ImportError(
            "films are read and written by PyAV, which is not installed: pip install "
            '"alphamat[video]". Folders of PNG or TIFF frames need nothing.'
        ) from None
    av.logging.set_level(None)  # what matters, it raises as well
    return av
