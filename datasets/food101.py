"""Food-101: 101 dishes, 1,000 photos of each (Bossard, Guillaumin, Van Gool 2014)."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bench import Dataset, Download, Split, hookimpl, import_extra

from ._photos import Photo, Photos, names_in, splits_by_name

DISHES, IMAGES = 101, 1000
PARTS = ("train", "test")
FOLDER = "food-101"
URL = f"http://data.vision.ee.ethz.ch/cvl/{FOLDER}.tar.gz"

# Our own split, once drawn by the sha256 of "0/" and the name; all others are train.
VAL = names_in(
    """
    baklava; beignets; bruschetta; cheese_plate; chicken_quesadilla; club_sandwich; escargots;
    falafel; hot_dog; ice_cream; lasagna; macaroni_and_cheese; mussels; oysters; pho; scallops
    """
)
TEST = names_in(
    """
    bread_pudding; caprese_salad; clam_chowder; creme_brulee; croque_madame; dumplings;
    eggs_benedict; french_onion_soup; guacamole; gyoza; hamburger; nachos; omelette; onion_rings;
    paella; pulled_pork_sandwich; ravioli; samosa; shrimp_and_grits; tacos
    """
)


class Food101(Photos):
    """Photos of 101 dishes, 1,000 of each, with a split of our own, which no paper has.

    65 dishes train, 16 validate and 20 test. The publisher's own partitions of the photos are
    joined. Some labels of its training partition are wrong, as it says.

    Args:
        side: of the pictures, in pixels; proportions are not kept.
        resampling: how the photos are shrunk; Pillow's filter.
    """

    name = "food101"
    paper = "Bossard, Guillaumin, Van Gool 2014, ECCV"
    licence = "photos of Foodspotting's users: beyond scientific fair use, ask their owners"
    bases = ("", "food101")
    sentinel = f"{FOLDER}/images"

    def class_count(self) -> int:
        return DISHES

    def downloads(self) -> tuple[Download, ...]:
        digest = "sha256:d97d15e438b7f4498f96086a4f7e2fa42a32f2712e87d3295441b2b6314053a4"
        return (Download(f"{FOLDER}.tar.gz", (URL,), digest, "food101", 4_996_278_331),)

    def named(self, base: Path) -> list[tuple[str, Split]]:
        return splits_by_name(self._part(base, "train").classes, VAL, TEST)

    def photos(self, base: Path) -> Iterable[Photo]:
        for part in PARTS:
            data = self._part(base, part)
            # No public name gives the paths without decoding what is there.
            yield from map(Photo, data._image_files, data._labels)

    def complaint(self, counts: list[int]) -> str:
        odd = [count for count in counts if count != IMAGES]
        return f"{odd[0]} photos listed of one dish, not {IMAGES}" if odd else ""

    def _part(self, base: Path, part: str) -> Any:
        food = import_extra("torchvision.datasets").Food101
        return self.listed(lambda: food(base, split=part))


@hookimpl
def bench_datasets() -> list[type[Dataset]]:
    return [Food101]
