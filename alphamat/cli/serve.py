"""`alphamat serve`: a page and a service that cut photographs out."""

from __future__ import annotations

import os
import socket
import threading
import time
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from alphamat.cli.faults import faults_in_one_line
from alphamat.extras import missing, not_installed


def serve_photographs(
    host: Annotated[
        str,
        typer.Option(help="Address to listen at. Any but this machine's own needs a --token."),
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8000,
    hosts: Annotated[
        list[str] | None,
        typer.Option(
            "--hostname",
            metavar="NAME",
            help="A name by which others call this machine, such as matting.example.org; may be "
            "repeated.",
        ),
    ] = None,
    token: Annotated[
        str | None,
        typer.Option(
            envvar="ALPHAMAT_TOKEN",
            help="Secret that each request has to bring. Other users see it here, and not in the "
            "environment.",
        ),
    ] = None,
    weights: Annotated[
        Path | None,
        typer.Option(
            "--weights-folder",
            help="Folder of networks: weights, each named like its network, as modnet.safetensors, "
            "and files in ONNX.",
        ),
    ] = None,
    workers: Annotated[
        int, typer.Option(min=1, help="Pictures that are worked on at the same time.")
    ] = 1,
    most_megapixels: Annotated[
        int, typer.Option(min=1, help="Megapixels that a picture may have.")
    ] = 25,
    most_gigabytes: Annotated[
        int, typer.Option(min=1, help="Gigabytes on disk that all pictures together may take.")
    ] = 8,
    opened: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
) -> None:
    """Serve a page, and an interface for programs, that cut photographs out.

    Pictures stay on this machine, in a private folder. They are deleted an
    hour after they were last asked for, and when the server stops.

    Exit codes: 1 when the server cannot start, with one line on stderr; 2 when
    the command is misused; 130 when it is stopped with Ctrl-C.
    """
    if weights is not None and not weights.is_dir():
        raise typer.BadParameter(f"{weights} is not a folder.", param_hint="--weights-folder")
    with faults_in_one_line():
        _refuse_without_extra()
        from alphamat.serve import Settings, run

        settings = Settings(
            host=host,
            port=port,
            token=token,
            hosts=tuple(hosts or ()),
            weights=weights,
            workers=workers,
            most_pixels=most_megapixels * 1_000_000,
            most_disk=most_gigabytes * 2**30,
        )
        _refuse_taken(host, port)
        address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        typer.echo(f"alphamat is at {address}; Ctrl-C stops it.", err=True)
        if opened:
            threading.Thread(target=_open, args=(host, port, address), daemon=True).start()
        run(settings)


def _refuse_without_extra() -> None:
    if absent := missing("serve"):
        raise not_installed(f"the server needs {' and '.join(absent)}", "serve")


def _refuse_taken(host: str, port: int) -> None:
    """Raise unless a server can listen at an address."""
    try:
        family, kind, _, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            if os.name == "posix":  # elsewhere this lets two programs share a port
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(place)
    except OSError as fault:
        raise OSError(
            f"--host {host} with --port {port} cannot be served: {fault.strerror or fault}."
        ) from None


def _open(host: str, port: int, address: str) -> None:
    """Open the page once the server answers."""
    for _ in range(120):
        try:
            socket.create_connection((host, port), timeout=1).close()
        except OSError:
            time.sleep(0.25)
        else:
            webbrowser.open(address)
            return
