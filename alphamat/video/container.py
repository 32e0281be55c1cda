"""The files of films, opened by FFmpeg."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alphamat.video.ffmpeg import pyav


def file_url(path: Path) -> str:
    """Return a name that FFmpeg takes for a file; it takes `12:30.mov` for the protocol `12`."""
    return f"file:{path}"


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """Open a file with FFmpeg; errors name it."""
    av = pyav()
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist; expected a film or pictures.")
    try:
        # Tags may be in any code page, and are of no interest here.
        container = av.open(file_url(path), metadata_errors="ignore")
    except av.error.FFmpegError as fault:
        raise ValueError(
            f"{path} ({path.stat().st_size:,} bytes) is no film that can be read, or is cut "
            f"short: {reason(fault)}."
        ) from None
    with container:
        yield container


def video_stream(container, path: Path):
    """Return the stream of a film's pictures."""
    av = pyav()
    covers = av.stream.Disposition.attached_pic
    streams = [stream for stream in container.streams.video if not stream.disposition & covers]
    if not streams:
        kinds = {stream.type for stream in container.streams}
        raise ValueError(
            f"{path} has no pictures{', only sound' * ('audio' in kinds)}; expected a film."
        )
    stream = streams[0]
    if stream.codec_context is None or stream.format is None:
        raise ValueError(f"{path} is coded in a way that this FFmpeg cannot decode.")
    return stream


def decoder_of(stream, path: Path):
    """Return a decoder of a stream, which keeps alpha and decodes each packet at once."""
    av = pyav()
    if stream.metadata.get("alpha_mode") == "1":  # of WebM; FFmpeg's own decoders drop it
        name = {"vp8": "libvpx", "vp9": "libvpx-vp9"}[stream.codec_context.name]
        try:
            return av.CodecContext.create(name, "r")
        except av.error.FFmpegError:
            raise ValueError(f"{path} has alpha, which needs an FFmpeg with {name}.") from None
    # With threads for several frames, an error would come too late to name the damaged one.
    stream.thread_type = "SLICE"
    return stream.codec_context


@contextmanager
def until_complete(path: Path) -> Iterator[Path]:
    """Yield a name to write to, which becomes `path` if all goes well."""
    stem = os.fsencode(path.stem)[:200].decode(errors="ignore")  # names have up to 255 bytes
    part = path.with_name(f"{stem}.part-{secrets.token_hex(3)}{path.suffix}")
    try:
        yield part
        with open(part, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(part, path)
    except BaseException as fault:
        if _has_pictures(part):
            fault.add_note(f"What was made until then is kept as {part}.")
        else:
            part.unlink(missing_ok=True)
        raise


def _has_pictures(film: Path) -> bool:
    try:
        with opened(film) as container:
            stream = video_stream(container, film)
            return any(packet.size for packet in container.demux(stream))
    except (OSError, ValueError):
        return False


def reason(fault) -> str:
    return str(fault.strerror or fault).rstrip(".")
