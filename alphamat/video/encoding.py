"""Films, written by FFmpeg."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from alphamat.video.colour import HDR, LIMITED, PICTURES, Colour, to_frame
from alphamat.video.container import file_url, reason
from alphamat.video.ffmpeg import pyav


@dataclass(frozen=True)
class Kind:
    """How a film is coded, by the ending of its name."""

    encoder: str
    opaque: str
    """Format of its pixels."""
    transparent: str | None
    """Format of pixels with alpha; None if the film cannot have alpha."""
    options: dict[str, str]
    container: dict[str, str]

    def bits(self, alpha: bool) -> int:
        """Return bits per channel of pictures that lose nothing by being rounded."""
        return 16 if "10" in (self.transparent or "" if alpha else self.opaque) else 8


# A film is written in fragments, so that what a killed run leaves can be played. At the end it
# becomes a plain file.
FRAGMENTS = {"movflags": "+hybrid_fragmented+frag_keyframe", "use_editlist": "1"}
KINDS = {
    ".mov": Kind(
        "prores_ks",
        "yuv444p10le",
        "yuva444p10le",
        {"profile": "4444", "alpha_bits": "16", "vendor": "apl0"},
        FRAGMENTS,
    ),
    ".webm": Kind(
        "libvpx-vp9",
        "yuv420p",
        "yuva420p",
        {"crf": "18", "b": "0", "deadline": "good", "cpu-used": "4", "row-mt": "1"},
        {"cluster_time_limit": "1000"},
    ),
    ".mp4": Kind(
        "libx264",
        "yuv420p",
        None,
        {"crf": "16", "preset": "medium", "forced-idr": "1"},
        FRAGMENTS,
    ),
}
HDR_KINDS = KINDS | {".mp4": replace(KINDS[".mp4"], opaque="yuv420p10le")}
"""How films of high dynamic range are coded: H.264 of 10 bits, since libx265 crashes in PyAV 18.

PyAV's libvpx has 8 bits only.
"""


def kind_of(path: Path, colour: Colour = PICTURES) -> Kind | None:
    kinds = HDR_KINDS if colour.transfer in HDR else KINDS
    return kinds.get(path.suffix.lower())


def refuse_unencodable(path: Path, kind: Kind, size: tuple[int, int], alpha: bool) -> None:
    """Raise unless a film of this name can hold pictures of a size, and their alpha."""
    av = pyav()
    if alpha and kind.transparent is None:
        raise ValueError(
            f"{path} cannot hold alpha; write .mov, .webm or pictures, or a composite."
        )
    if kind.encoder == "libx264" and (size[0] % 2 or size[1] % 2):
        raise ValueError(
            f"the clip is {size[0]} × {size[1]} (height × width), and {path} can only have even "
            "numbers of pixels; write .mov, .webm or pictures."
        )
    try:
        av.codec.Codec(kind.encoder, "w")
    except av.error.FFmpegError:
        raise ValueError(
            f"{path} cannot be written: PyAV's FFmpeg has no encoder {kind.encoder}."
        ) from None


@contextmanager
def encoding(
    path: Path,
    kind: Kind,
    *,
    size: tuple[int, int],
    alpha: bool,
    rate: Fraction,
    time_base: Fraction,
    colour: Colour = PICTURES,
    pixel_aspect: Fraction = Fraction(1),
    timecode: str | None = None,
) -> Iterator[Encoder]:
    """Open a film to write; it is complete at the end of the `with` block."""
    av = pyav()
    options = kind.container | {"flush_packets": "1"}
    if "movflags" in options:  # the unit of start times; by default milliseconds
        ticks = time_base.denominator
        options["movie_timescale"] = str(ticks * -(-1000 // ticks))
    with _naming(path):
        container = av.open(file_url(path), "w", container_options=options)
    try:
        stream = container.add_stream(kind.encoder, rate=rate, options=kind.options)
        stream.height, stream.width = size
        stream.pix_fmt = kind.transparent if alpha else kind.opaque
        stream.time_base = time_base
        if timecode is not None:
            stream.metadata["timecode"] = timecode
        codec = stream.codec_context
        codec.time_base = time_base
        codec.sample_aspect_ratio = pixel_aspect
        codec.flags |= av.codec.context.Flags.frame_duration
        codec.gop_size = max(1, round(rate))  # a fragment each second
        codec.colorspace, codec.color_range = colour.matrix, LIMITED
        codec.color_primaries, codec.color_trc = colour.primaries, colour.transfer
        encoder, patience = Encoder(path, container, stream, colour, time_base, 1 / rate), math.inf
        try:
            yield encoder
        except KeyboardInterrupt:
            patience = 0.2
            raise
        finally:
            encoder.flush(patience)
    finally:
        with _naming(path):
            container.close()


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Name the file in what FFmpeg raises."""
    av = pyav()
    try:
        yield
    except av.error.FFmpegError as fault:
        raise OSError(f"{path} cannot be written: {reason(fault)}.") from fault


@dataclass
class Encoder:
    """A film that is being written."""

    path: Path
    container: Any
    stream: Any
    colour: Colour
    time_base: Fraction
    usual: Fraction
    """Seconds that a frame lasts, on average."""
    held: Any = None
    """The last frame, which is coded once it is known whether another follows."""
    next: int = 0

    def write(self, image: np.ndarray, time: Fraction, duration: Fraction) -> None:
        frame = to_frame(image, self.stream.pix_fmt, self.colour.matrix)
        frame.color_primaries, frame.color_trc = self.colour.primaries, self.colour.transfer
        frame.time_base = self.time_base
        # Encoders need times that increase; those of damaged files may not.
        frame.pts = max(round(time / self.time_base), self.next)
        frame.duration = max(1, round(duration / self.time_base))
        self.next = frame.pts + 1
        held, self.held = self.held, frame
        if held is not None:
            with _naming(self.path):
                self.container.mux(self.stream.encode(held))

    def mux(self, packets: Iterable) -> None:
        with _naming(self.path):
            self.container.mux(packets)

    def flush(self, patience: float) -> None:
        """Write the frames that the encoder still holds, as many as some seconds allow."""
        from av.video.frame import PictureType

        end, held = time.monotonic() + patience, self.held
        with _naming(self.path):
            if held is not None:
                if held.duration * self.time_base > 2 * self.usual:
                    # MP4 keeps this only of what is coded last, as an I frame is here.
                    held.pict_type = PictureType.I
                self.container.mux(self.stream.encode(held))
            for packet in self.stream.codec_context.encode_lazy(None):
                packet.stream = self.stream
                self.container.mux(packet)
                if time.monotonic() > end:
                    return
