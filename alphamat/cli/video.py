"""`alphamat video`: cut the foreground out of a clip."""

from __future__ import annotations

import json
import re
import time
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import repeat, tee
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from alphamat import progress
from alphamat.cli.arguments import (
    AsJson,
    Bits,
    Exposure,
    HowManyBits,
    Layer,
    MethodName,
    WeightsFile,
    samples,
)
from alphamat.cli.clips import over_what, plates, trimaps
from alphamat.cli.faults import faults_in_one_line, in_words_of_the_command
from alphamat.cli.named import method_named
from alphamat.cli.overwriting import refuse_clip_overwriting
from alphamat.io.images import DEPTHS, KINDS


def matte_clip(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="INPUT",
            help="Film, animated picture, folder of pictures, or a pattern such as "
            "'shot.%04d.exr'.",
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            help="NAME.mov (ProRes 4444), NAME.webm (VP9), NAME.mp4 (H.264; without "
            "alpha); NAME.webp or NAME.apng; or a folder or a pattern, such as 'out/%04d.exr', for "
            "PNG, TIFF or EXR.",
        ),
    ],
    trimap: Annotated[
        Path | None,
        typer.Argument(
            metavar="TRIMAP",
            help="Trimap of the first frame, which optical flow carries on; or a folder, a pattern "
            "or a film of them, one for each frame. Some networks need none.",
        ),
    ] = None,
    plate: Annotated[
        Path | None,
        typer.Option(
            metavar="PLATE",
            help="The scene without its foreground, a picture or a clip, for networks that need "
            "it. What to put the cut-out over is --over.",
        ),
    ] = None,
    handheld: Annotated[
        bool,
        typer.Option("--handheld", help="The camera moved: align PLATE with each frame."),
    ] = False,
    over: Annotated[
        str | None,
        typer.Option(
            metavar="COLOUR|PICTURE|CLIP",
            help="What to put the cut-out over: a CSS colour, or a picture or a clip of the same "
            "size. Write the composite instead of the cut-out.",
        ),
    ] = None,
    only_alpha: Annotated[
        bool, typer.Option("--alpha", help="Write the alpha instead of the cut-out, in gray.")
    ] = False,
    method: MethodName = "closed-form",
    weights: WeightsFile = None,
    rate: Annotated[
        str | None,
        typer.Option(help="Frames per second of pictures, such as 25, 23.976 or 24000/1001."),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option("--frames", min=1, help="Take only the first N frames.", metavar="N"),
    ] = None,
    bits: HowManyBits = None,
    layer: Layer = None,
    exposure: Exposure = 0.0,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a film that is there already.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Cut the foreground out of INPUT: a clip with true, straight alpha, and its sound.

    A film gets its name once it is complete. What a stopped run has written
    is kept beside it, as NAME.part-….mov, and can be played.

    Exit codes: 0 when all was written, also if something was odd (then there
    are warnings); 1 when an input is refused or the work fails, with one line
    on stderr; 2 when the command is misused; 130 when it is stopped.
    """
    from alphamat import video
    from alphamat.video.animation import WRITTEN
    from alphamat.video.encoding import kind_of

    is_film = kind_of(output) is not None
    one_file = is_film or output.suffix.lower() in WRITTEN
    in_light = not one_file and output.suffix.lower() == ".exr"
    if handheld and plate is None:
        raise typer.BadParameter("there is no --plate.", param_hint="--handheld")
    if over is not None and only_alpha:
        raise typer.BadParameter("only one of them can be written.", param_hint="--over, --alpha")
    if one_file and bits is not None:
        raise typer.BadParameter("it is for PNG, TIFF and EXR files only.", param_hint="--bits")
    depths = DEPTHS[KINDS.get(output.suffix.lower(), "png")]
    if bits is not None and samples(bits) not in depths:
        raise typer.BadParameter(
            f"it is {bits}; expected {' or '.join(map(str, depths))} for these files.",
            param_hint="--bits",
        )
    made = "alpha" if only_alpha else "cutout" if over is None else "composite"
    odd: list[str] = []
    with faults_in_one_line(), _warned(odd):
        estimator = method_named(method, weights)
        refuse_clip_overwriting(output, source, trimap, plate, over, weights)
        clip = video.read_video(source, rate=rate, layer=layer, exposure=exposure)
        clip = clip if limit is None else clip.first(limit)
        video.refuse_unwritable_clip(
            output, size=clip.size, alpha=made == "cutout", source=clip, overwrite=overwrite
        )
        if one_file and clip.rate is None:
            raise ValueError(f"{source} has no frame rate, which {output} needs; give --rate.")
        shown, frames = tee(clip.frames())
        mattes = video.matte_video(
            frames,
            estimator,
            trimaps=None if trimap is None else trimaps(trimap, clip),
            plate=None if plate is None else plates(plate, clip),
            handheld=handheld,
        )
        kind = kind_of(output, clip.colour)
        matted = zip(shown, mattes, strict=True)
        light = video.light_of(next(clip.frames())).light if in_light else None
        behind = None if over is None else over_what(over, clip, light)
        if in_light:
            pictures = _in_light(matted, made, behind)
        else:
            deep = bits not in (None, Bits.EIGHT)
            depth = (16 if deep else 8) if kind is None else kind.bits(made == "cutout")
            pictures = _pictures(matted, made, behind, depth)
        start = time.perf_counter()
        with progress.bar(total=clip.count) as bar:
            counted = _counted(pictures, bar)
            try:
                done = video.write_video(
                    output, counted, source=clip, bits=samples(bits), overwrite=overwrite
                )
            except KeyboardInterrupt as stop:
                if not one_file:  # of a film, the writer tells itself
                    stop.add_note(f"What was made until then is kept in {output}.")
                raise
        seconds = time.perf_counter() - start
    if as_json:
        typer.echo(json.dumps(_record(made, output, clip, done, seconds, odd), allow_nan=False))
    else:
        typer.echo(f"wrote {output}")
        typer.echo(f"{done} frames, {seconds:.2f} s, {done / seconds:.3g} frames per second")
    for line in odd:
        typer.echo(f"warning: {line}", err=True)


def _pictures(matted: Iterable, made: str, behind: Any, depth: int) -> Iterator:
    """Yield the picture to write for each frame, with its time and number."""
    from alphamat import video

    if behind is None or isinstance(behind, np.ndarray):
        behind = repeat(behind)
    backdrops = iter(behind)
    for frame, matte in matted:
        if made == "alpha":
            picture = video.alpha_picture(matte, bits=depth)
        elif made == "cutout":
            picture = video.cutout_picture(frame.image[..., :3], matte, bits=depth)
        elif (backdrop := next(backdrops, None)) is None:
            raise ValueError(f"the clip of --over ends before frame {frame.number}.")
        else:
            picture = video.composite_picture(frame.image[..., :3], matte, backdrop, bits=depth)
        yield frame._replace(image=picture)


def _in_light(matted: Iterable, made: str, behind: Any) -> Iterator:
    """Yield the scene-linear picture to write for each frame, with its time and number."""
    from alphamat import video

    backdrops = repeat(behind) if behind is None or isinstance(behind, np.ndarray) else behind
    backdrops = iter(backdrops)
    for frame, matte in matted:
        light = video.light_of(frame)
        if made == "alpha":
            video.alpha_picture(matte)  # or what is wrong with it
            picture = matte.alpha.astype(np.float64)
        elif made == "cutout":
            picture = video.cutout_light(light.pixels, matte)
        elif (backdrop := next(backdrops, None)) is None:
            raise ValueError(f"the clip of --over ends before frame {frame.number}.")
        else:
            picture = video.composite_light(light.pixels, matte, backdrop)
        yield frame._replace(image=picture, picture=light)


def _counted(pictures: Iterator, bar: progress.Bar) -> Iterator:
    """Yield pictures, and show how many there are and how fast they come."""
    for picture in pictures:
        yield picture
        speed = bar.speed
        bar.advance("" if speed is None else f"{speed:.3g} frames per second")


@contextmanager
def _warned(odd: list[str]) -> Iterator[None]:
    """Gather warnings: the first of each kind, and how many more of that kind there were."""
    seen: dict[str, list] = {}

    def note(message, *_, **__) -> None:
        kind = re.sub(r"[\d.]+", "0", str(message))
        seen.setdefault(kind, [str(message), 0])[1] += 1

    with warnings.catch_warnings():
        warnings.simplefilter("always", UserWarning)
        warnings.showwarning = note
        try:
            yield
        finally:
            odd += [
                in_words_of_the_command(text) + f" (and {times - 1} more like it)" * (times > 1)
                for text, times in seen.values()
            ]


def _record(
    made: str, output: Path, clip, done: int, seconds: float, odd: list[str]
) -> dict[str, object]:
    height, width = clip.size
    return {
        "outputs": {made: str(output)},
        "size": {"height": height, "width": width},
        "frames": done,
        "rate": None if clip.rate is None else str(clip.rate),
        "seconds": round(seconds, 4),
        "warnings": odd,
    }
