"""Names of data as users write them: `omniglot`, or `folder:PATH` for files of their own."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePath


@dataclass(frozen=True)
class DataName:
    """A dataset's name, and the path that follows it; empty if none does."""

    dataset: str
    path: str = ""

    @classmethod
    def parse(cls, text: str) -> DataName:
        """Returns the parts of `NAME` or `NAME:PATH`."""
        dataset, _, path = text.partition(":")
        return cls(dataset, path)

    @property
    def label(self) -> str:
        """What tables call it: without the folders around the last part of the path."""
        return f"{self.dataset}:{PurePath(self.path).name}" if self.path else self.dataset

    @property
    def slug(self) -> str:
        """The label as a part of a folder's name."""
        return re.sub(r"[^\w.-]+", "-", self.label).strip("-.") or self.dataset
