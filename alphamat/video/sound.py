"""The sound of a clip: its packets copied from one film to another, or coded anew."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction

from alphamat.video.ffmpeg import pyav
from alphamat.video.film import opened
from alphamat.video.frames import Video

KEPT = {
    ".webm": {"opus", "vorbis"},
    ".mp4": {"aac", "mp3", "ac3", "eac3", "alac", "opus"},
    ".mov": {"aac", "mp3", "ac3", "eac3", "alac"}
    | {f"pcm_{form}" for form in ("s16le", "s16be", "s24le", "s24be", "s32le", "s32be", "f32le")},
}
"""Codecs that players expect in a film of this ending."""
INSTEAD = {".webm": "libopus", ".mp4": "aac", ".mov": "pcm_s24le"}
"""The codec for all other sound."""


@contextmanager
def sound_of(clip: Video, output, ending: str) -> Iterator[Iterator]:
    """Add a clip's sound to a film that is being written; yield (time, packets) in order."""
    with opened(clip.path) as container:
        streams = [stream for stream in container.streams.audio if stream.codec_context]
        tracks = {stream.index: _track(stream, output, clip, ending) for stream in streams}
        yield _packets(container, streams, tracks, clip) if streams else iter(())


def _packets(container, streams: list, tracks: dict, clip: Video) -> Iterator:
    av = pyav()
    time = Fraction(0)
    try:
        for packet in container.demux(streams):
            track = tracks[packet.stream.index]
            if packet.pts is not None:
                time = packet.pts * packet.time_base - clip.start
            yield time, track(packet)
    except av.error.FFmpegError as fault:
        raise ValueError(
            f"the sound of {clip.path} is damaged at {float(time):.2f} s: {fault.strerror}."
        ) from None


def _track(stream, output, clip: Video, ending: str):
    """Return a function that turns a packet of the input into packets of the output."""
    if stream.codec_context.codec.canonical_name in KEPT[ending]:
        return _copy(stream, output.add_stream_from_template(stream), clip.start)
    return _recode(stream, output, clip.start, INSTEAD[ending])


def _copy(stream, target, start: Fraction):
    shift = round(start / stream.time_base)

    def packets(packet) -> list:
        if packet.dts is None:  # the end
            return []
        packet.pts, packet.dts = packet.pts - shift, packet.dts - shift
        packet.stream = target
        return [packet]

    return packets


def _recode(stream, output, start: Fraction, name: str):
    av = pyav()
    rate = 48000 if name == "libopus" else stream.rate
    target = output.add_stream(name, rate=rate, layout=stream.layout.name)
    resampler = av.AudioResampler(format=target.format, layout=target.layout, rate=rate)

    def packets(packet) -> list:
        frames = stream.decode(packet)
        for frame in frames:
            frame.pts -= round(start / frame.time_base)
        ends = [None] if packet.dts is None else []
        ready = [out for frame in [*frames, *ends] for out in resampler.resample(frame)]
        return [done for frame in [*ready, *ends] for done in target.encode(frame)]

    return packets
