"""Your own images: a folder or zip with a folder for each class, or a table of their paths."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping
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
    hookimpl,
    is_table,
    read_listing,
)

from ._image_copies import Copies
from ._image_files import Layout, counted, first_of, table_layout
from ._image_folders import Grouping, tree_layout
from ._image_stamp import stamp_of
from ._own_classes import NAMED, ClassUse, Division, OwnClasses


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
        classes: ClassUse = "disjoint",
        splits: str = "",
        split_seed: int = 0,
        least: int = 6,
        depth: int = 0,
        groups: Grouping = "none",
        damaged: Literal["refuse", "skip"] = "refuse",
    ) -> None:
        for key, value, smallest in (("side", side, 1), ("depth", depth, 0)):
            if value < smallest:
                raise BenchError(f"folder: {key} is {value}; it must be at least {smallest}")
        if groups == "folder" and not depth:
            raise BenchError(
                "folder: groups=folder takes the folders below a class; say how many folders name "
                "a class, such as depth=1"
            )
        self.path, self.side, self.mode, self.fit = path, side, mode, fit
        self.resampling, self.depth, self.groups, self.damaged = resampling, depth, groups, damaged
        self.splits = splits
        self.division = Division(classes, splits, split_seed, least)
        self._remarks: tuple[str, ...] = ()
        self._count: int | None = None

    def classes(self, files: DataFiles) -> Iterator[ClassExamples]:
        layout = self._layout(files)
        ignored = self.division.use == "fixed" or self.splits
        own = _own(layout, None if ignored else layout.splits())
        divided = self.division.of(own, files)
        self._remarks, self._count = layout.remarks + divided.remarks, len(divided.splits)
        found = layout.by_class()
        images = {name: found[name] for name in divided.splits}
        copies, damaged, emptied = Copies(self.path), dict[str, str](), []
        waiting = (
            PictureClass(name, divided.splits[name], tuple(map(copies.picture, of)))
            for name, of in images.items()
        )
        for one in decoded(waiting, self.form(), damaged):
            copies.compare(images[one.name], one.split, damaged)
            if self.division.is_enough(one.groups or ("",) * len(one.inputs)):
                yield one
            else:
                emptied.append(one.name)
        self._remarks += self._on_damaged(damaged, sum(map(len, images.values())))
        self._remarks += copies.remarks()
        if emptied:
            few = f"left out, as too few of their images can be read: {first_of(emptied, NAMED)}"
            self._remarks += (few,)

    def class_sizes(self, files: DataFiles) -> dict[str, int]:
        """Returns the classes that a split divides, with the number of their images."""
        layout = self._layout(files)
        own = _own(layout, None)
        self._remarks = layout.remarks + self.division.on_small(own)
        return {name: len(own.groups[name]) for name in self.division.large_enough(own)}

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
        return stamp_of(path, [*own, path] if is_table(path.name) else own)

    def _given(self, files: DataFiles) -> Path:
        if not self.path:
            raise BenchError("folder needs a path; name it: folder:PATH")
        return files.given(self.path)

    def _layout(self, files: DataFiles) -> Layout:
        path = self._given(files)
        if is_table(path.name) and path.is_file():
            if self.groups != "none":
                raise BenchError(
                    f"groups is {self.groups}, but {path} is a table; give it a column group"
                )
            return table_layout(read_listing(path, "path"))
        ending = path.suffix.lower()
        if path.is_dir() or ending == ".zip" or (ending != ".xlsx" and zipfile.is_zipfile(path)):
            return tree_layout(path, self.depth, self.groups)
        raise BenchError(
            f"{path} is neither a folder nor a zip file nor a table of a known kind "
            f"(.csv, .tsv, .jsonl); unpack other archives, and save spreadsheets as .csv"
        )

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


def _own(layout: Layout, given: Mapping[str, Split] | None) -> OwnClasses:
    """Returns the classes, with the splits that they were given, if they count."""
    found = layout.by_class().items()
    groups = {name: [image.group for image in images] for name, images in found}
    return OwnClasses(str(layout.path), "images", groups, given)


@hookimpl
def bench_datasets() -> list[type[Dataset]]:
    return [Folder]
