"""PyAV, Python's way to FFmpeg, if it is installed."""

from __future__ import annotations

from types import ModuleType

from alphamat.extras import not_installed


def pyav() -> ModuleType:
    """Import PyAV, or say what to install."""
    try:
        import av.logging
    except ImportError:
        need = "films (but not folders of PNG or TIFF frames) are read and written by PyAV"
        raise not_installed(need, "video") from None
    av.logging.set_level(None)  # it also raises what matters
    return av
