"""Films, read by FFmpeg."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from alphamat.video.colour import colour_of, to_rgb
from alphamat.video.ffmpeg import pyav
from alphamat.video.frames import Frame, Video

UPRIGHT: dict[tuple[int, ...], Callable[[np.ndarray], np.ndarray]] = {
    (1, 0, 0, 1): lambda pixels: pixels,
    (-1, 0, 0, 1): lambda pixels: pixels[:, ::-1],
    (1, 0, 0, -1): lambda pixels: pixels[::-1],
    (-1, 0, 0, -1): lambda pixels: pixels[::-1, ::-1],
    (0, 1, 1, 0): lambda pixels: pixels.swapaxes(0, 1),
    (0, 1, -1, 0): lambda pixels: np.rot90(pixels, -1),
    (0, -1, 1, 0): lambda pixels: np.rot90(pixels),
    (0, -1, -1, 0): lambda pixels: np.rot90(pixels, 2).swapaxes(0, 1),
}
"""How to turn stored pixels upright, by the numbers a, b, c, d of the film's display matrix."""


def open_film(path: Path) -> Video:
    """Open a film, and read its first frame."""
    with opened(path) as container:
        stream = video_stream(container, path)
        rate = stream.average_rate or stream.guessed_rate or Fraction(25)
        time_base = _exact_unit(stream.time_base, rate)
        starts = [s.start_time * s.time_base for s in container.streams if s.start_time is not None]
        start = max(Fraction(0), min(starts, default=Fraction(0)))
        try:
            colour = colour_of(stream)
        except ValueError as fault:
            raise ValueError(f"{path} cannot be read: {fault}.") from None
        count = stream.frames or (round(_seconds(container, stream) * rate) or None)
        aspect = stream.sample_aspect_ratio or Fraction(1)
    read = partial(_read, path, rate, start, colour.matrix)
    first = next(read(), None)
    if first is None:
        raise ValueError(f"{path} has no frames.")
    height, width = first.image.shape[:2]
    turned = (height > width) != (stream.height > stream.width)
    return Video(
        path=path,
        read=read,
        size=(height, width),
        rate=rate,
        count=count,
        time_base=time_base,
        colour=colour,
        pixel_aspect=1 / aspect if turned else aspect,
        start=start,
        film=True,
    )


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """Open a file with FFmpeg; errors name it."""
    av = pyav()
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist; expected a film or pictures.")
    try:
        container = av.open(str(path))
    except av.error.FFmpegError as fault:
        raise ValueError(
            f"{path} ({path.stat().st_size:,} bytes) is no film that can be read, or is cut "
            f"short: {_reason(fault)}."
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


def _read(path: Path, rate: Fraction, start: Fraction, matrix: int) -> Iterator[Frame]:
    with opened(path) as container:
        stream = video_stream(container, path)
        decoder = _decoder(stream, path)
        clock = partial(_time, stream.time_base, rate, start)
        count, packets, size, end = 0, 0, None, Fraction(0)
        demuxed = _demuxed(container, stream, path, clock)
        for packet in demuxed:
            packets += packet.size > 0
            if packet.is_corrupt:
                at = clock(packet.pts) or end
                raise ValueError(_damaged(path, round(at * rate) + 1, at, "it is not whole"))
            for frame in _decoded(decoder, packet, path, rate, clock):
                time = clock(frame.pts)
                if time is None:
                    time = count / rate
                count += 1
                if frame.is_corrupt:
                    raise ValueError(_damaged(path, count, time, "a part of it cannot be decoded"))
                image = _upright(frame, to_rgb(frame, matrix), path)
                size = size or image.shape[:2]
                if image.shape[:2] != size:
                    raise ValueError(
                        f"frame {count} of {path} is {image.shape[0]} × {image.shape[1]}, and "
                        f"those before it are {size[0]} × {size[1]} (height × width)."
                    )
                end = max(end, time + 1 / rate)
                yield Frame(image, time, count)
        _refuse_cut_short(container, stream, path, packets)
        promised = _seconds(container, stream, of_all=False) - start
        if promised - end > 2 / rate:
            warnings.warn(
                f"{path} ends after {count} frames, at {float(end):.2f} s of the "
                f"{float(promised):.2f} s that it promises; it may be damaged or cut short.",
                stacklevel=2,
            )


def _refuse_cut_short(container, stream, path: Path, packets: int) -> None:
    """Raise if there were fewer packets than a QuickTime or MP4 file lists."""
    listed = len(stream.index_entries) if "mov" in container.format.name else 0
    if packets < listed:
        raise ValueError(f"{path} is cut short: it has {packets} of the {listed} frames it lists.")


def _seconds(container, stream, *, of_all: bool = True) -> Fraction:
    """Return the length of the pictures, or else that of the whole film; 0 if it is unknown."""
    if stream.duration:
        return stream.duration * stream.time_base
    if (clock := stream.metadata.get("DURATION", "")).count(":") == 2:  # Matroska
        hours, minutes, seconds = map(Fraction, clock.split(":"))
        return 3600 * hours + 60 * minutes + seconds
    return Fraction(container.duration or 0, 1_000_000) * of_all


def _decoder(stream, path: Path):
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


def _demuxed(container, stream, path: Path, clock) -> Iterator:
    av = pyav()
    last = Fraction(0)
    try:
        for packet in container.demux(stream):
            last = clock(packet.pts) or last
            yield packet
    except av.error.FFmpegError as fault:
        raise ValueError(
            f"{path} is damaged or cut short after {float(last):.2f} s: {_reason(fault)}."
        ) from None


def _decoded(decoder, packet, path: Path, rate: Fraction, clock) -> list:
    av = pyav()
    try:
        return decoder.decode(packet if packet.size else None)
    except av.error.FFmpegError as fault:
        time = clock(packet.pts) or Fraction(0)
        raise ValueError(_damaged(path, round(time * rate) + 1, time, _reason(fault))) from None


def _damaged(path: Path, number: int, time: Fraction, reason: str) -> str:
    return f"frame {number} of {path}, at {float(time):.2f} s, is damaged: {reason}."


def _time(time_base: Fraction, rate: Fraction, start: Fraction, pts: int | None) -> Fraction | None:
    """Return seconds from the clip's start."""
    if pts is None:
        return None
    time = pts * time_base - start
    even = round(time * rate) / rate
    near = abs(time - even) < time_base and _exact_unit(time_base, rate) != time_base
    return even if near else time


def _exact_unit(time_base: Fraction, rate: Fraction) -> Fraction:
    """Return a unit of time for even frames, if a file has only milliseconds; else the file's.

    Matroska rounds the times of 24000/1001 frames per second to milliseconds.
    """
    if time_base != Fraction(1, 1000) or rate.denominator not in (1, 1001):
        return time_base
    return Fraction(1, math.lcm(1000, rate.numerator))


def _upright(frame, pixels: np.ndarray, path: Path) -> np.ndarray:
    matrix = frame.side_data.get("DISPLAYMATRIX")
    if matrix is None:
        return pixels
    a, b, _, c, d = (int(v) for v in np.frombuffer(matrix, np.int32)[:5])
    turn = tuple(int(np.rint(v / 65536)) for v in (a, b, c, d))
    if turn not in UPRIGHT:
        raise ValueError(f"{path} is turned by other than right angles, which cannot be read.")
    return np.ascontiguousarray(UPRIGHT[turn](pixels))


def _reason(fault) -> str:
    return str(fault.strerror or fault).rstrip(".")
