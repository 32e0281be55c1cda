"""A service that cuts photographs out, with a page to correct them by brush."""

from alphamat.serve.settings import Settings as Settings


def run(settings: Settings) -> None:
    """Serve until SIGTERM or Ctrl-C.

    Raises
    ------
    ImportError
        If the extra `serve` is not installed.
    """
    from alphamat.serve.server import run as serve

    serve(settings)
