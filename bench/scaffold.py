"""Scaffolds: a new plugin's package, from templates, that passes the contract as it stands.

Imports no torch. The templates in `templates/` have names after a dollar sign for what differs.
"""

from __future__ import annotations

import importlib.util
import keyword
import re
import shutil
import sys
import tempfile
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from string import Template
from typing import Literal, get_args

from bench.errors import BenchError

Kind = Literal["algorithm", "dataset", "backbone"]
KINDS: tuple[Kind, ...] = get_args(Kind)
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_RUNS = {
    "algorithm": "--algo {name} --data gaussians",
    "dataset": "--algo pixels --data {name}",
    "backbone": "--algo protonet --data glyphs --backbone {name}",
}


@dataclass(frozen=True)
class Scaffold:
    """A new plugin: what it is and what it is called."""

    kind: Kind
    name: str

    @property
    def module(self) -> str:
        """The name of its module."""
        return self.name.replace("-", "_")

    @property
    def commands(self) -> tuple[str, ...]:
        """What to do with it next, from within its folder."""
        file = f"-p ./{self.module}.py"
        return (
            f"bench check {file} {self.name}",
            "python -m pytest",
            f"bench run {file} {_RUNS[self.kind].format(name=self.name)}",
            "pip install -e .  # from then on without -p",
        )

    def files(self) -> dict[str, str]:
        """Returns the content of each file, by its path in the package's folder."""
        words = {
            "kind": self.kind,
            "name": self.name,
            "module": self.module,
            "Class": "".join(part.capitalize() for part in self.name.split("-")),
            "commands": "\n".join(self.commands),
        }
        sources = {
            f"{self.module}.py": f"{self.kind}.py",
            f"tests/test_{self.module}.py": "test.py",
            "pyproject.toml": "pyproject.toml",
            "README.md": "README.md",
        }
        folder = resources.files("bench") / "templates"
        return {
            path: Template((folder / f"{source}.txt").read_text("utf-8")).substitute(words)
            for path, source in sources.items()
        }


def check_name(name: str) -> None:
    """Raises BenchError unless `name` can be that of a new plugin, its package and its module."""
    if not _NAME.fullmatch(name):
        raise BenchError(
            f"'{name}' cannot be a plugin's name; take small letters and digits in words joined "
            f"by hyphens, such as {_suggestion(name)}"
        )
    module = name.replace("-", "_")
    taken = keyword.iskeyword(module) or module in sys.stdlib_module_names
    if taken or importlib.util.find_spec(module) is not None:
        raise BenchError(
            f"'{name}' would be the module {module}, and Python has one of that name already; "
            f"take another, such as my-{name}"
        )


def write(scaffold: Scaffold, into: Path) -> list[Path]:
    """Writes the package into a new folder in `into`, whole or not at all; returns its files.

    Raises:
        BenchError: `into` is no folder, or the new folder is there already.
    """
    folder = into / scaffold.name
    if not into.is_dir():
        raise BenchError(f"--into is {into}, which is no folder; make it first")
    if folder.exists() or folder.is_symlink():
        raise BenchError(f"{folder} is there already; take another name, or remove it")
    files = scaffold.files()
    draft = Path(tempfile.mkdtemp(prefix=f".{scaffold.name}.", dir=into))
    try:
        for path, text in files.items():
            (draft / path).parent.mkdir(exist_ok=True)
            (draft / path).write_text(text, encoding="utf-8")
        draft.chmod(0o755)  # that of a temporary folder shuts others out
        draft.rename(folder)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    return [folder / path for path in files]


def _suggestion(name: str) -> str:
    """Returns the nearest name that would do."""
    words = re.findall(r"[a-z0-9]+", name.lower())
    close = "-".join(words).lstrip("0123456789-")
    return close or "my-method"
