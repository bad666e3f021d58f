"""Sniffing: what a file is by its first bytes, whatever it is called."""

from __future__ import annotations

_STARTS: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"\x89PNG\r\n\x1a\n", "a PNG image"),
    (b"GIF87a", "a GIF image"),
    (b"GIF89a", "a GIF image"),
    (b"BM", "a BMP image"),
    (b"II*\x00", "a TIFF image"),
    (b"MM\x00*", "a TIFF image"),
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a zip archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"Rar!", "a RAR archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"\x1aE\xdf\xa3", "a video"),
    (b"version https://git-lfs", "a pointer of Git LFS, whose file was not fetched"),
    (b"/annex/", "a pointer of git-annex, whose file was not fetched"),
)
_MARKUP = (b"<!doctype html", b"<html", b"<head", b"<body")


def kind_of(head: bytes) -> str:
    """Returns what begins with these bytes, such as `a web page`; empty if that is not known."""
    for start, kind in _STARTS:
        if head.startswith(start):
            return kind
    if head[:4] == b"RIFF":
        return "a WebP image" if head[8:12] == b"WEBP" else "a video or sound"
    if head[4:8] == b"ftyp":
        brand = head[8:12]
        if brand in (b"heic", b"heix", b"mif1", b"msf1", b"heim", b"hevc"):
            return "a HEIC photo"
        return "an AVIF image" if brand in (b"avif", b"avis") else "a video"
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith(_MARKUP):
        return "a web page"
    if text.startswith((b"<svg", b"<?xml")):
        return "an SVG drawing or XML"
    return ""


def is_image(head: bytes) -> bool:
    """Tells whether these are the first bytes of an image of a kind that Pillow surely reads."""
    return kind_of(head).endswith(" image")
