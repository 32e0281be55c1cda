"""Films, read by FFmpeg."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np

from alphamat.video import fields
from alphamat.video.colour import colour_of, to_rgb
from alphamat.video.container import decoder_of, opened, reason, video_stream
from alphamat.video.ffmpeg import pyav
from alphamat.video.frames import Frame, Video
from alphamat.video.takes import Clock

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
LAST = 2
"""Packets at the end of a take among which one may wrongly be called cut short."""


def open_film(path: Path) -> Video:
    """Open a film, and read its first frame."""
    with opened(path) as container:
        stream = video_stream(container, path)
        rate = _rate(stream)
        time_base = _exact_unit(stream.time_base, rate)
        start = _start(container, stream)
        try:
            colour = colour_of(stream)
        except ValueError as fault:
            raise ValueError(f"{path} cannot be read: {fault}.") from None
        count = stream.frames or (round(_seconds(container, stream) * rate) or None)
        aspect = stream.sample_aspect_ratio or Fraction(1)
        timecode = _timecode(container)
    read = partial(_read, path, rate, start, colour.matrix, set())
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
        timecode=timecode,
    )


def _rate(stream) -> Fraction:
    """Return frames per second, on average; FFmpeg's average is wrong for a few containers."""
    average, guessed = stream.average_rate, stream.guessed_rate
    if average and not (guessed and average > 2 * guessed):
        return average
    # The guess for a single frame may be the container's unit of time.
    return guessed if guessed and guessed <= 240 else Fraction(25)


def _start(container, stream) -> Fraction:
    """Return the file's time at which the clip starts, in seconds."""
    starts = [s.start_time * s.time_base for s in container.streams if s.start_time is not None]
    start = min(starts, default=Fraction(0))
    if container.format.name == "asf" and stream.start_time is not None:
        # Windows Media's sound begins with what its decoder does not return.
        shown = stream.start_time * stream.time_base
        start = shown if shown - start < Fraction(1, 10) else start
    return max(Fraction(0), start)


def _timecode(container) -> str | None:
    for tags in (container.metadata, *(stream.metadata for stream in container.streams)):
        for name, value in tags.items():
            if name.lower() == "timecode":
                return value
    return None


def _read(
    path: Path, rate: Fraction, start: Fraction, matrix: int, told: set[str]
) -> Iterator[Frame]:
    with opened(path) as container:
        stream = video_stream(container, path)
        decoder, codec = decoder_of(stream, path), stream.codec_context.name
        clock = partial(_time, stream.time_base, rate, start)
        # AVI has no times for frames that are not stored in the order in which they are shown.
        untimed = container.format.name == "avi" and stream.codec_context.has_b_frames
        count, packets, size, last, end = 0, 0, None, Fraction(-1), Fraction(0)
        for packet in _demuxed(container, stream, path, rate, clock):
            packets += packet.size > 0
            for frame in _decoded(decoder, packet, path, rate, clock):
                time = None if untimed else clock(frame.pts)
                if time is None or last - time > 1 / rate:
                    time = end
                last, count = time, count + 1
                if frame.is_corrupt:
                    raise ValueError(_damaged(path, count, time, "a part of it cannot be decoded"))
                image = _upright(frame, to_rgb(frame, matrix, codec), path)
                if fields.is_interlaced(frame, codec, image):
                    _tell_once(told, fields.advice(path))
                size = size or image.shape[:2]
                if image.shape[:2] != size:
                    raise ValueError(
                        f"frame {count} of {path} is {image.shape[0]} × {image.shape[1]}, and "
                        f"those before it are {size[0]} × {size[1]} (height × width)."
                    )
                duration = _duration(frame, stream.time_base, rate)
                end = max(end, time + duration)
                yield Frame(image, time, count, duration)
        _refuse_cut_short(container, stream, path, packets)
        promised = _seconds(container, stream, of_all=False) - start
        if promised - end > 2 / rate:
            warnings.warn(
                f"{path} ends after {count} frames, at {float(end):.2f} s of the "
                f"{float(promised):.2f} s that it promises; it may be damaged or cut short.",
                stacklevel=2,
            )


def _tell_once(told: set[str], text: str) -> None:
    """Warn, but only the first time that a clip is read."""
    if text not in told:
        told.add(text)
        warnings.warn(text, stacklevel=3)


def _duration(frame, time_base: Fraction, rate: Fraction) -> Fraction:
    """Return how long a frame is shown, if it is longer than one at the clip's rate."""
    lasts = (frame.duration or 0) * time_base
    return lasts if lasts - 1 / rate > time_base else 1 / rate


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


def _demuxed(container, stream, path: Path, rate: Fraction, clock) -> Iterator:
    """Yield the packets of a stream, if they are whole; where times go back, they go on."""
    av = pyav()
    takes, time, doubtful = Clock(1 / rate), Fraction(0), []
    try:
        for packet in container.demux(stream):
            if takes.move(packet):
                warnings.warn(_joined(path, clock(packet.pts) or time), stacklevel=3)
                yield from doubtful
                doubtful = []
            # One of a take's last packets is said to be cut short where the next take counts anew.
            if packet.is_corrupt or doubtful:
                doubtful.append(packet)
                if len(doubtful) > LAST or not packet.size:
                    at = clock(doubtful[0].pts) or time
                    raise ValueError(_damaged(path, round(at * rate) + 1, at, "it is not whole"))
                continue
            time = clock(packet.pts) or time
            yield packet
    except av.error.FFmpegError as fault:
        raise ValueError(
            f"{path} is damaged or cut short after {float(time):.2f} s: {reason(fault)}."
        ) from None


def _joined(path: Path, time: Fraction) -> str:
    return (
        f"the times of {path} go back at {float(time):.2f} s, as where takes are joined; what "
        "follows is put where the frames before it end."
    )


def _decoded(decoder, packet, path: Path, rate: Fraction, clock) -> list:
    av = pyav()
    try:
        return decoder.decode(packet if packet.size else None)
    except av.error.FFmpegError as fault:
        time = clock(packet.pts) or Fraction(0)
        raise ValueError(_damaged(path, round(time * rate) + 1, time, reason(fault))) from None


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
