"""Your own images: a folder or zip with a folder for each class, or a table of their paths."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bench import (
    BenchError,
    ClassExamples,
    DataFiles,
    Dataset,
    EpisodeProtocol,
    ImageForm,
    PictureClass,
    Split,
    decoded,
    draw_split,
    hookimpl,
    read_listing,
    read_split,
)

from ._image_classes import NAMED, Selection, is_enough, on_drawn, select, with_both
from ._image_copies import Copies
from ._image_files import TABLES, Layout, counted, first_of, table_layout
from ._image_folders import Grouping, tree_layout
from ._image_stamp import stamp_of


@dataclass(frozen=True)
class _Splits:
    """The split of each class, and what the user should know of it."""

    of: dict[str, Split]
    remarks: tuple[str, ...] = ()


class Folder(Dataset):
    """Images of your own: `class/image`, `split/class/image`, a zip of either, or a table.

    Split folders are called train, val (or valid, validation) and test. A table (.csv, .tsv,
    .jsonl) has the columns path and class, and split and group if wanted; paths start at the
    table's folder. If no split is given, one is drawn over the classes. A class in nested folders
    is called `outer/inner`, and `outer` is its group for --protocol within. Hidden files and files
    that are no images by their ending, such as .txt, are passed over. Test episodes have 5 queries
    per class unless you ask for others, so that classes of 6 images will do.

    Args:
        path: the folder, zip or table; it follows the name, as in folder:PATH.
        side: images become side x side pixels.
        mode: colour (3 channels) or grey (1).
        fit: what happens to other proportions: stretch ignores them, crop keeps the middle, pad
            keeps all and adds black.
        resampling: Pillow's filter.
        classes: disjoint (train, val and test share no class) or fixed (all classes are in test,
            whatever split they were given, for when these are the classes that matter).
        splits: a file with the columns class and split, such as bench data split writes; it goes
            before split folders and columns.
        split_seed: seed of the split that is drawn if none is given.
        least: classes with fewer images are left out, and named.
        depth: how many folders name a class; 0 takes all down to the image, 1 makes all images
            below cats of class cats.
        groups: which images have something in common, such as the object they show, so that an
            episode never knows one and asks for another: none; prefix (those of a class whose
            names are alike up to the last _ or -); or folder (those of a class in one folder
            below it; needs depth). Tables have a column for it.
        damaged: what happens to images that cannot be read: refuse, or skip, which leaves them
            out, and names them.
    """

    name = "folder"
    licence = "that of your images"
    protocol = EpisodeProtocol(queries=5)
    opens = "a folder, zip or table of images"
    locations = ("path", "splits")

    def __init__(
        self,
        *,
        path: str = "",
        side: int = 84,
        mode: Literal["colour", "grey"] = "colour",
        fit: Literal["stretch", "crop", "pad"] = "stretch",
        resampling: Literal["nearest", "bilinear", "bicubic", "lanczos"] = "bilinear",
        classes: Literal["disjoint", "fixed"] = "disjoint",
        splits: str = "",
        split_seed: int = 0,
        least: int = 6,
        depth: int = 0,
        groups: Grouping = "none",
        damaged: Literal["refuse", "skip"] = "refuse",
    ) -> None:
        for key, value, smallest in (("side", side, 1), ("least", least, 2), ("depth", depth, 0)):
            if value < smallest:
                raise BenchError(f"folder: {key} is {value}; it must be at least {smallest}")
        if groups == "folder" and not depth:
            raise BenchError(
                "folder: groups=folder takes the folders below a class; say how many folders name "
                "a class, such as depth=1"
            )
        self.path, self.side, self.mode, self.fit = path, side, mode, fit
        self.resampling, self.split_seed, self.least = resampling, split_seed, least
        self.splits, self.depth, self.groups, self.damaged = splits, depth, groups, damaged
        self.fixed = classes == "fixed"
        self._remarks: tuple[str, ...] = ()
        self._count: int | None = None

    def classes(self, files: DataFiles) -> Iterator[ClassExamples]:
        layout = self._layout(files)
        selection = select(layout, self.least)
        splits = self._splits_of(layout, selection, files)
        self._remarks = (*layout.remarks, *selection.remarks, *splits.remarks)
        self._count = len(selection.kept)
        copies, damaged, emptied = Copies(self.path), dict[str, str](), []
        pictures = (
            PictureClass(name, splits.of[name], tuple(map(copies.picture, images)))
            for name, images in selection.kept.items()
        )
        for one in decoded(pictures, self.form(), damaged):
            copies.compare(selection.kept[one.name], one.split, damaged)
            if is_enough(one.groups or ("",) * len(one.inputs), self.least):
                yield one
            else:
                emptied.append(one.name)
        self._remarks += self._on_damaged(damaged, sum(map(len, selection.kept.values())))
        self._remarks += copies.remarks()
        if emptied:
            few = f"left out, as too few of their images can be read: {first_of(emptied, NAMED)}"
            self._remarks += (few,)

    def class_sizes(self, files: DataFiles) -> dict[str, int]:
        """Returns the classes that a split divides, with the number of their images."""
        layout = self._layout(files)
        selection = select(layout, self.least)
        self._remarks = (*layout.remarks, *selection.remarks)
        return {name: len(images) for name, images in selection.kept.items()}

    def group(self, name: str) -> str:
        """Returns the folders around the class's own."""
        return name.rpartition("/")[0]

    def form(self) -> ImageForm:
        """Returns what pictures are made into."""
        mode: Literal["RGB", "L"] = "RGB" if self.mode == "colour" else "L"
        return ImageForm(self.side, self.side, mode, self.fit, self.resampling)

    def class_count(self) -> int | None:
        return self._count

    def remarks(self) -> tuple[str, ...]:
        return self._remarks

    def stamp(self, files: DataFiles) -> str:
        """Returns a hash of the names, sizes and times of all files, and of tables' content."""
        path = self._given(files)
        own = [files.given(self.splits)] if self.splits else []
        return stamp_of(path, [*own, path] if path.suffix.lower() in TABLES else own)

    def _given(self, files: DataFiles) -> Path:
        if not self.path:
            raise BenchError("folder needs a path; name it: folder:PATH")
        return files.given(self.path)

    def _layout(self, files: DataFiles) -> Layout:
        path = self._given(files)
        if path.suffix.lower() in TABLES and path.is_file():
            if self.groups != "none":
                raise BenchError(
                    f"groups is {self.groups}, but {path} is a table; give it a column group"
                )
            return table_layout(read_listing(path, "path"))
        if path.is_dir() or (zipfile.is_zipfile(path) and path.suffix.lower() != ".xlsx"):
            return tree_layout(path, self.depth, self.groups)
        raise BenchError(
            f"{path} is neither a folder nor a zip file nor a table of a known kind "
            f"({', '.join(TABLES)}); unpack other archives, and save spreadsheets as .csv"
        )

    def _splits_of(self, layout: Layout, selection: Selection, files: DataFiles) -> _Splits:
        """Returns the split of each class: all test, or from a file, as given, or drawn."""
        if self.fixed:
            return _Splits(dict.fromkeys(selection.kept, "test"))
        if self.splits:
            path = files.given(self.splits)
            read = read_split(path, selection.kept, selection.small)
            return _Splits(with_both(str(path), read))
        given = layout.splits()
        if given is not None:
            kept = {name: given[name] for name in selection.kept}
            return _Splits(with_both(str(layout.path), kept))
        drawn = draw_split(selection.kept, self.split_seed)
        return _Splits(drawn, (on_drawn(drawn, self.split_seed),))

    def _on_damaged(self, damaged: Mapping[str, str], total: int) -> tuple[str, ...]:
        """Returns a remark on files that were left out; raises BenchError if that is refused."""
        if not damaged:
            return ()
        reasons = list(damaged.values())
        if self.damaged == "skip":
            files = counted(len(reasons), "image")
            return (f"left out, as damaged: {files} ({first_of(reasons)})",)
        raise BenchError(
            f"{len(reasons)} of {total} images cannot be read: {first_of(reasons)}; bench data "
            f"doctor {self.path} lists all, --set data.damaged=skip leaves them out"
        )


@hookimpl
def bench_datasets() -> list[type[Dataset]]:
    return [Folder]
