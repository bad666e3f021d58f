"""Plugin code: which files a plugin's class is made of, and a digest of what is in them."""

from __future__ import annotations

import ast
import hashlib
import inspect
from pathlib import Path

from bench.files import sha256_of, source_digest


def code_digest(cls: type) -> str:
    """Returns a sha256 of the source of a class and of the private files that it uses.

    These are those beside it whose names begin with `_`: modules that it imports, whether on
    import or later, and files that it names in a string, such as `_classes.txt`; and those that
    these use in turn. Of a class without any it is the digest of its own file, and '' if there is
    none.
    """
    own = source_digest(cls)
    others = private_files(Path(inspect.getfile(cls))) if own else ()
    if not others:
        return own
    parts = [own, *(f"{path.name} {sha256_of(path)}" for path in others)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def private_files(module: Path) -> tuple[Path, ...]:
    """Returns the private files beside a module of Python that it uses, sorted by name."""
    beside = {path.name: path for path in module.parent.glob("_*") if path.is_file()}
    found: dict[str, Path] = {}
    todo = [module]
    while todo:
        for name in _named(todo.pop()) & (beside.keys() - found.keys() - {module.name}):
            found[name] = beside[name]
            if name.endswith(".py"):
                todo.append(beside[name])
    return tuple(found[name] for name in sorted(found))


def _named(module: Path) -> set[str]:
    """Returns the names of files beside it that a module may mean."""
    try:
        tree = ast.parse(module.read_bytes())
    except SyntaxError:  # whoever imports it will say so
        return set()
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level == 1:
            modules = [node.module] if node.module else [alias.name for alias in node.names]
            names |= {f"{name.partition('.')[0]}.py" for name in modules}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            names.add(node.value)
    return names
