"""The sound of a clip: its packets copied from one film to another, or coded anew."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from io import BytesIO
from typing import Any

from alphamat.video.container import opened, reason, video_stream
from alphamat.video.ffmpeg import pyav
from alphamat.video.frames import Video
from alphamat.video.takes import Clock

KEPT = {
    ".webm": {"opus", "vorbis"},
    ".mp4": {"aac", "mp3", "ac3", "eac3", "alac", "opus"},
    ".mov": {"aac", "mp3", "ac3", "eac3", "alac"}
    | {f"pcm_{form}" for form in ("s16le", "s16be", "s24le", "s24be", "s32le", "s32be", "f32le")},
}
"""Codecs that players expect in a film of this ending."""
INSTEAD = {".webm": "libopus", ".mp4": "aac", ".mov": "pcm_s24le"}
"""The codec for all other sound."""
LAYOUTS = ("mono", "stereo", "3.0", "quad", "5.0", "5.1", "6.1", "7.1")
"""Loudspeakers of 1, 2, … channels, by the names that all encoders know."""


@contextmanager
def sound_of(clip: Video, output, ending: str) -> Iterator[Iterator]:
    """Add a clip's sound to a film that is being written; yield (time, packets) in order."""
    with opened(clip.path) as container:
        sounds = container.streams.audio
        streams = [stream for stream in sounds if stream.codec_context]
        if len(streams) < len(sounds):
            warnings.warn(
                f"{len(sounds) - len(streams)} of {len(sounds)} tracks of sound of {clip.path} are "
                "coded in a way that this FFmpeg cannot decode, and are left out.",
                stacklevel=2,
            )
        tracks = {stream.index: _track(stream, output, clip, ending) for stream in streams}
        yield _packets(container, streams, tracks, clip) if streams else iter(())


def _packets(container, streams: list, tracks: dict, clip: Video) -> Iterator:
    av = pyav()
    shown = video_stream(container, clip.path)
    pictures = Clock(1 / clip.rate if clip.rate else Fraction(0))
    clocks = {stream.index: Clock(Fraction(1, 50)) for stream in streams}
    time = Fraction(0)
    try:
        for packet in container.demux([shown, *streams]):
            index = packet.stream.index
            if index == shown.index:
                if pictures.move(packet):
                    for clock in clocks.values():
                        clock.meet(pictures)
                continue
            clocks[index].move(packet, pictures)
            if packet.pts is not None:
                time = packet.pts * packet.time_base - clip.start
            yield time, tracks[index](packet)
    except av.error.FFmpegError as fault:
        raise ValueError(
            f"the sound of {clip.path} is damaged at {float(time):.2f} s: {reason(fault)}."
        ) from None


def _track(stream, output, clip: Video, ending: str) -> Callable[[Any], list]:
    """Return a function that turns a packet of the input into packets of the output."""
    if stream.codec_context.codec.canonical_name in KEPT[ending] and _can_hold(ending, stream):
        packets = _copy(stream, output.add_stream_from_template(stream), clip.start)
    else:
        packets = _recode(stream, output, clip, INSTEAD[ending])
    last: int | None = None

    def ascending(packet) -> list:
        nonlocal last
        ready = packets(packet)
        for made in ready:  # no film can hold others
            if last is not None and made.dts <= last:
                made.dts = last + 1
                made.pts = max(made.pts, made.dts)
            last = made.dts
        return ready

    return ascending


def _can_hold(ending: str, stream) -> bool:
    """Return whether a container takes a stream as it is; MP4 takes no MP3 below 16 kHz."""
    av = pyav()
    try:
        with av.open(BytesIO(), "w", format=ending[1:]) as trial:
            trial.add_stream_from_template(stream)
            trial.start_encoding()
    except (av.error.FFmpegError, ValueError):
        return False
    return True


def _copy(stream, target, start: Fraction) -> Callable[[Any], list]:
    shift = round(start / stream.time_base)
    end = 0

    def packets(packet) -> list:
        nonlocal end
        if _is_end(packet):
            return []
        stamps = [stamp for stamp in (packet.pts, packet.dts) if stamp is not None]
        pts, dts = (stamps[0], stamps[-1]) if stamps else (end, end)
        packet.pts, packet.dts = pts - shift, dts - shift
        end = dts + (packet.duration or 1)
        packet.stream = target
        return [packet]

    return packets


def _recode(stream, output, clip: Video, name: str) -> Callable[[Any], list]:
    av = pyav()
    layout, rate = _accepted(stream, name, clip)
    target = output.add_stream(name, rate=rate, layout=layout)
    form = {"format": target.format, "layout": target.layout, "rate": rate}
    resampler, taken, end = av.AudioResampler(**form), None, Fraction(0)

    def resampled(frame) -> list:
        nonlocal resampler, taken
        given = frame and (frame.format.name, frame.layout.name, frame.sample_rate)
        if frame is None or taken in (None, given):
            taken = given
            return resampler.resample(frame)
        rest, resampler, taken = resampler.resample(None), av.AudioResampler(**form), given
        return rest + resampler.resample(frame)

    def packets(packet) -> list:
        nonlocal end
        frames = stream.decode(packet)
        for frame in frames:
            if frame.pts is not None:
                end = frame.pts * frame.time_base - clip.start
            frame.pts = round(end / frame.time_base)
            end += Fraction(frame.samples, frame.sample_rate)
        ends = [None] if _is_end(packet) else []
        ready = [out for frame in [*frames, *ends] for out in resampled(frame)]
        return [done for frame in [*ready, *ends] for done in target.encode(frame)]

    return packets


def _is_end(packet) -> bool:
    return packet.dts is None and not packet.size


def _accepted(stream, name: str, clip: Video) -> tuple[str, int]:
    """Return the layout and the rate nearest to those of a stream that an encoder takes."""
    av = pyav()
    codec = av.codec.Codec(name, "w")
    known = codec.audio_rates or [stream.rate]
    rate = min((rate for rate in known if rate >= stream.rate), default=max(known))
    rate = 48000 if name == "libopus" else rate
    own, count = stream.layout.name, stream.layout.nb_channels
    usual = LAYOUTS[count - 1 : count]
    # Some containers do not say which loudspeaker a channel is for: "2 channels".
    named = [] if own.endswith("channels") else [own]
    for layout in (*named, *usual, own):
        trial = av.CodecContext.create(name, "w")
        trial.layout, trial.sample_rate, trial.format = layout, rate, codec.audio_formats[0]
        try:
            trial.open()
        except av.error.FFmpegError:
            continue
        return layout, rate
    raise ValueError(
        f"the sound of {clip.path} has {count} channels ({own}), which {name} cannot code; write "
        ".mov to keep it."
    )
