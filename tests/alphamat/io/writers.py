"""Files written out by their specifications, to be read by others' rules, and what refuses them."""

import struct
import zlib

import numpy as np

from alphamat.io import read_picture

# Adam7: first row and column, and steps, of each pass.
PASSES = [
    (0, 0, 8, 8),
    (0, 4, 8, 8),
    (4, 0, 8, 4),
    (0, 2, 4, 4),
    (2, 0, 4, 2),
    (0, 1, 2, 2),
    (1, 0, 2, 1),
]
COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}  # by channels


def chunk(name, body, crc=None):
    crc = zlib.crc32(name + body) if crc is None else crc
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", crc)


def png(levels, depth, *, before=(), after=(), colour_type=None, interlaced=False):
    """Return the PNG of (H, W, C) levels; `before` and `after` its pixels come other chunks."""
    height, width, channels = levels.shape
    colour_type = COLOUR_TYPES[channels] if colour_type is None else colour_type
    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, interlaced)
    passes = [levels[y::down, x::across] for y, x, down, across in PASSES]
    rows = b"".join(map(packed_rows, passes if interlaced else [levels], [depth] * 7))
    chunks = [(b"IHDR", header), *before, (b"IDAT", zlib.compress(rows)), *after, (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*parts) for parts in chunks)


def packed_rows(levels, depth):
    if not levels.size:
        return b""
    samples = levels.reshape(len(levels), -1, 1)
    if depth >= 8:
        rows = samples.astype(f">u{depth // 8}")
    else:
        rows = np.packbits((samples >> np.arange(depth)[::-1] & 1).reshape(len(levels), -1), axis=1)
    return b"".join(b"\0" + row.tobytes() for row in rows)


def orientation_exif(orientation):
    """Return EXIF that says the orientation and nothing else, as TIFF has it."""
    return struct.pack(">2sHIHHHIHHI", b"MM", 42, 8, 1, 0x0112, 3, 1, orientation, 0, 0)


def tiff(*pages, order="<"):
    """Return a TIFF of pages (tags, strips), of which a tag is (type, values)."""
    file, link = bytearray(struct.pack(order + "2sHI", {"<": b"II", ">": b"MM"}[order], 42, 8)), 4
    for tags, strips in pages:
        places = []
        for strip in strips:
            places.append(len(file))
            file += strip
        offsets, counts = (324, 325) if 322 in tags else (273, 279)
        tags = tags | {offsets: (4, places), counts: (4, [len(strip) for strip in strips])}
        entries = b""
        for tag, (kind, values) in sorted(tags.items()):
            values = np.atleast_1d(values).astype(order + {1: "u1", 3: "u2", 4: "u4"}[kind])
            content = values.tobytes().ljust(4, b"\0")
            if len(content) > 4:
                place, content = len(file), content
                file += content
                content = struct.pack(order + "I", place)
            entries += struct.pack(order + "HHI", tag, kind, len(values)) + content
        struct.pack_into(order + "I", file, link, len(file))
        file += struct.pack(order + "H", len(tags)) + entries
        link = len(file)
        file += bytes(4)
    return bytes(file)


def tags(shape, bits, photometric, **more):
    """Return the tags of (H, W, C) samples in one strip; t338=(3, 1) adds another."""
    height, width, samples = shape
    found = {
        256: (4, width),
        257: (4, height),
        258: (3, [bits] * samples),
        259: (3, 1),
        262: (3, photometric),
        277: (3, samples),
        278: (4, height),
    }
    return found | {int(name[1:]): value for name, value in more.items()}


def profile(space=b"RGB ", gamma=1.8, red=(0.60, 0.31, 0.02)):
    """Return an ICC profile with the power `gamma` for its curves, and primaries of no fame."""
    white = (0.9642, 1, 0.8249)
    green, blue = (0.25, 0.63, 0.05), (0.1142, 0.06, 0.7549)

    def xyz(values):
        return b"XYZ \0\0\0\0" + np.rint(65536 * np.array(values)).astype(">i4").tobytes()

    curve = b"curv\0\0\0\0" + struct.pack(">IHxx", 1, round(256 * gamma))
    parts = {b"wtpt": xyz(white), b"cprt": b"text\0\0\0\0none\0\0\0\0"}
    parts[b"desc"] = b"desc\0\0\0\0" + struct.pack(">I2s", 2, b"x") + bytes(78)
    if space == b"GRAY":
        parts[b"kTRC"] = curve
    else:
        parts |= {b"rXYZ": xyz(red), b"gXYZ": xyz(green), b"bXYZ": xyz(blue)}
        parts |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)
    table = body = b""
    for name, part in parts.items():
        table += struct.pack(">4sII", name, 132 + 12 * len(parts) + len(body), len(part))
        body += part + bytes(-len(part) % 4)
    size = 132 + len(table) + len(body)
    head = struct.pack(">I4xI4s4s4s12x4s28x", size, 0x02400000, b"mntr", space, b"XYZ ", b"acsp")
    head += np.rint(65536 * np.array(white)).astype(">i4").tobytes()
    return head.ljust(128, b"\0") + struct.pack(">I", len(parts)) + table + body


def ink_profile(lightness):
    """Return an ICC profile for CMYK, in which paper has a CIE lightness, and ink is black."""
    colours = [round(255 * lightness / 100) if at == 0 else 0 for at in range(16)]
    corners = bytes(value for level in colours for value in (level, 128, 128))
    curve = bytes(range(256))
    identity = np.rint(65536 * np.eye(3)).astype(">i4").tobytes()
    table = b"mft1\0\0\0\0" + bytes([4, 3, 2, 0]) + identity + 4 * curve + corners + 3 * curve
    white = np.rint(65536 * np.array((0.9642, 1, 0.8249))).astype(">i4").tobytes()
    parts = {b"A2B0": table, b"wtpt": b"XYZ \0\0\0\0" + white}
    parts[b"cprt"] = b"text\0\0\0\0none\0\0\0\0"
    parts[b"desc"] = b"desc\0\0\0\0" + struct.pack(">I2s", 2, b"x") + bytes(78)
    index = body = b""
    for name, part in parts.items():
        index += struct.pack(">4sII", name, 132 + 12 * len(parts) + len(body), len(part))
        body += part + bytes(-len(part) % 4)
    size = 132 + len(index) + len(body)
    head = struct.pack(">I4xI4s4s4s12x4s28x", size, 0x02400000, b"prtr", b"CMYK", b"Lab ", b"acsp")
    return (head + white).ljust(128, b"\0") + struct.pack(">I", len(parts)) + index + body


def refusal(path, read=read_picture):
    """Return why a file is refused; None if it is read."""
    try:
        read(path)
    except ValueError as error:
        return str(error)
    return None
