"""What tests of plugins share: files of Python, written into a folder of their own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

Write = Callable[[str, str], Path]
"""From a file's name and text to its path."""
