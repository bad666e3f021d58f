"""Endings of file names: which files may hold images, and which are tables."""

from __future__ import annotations

from pathlib import PurePosixPath

TABLES = (".csv", ".tsv", ".jsonl", ".ndjson")
"""Endings of tables of a user's items."""

NO_IMAGES = frozenset(
    (
        *(".txt", ".md", ".rst", ".log", ".pdf", ".doc", ".docx", ".rtf", ".html", ".htm", ".tex"),
        *(".csv", ".tsv", ".xls", ".xlsx", ".json", ".jsonl", ".ndjson", ".xml", ".yaml", ".yml"),
        *(".toml", ".ini", ".cfg", ".conf", ".db", ".sqlite", ".lnk", ".url", ".bak", ".tmp"),
        *(".py", ".ipynb", ".m", ".r", ".sh", ".bat", ".js", ".css", ".pyc", ".pkl", ".pickle"),
        *(".npy", ".npz", ".mat", ".h5", ".hdf5", ".parquet", ".pt", ".pth", ".onnx"),
        *(".zip", ".gz", ".tar", ".tgz", ".bz2", ".xz", ".7z", ".rar", ".md5", ".sha1", ".sha256"),
        *(".mp3", ".wav", ".flac", ".m4a", ".mp4", ".mov", ".avi", ".mkv", ".webm", ".m4v"),
        *(".aae", ".xmp", ".thm", ".modd", ".moff", ".part", ".crdownload"),
    )
)
"""Endings of files that are passed over. All others must hold an image, whatever they are called:
what cannot be read is never left out in silence."""


def is_table(name: str) -> bool:
    """Tells whether a file of this name is a table, by its ending."""
    return PurePosixPath(name).suffix.lower() in TABLES


def may_be_image(name: str) -> bool:
    """Tells whether a file of this name is to hold an image, by its ending."""
    return PurePosixPath(name).suffix.lower() not in NO_IMAGES
