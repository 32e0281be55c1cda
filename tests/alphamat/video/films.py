"""Films for the tests, made and looked into by PyAV alone."""

from fractions import Fraction

import numpy as np
import pytest

av = pytest.importorskip("av", reason="PyAV is not installed")

SAMPLES = 48000  # per second


def ball(count, height=36, width=50, channels=3):
    """Yield pictures of a soft disc that moves across a gradient, uint8."""
    y, x = np.mgrid[:height, :width]
    for at in range(count):
        alpha = np.clip(0.3 * height - np.hypot(y - height / 2, x - width / 4 - at) + 0.5, 0, 1)
        planes = [40 + 3 * x, 200 - 2 * y, 60 + x + y, 255 * alpha]
        yield np.stack(planes[:channels], axis=-1).clip(0, 255).round().astype(np.uint8)


def film(
    path,
    pictures,
    *,
    rate=Fraction(25),
    times=None,
    durations=None,
    encoder="libx264",
    pix_fmt="yuv420p",
    planes=False,
    tags=None,
    matrix=None,
    aspect=None,
    sound=None,
    options=None,
    container=None,
    timecode=None,
):
    """Write a film; `pictures` are RGB(A) arrays, or lists of planes if `planes`.

    `sound` is a codec, or (codec, layout, samples per second).
    """
    pictures = list(pictures)
    first = pictures[0][0] if planes else pictures[0]
    with av.open(str(path), "w", container_options=container or {}) as output:
        stream = output.add_stream(encoder, rate=rate, options=options or {})
        stream.height, stream.width = first.shape[:2]
        stream.pix_fmt = pix_fmt
        base = 1 / rate if times is None else Fraction(1, 12800)
        stream.codec_context.time_base = base
        for name, value in (tags or {}).items():
            setattr(stream.codec_context, name, value)
        if aspect is not None:
            stream.codec_context.sample_aspect_ratio = aspect
        if matrix is not None:
            stream.set_display_matrix(matrix)
        if durations is not None:
            stream.codec_context.flags |= av.codec.context.Flags.frame_duration
        if timecode is not None:
            stream.metadata["timecode"] = timecode
        codec, layout, hertz = (
            (sound, "mono", SAMPLES) if isinstance(sound, str) else sound or "   "
        )
        noise = output.add_stream(codec, rate=hertz, layout=layout) if sound else None
        if codec.startswith("wma"):
            noise.bit_rate = 128_000
        for at, picture in enumerate(pictures):
            if planes:
                frame = from_planes(picture, pix_fmt)
            else:
                form = "rgba" if picture.shape[2] == 4 else "rgb24"
                frame = av.VideoFrame.from_ndarray(picture, form)
            for name, value in (tags or {}).items():
                setattr(frame, name, value)
            frame.time_base = base
            frame.pts = at if times is None else round(times[at] / base)
            if durations is not None:
                frame.duration = round(durations[at] / base)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
        if noise is not None:
            _encode_sound(output, noise, float(len(pictures) / rate))
    return path


def from_planes(planes, pix_fmt):
    height, width = planes[0].shape
    frame = av.VideoFrame(width, height, pix_fmt)
    for plane, values in zip(frame.planes, planes, strict=True):
        rows = np.frombuffer(plane, values.dtype).reshape(plane.height, -1)
        rows[:, : plane.width] = values
    return frame


def tone(seconds):
    """Return a tone that grows and falls, so that its place in time can be told."""
    t = np.arange(round(seconds * SAMPLES)) / SAMPLES
    return (0.5 * np.sin(2 * np.pi * (200 + 900 * t) * t)).astype(np.float32)


def _encode_sound(output, stream, seconds):
    size = stream.codec_context.frame_size or 1024
    resampler = av.AudioResampler(stream.format, stream.layout, stream.rate, size)
    samples = tone(seconds)
    for at in range(0, len(samples), 1024):
        frame = av.AudioFrame.from_ndarray(samples[None, at : at + 1024], "fltp", "mono")
        frame.sample_rate, frame.pts, frame.time_base = SAMPLES, at, Fraction(1, SAMPLES)
        for ready in resampler.resample(frame):
            output.mux(stream.encode(ready))
    for ready in resampler.resample(None):
        output.mux(stream.encode(ready))
    output.mux(stream.encode(None))


def heard(path):
    """Return a film's sound, mono, from time 0 on."""
    resampler = av.AudioResampler("fltp", "mono", SAMPLES)
    with av.open(str(path)) as container:
        frames = list(container.decode(audio=0))
    start = round(frames[0].pts * frames[0].time_base * SAMPLES)
    pieces = [out.to_ndarray()[0] for frame in [*frames, None] for out in resampler.resample(frame)]
    samples = np.concatenate(pieces)
    return np.concatenate([np.zeros(max(start, 0), np.float32), samples[max(-start, 0) :]])


def packets(path, kind):
    """Return time, in seconds, and bytes of each packet of one kind of stream."""
    with av.open(str(path)) as container:
        stream = getattr(container.streams, kind)[0]
        return [(p.pts * p.time_base, bytes(p)) for p in container.demux(stream) if p.size]


def look(path):
    """Return what a film's stream of pictures says of itself."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        codec = stream.codec_context
        names = ("colorspace", "color_range", "color_primaries", "color_trc", "pix_fmt")
        return {
            "codec": codec.codec.canonical_name,
            "rate": stream.average_rate,
            "time_base": stream.time_base,
            "aspect": stream.sample_aspect_ratio,
            "kinds": [s.type for s in container.streams],
            **{name: getattr(codec, name) for name in names},
        }
