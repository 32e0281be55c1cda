"""What a file is, by its first bytes."""

from __future__ import annotations

import re

READABLE = "PNG, JPEG, TIFF, WebP, AVIF, HEIC or EXR"

# Pillow's name of a format, by how its files begin.
READ = {
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"II+\0": "TIFF",
    b"MM\0+": "TIFF",
    b"v/1\x01": "EXR",
}
# In an ISO base media file these brands say what it is: the first, or any that is compatible.
BRANDS = {
    rb"....ftyp(av(if|is)|mif1.{0,40}?avi[fs])": "AVIF",
    rb"....ftyp(hei[cfmsx]|hev[cmsx]|mif1|msf1)": "HEIF",
}

RAW = "has to be developed first"
DRAWING = "has to be drawn as pixels first"

# What other files are, and what to say of them, by a pattern of how they begin.
OTHERS = {
    rb"SDPX|XPDS": "DPX",
    rb"\x80\x2a\x5f\xd7": "Cineon",
    rb"#\?(RADIANCE|RGBE)": "Radiance HDR",
    rb"....ftypcrx ": f"CR3, camera raw, which {RAW}",
    rb"II\*\0....CR": f"CR2, camera raw, which {RAW}",
    rb"II(RO|RS)|MMOR": f"ORF, camera raw, which {RAW}",
    rb"IIU\0": f"RW2, camera raw, which {RAW}",
    rb"FUJIFILMCCD-RAW": f"RAF, camera raw, which {RAW}",
    rb"FOVb": f"X3F, camera raw, which {RAW}",
    rb"\0MRM": f"MRW, camera raw, which {RAW}",
    rb"....ftyp": "a film",
    rb"....(moov|mdat|wide)": "a film",
    rb"RIFF....AVI |\x1a\x45\xdf\xa3|\0\0\x01[\xba\xb3]|OggS|FLV\x01": "a film",
    rb"\xff\x0a|\0\0\0\x0cJXL ": "JPEG XL",
    rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51": "JPEG 2000",
    rb"II\xbc": "JPEG XR",
    rb"GIF8": "GIF",
    rb"BM.{4}\0\0\0\0": "BMP",
    rb"8BPS": "PSD",
    rb"gimp xcf": "XCF",
    rb"P[1-7fF][\s#]": "PNM",
    rb"DDS ": "DDS",
    rb"qoif": "QOI",
    rb"farbfeld": "farbfeld",
    rb"\0\0[\x01\x02]\0.\0": "ICO",
    rb"SIMPLE  =": "FITS",
    rb".{128}DICM": "DICOM",
    rb"\x93NUMPY": "a NumPy array, which numpy.load reads",
    rb"%PDF": f"PDF, which {DRAWING}",
    rb"%!PS|\xc5\xd0\xd3\xc6": f"PostScript, which {DRAWING}",
    rb"\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*(<!DOCTYPE svg[^>]*>\s*)?<svg": f"SVG, which {DRAWING}",
    rb"\s*<(!doctype )?html": "a web page, not the image",
    rb"version https://git-lfs": "a pointer of Git LFS, not the image; fetch it with git lfs pull",
    rb"PK\x03\x04": "a ZIP archive",
    rb"\x1f\x8b|\xfd7zXZ|BZh|7z\xbc\xaf": "a compressed file",
}


def format_of(head: bytes) -> str | None:
    """Return Pillow's name of the format of a file that is read, by its first bytes.

    Examples
    --------
    >>> format_of(b"MM\\0*" + bytes(12))
    'TIFF'
    """
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    for start, name in BRANDS.items():
        if re.match(start, head, re.DOTALL):
            return name
    if other_kind(head):
        return None
    return next((name for start, name in READ.items() if head.startswith(start)), None)


def other_kind(head: bytes) -> str | None:
    """Return what a file is that is not read, by its first bytes, if they tell.

    Examples
    --------
    >>> other_kind(b"8BPS" + bytes(40))
    'PSD'
    """
    flags = re.DOTALL | re.IGNORECASE
    return next((kind for start, kind in OTHERS.items() if re.match(start, head, flags)), None)
