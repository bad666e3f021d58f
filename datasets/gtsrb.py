"""German traffic signs: 43 signs as a driving camera sees them (Stallkamp et al. 2012)."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from bench import Dataset, Download, Split, hookimpl, import_extra

from ._photos import Photo, Photos, Resampling, names_in

IMAGES = 39209
FILE = "GTSRB_Final_Training_Images.zip"
URL = f"https://sid.erda.dk/public/archives/daaeac0d7ce1152aea9b61d9f1e19370/{FILE}"

# The signs in the publisher's order, from 0, with the names of Meta-Dataset (Triantafillou et al.
# 2020, github.com/google-research/meta-dataset, splits/traffic_sign_splits.json).
NAMES = names_in(
    """
Speed limit (20km/h); Speed limit (30km/h); Speed limit (50km/h); Speed limit (60km/h);
Speed limit (70km/h); Speed limit (80km/h); End of speed limit (80km/h); Speed limit
(100km/h); Speed limit (120km/h); No passing; No passing for vehicles over 3.5 metric tons;
Right-of-way at the next intersection; Priority road; Yield; Stop; No vehicles; Vehicles
over 3.5 metric tons prohibited; No entry; General caution; Dangerous curve to the left;
Dangerous curve to the right; Double curve; Bumpy road; Slippery road; Road narrows on the
right; Road work; Traffic signals; Pedestrians; Children crossing; Bicycles crossing; Beware
of ice/snow; Wild animals crossing; End of all speed and passing limits; Turn right ahead;
Turn left ahead; Ahead only; Go straight or right; Go straight or left; Keep right; Keep
left; Roundabout mandatory; End of no passing; End of no passing by vehicles over 3.5 metric
tons
    """
)


class GTSRB(Photos):
    """Photos of 43 kinds of German traffic signs: a test split only, as in Meta-Dataset.

    They are the 39,209 photos of the final training set, which Meta-Dataset calls Traffic Sign, and
    not the smaller earlier one that torchvision's GTSRB reads. 30 photos in a row show one and the
    same sign while the car comes nearer. By default they never stand on both sides of an episode;
    Meta-Dataset mixes them, which is easier.

    Args:
        side: of the pictures, in pixels; proportions are not kept.
        resampling: how the photos are brought to size; Pillow's filter.
        tracks: apart (photos of one and the same sign stay on one side of an episode) or mixed (as
            in Meta-Dataset).
    """

    name = "gtsrb"
    paper = "Stallkamp et al. 2012, Neural Networks 32; split: Triantafillou et al. 2020"
    licence = "not known for certain; see benchmark.ini.rub.de"
    bases = ("", "gtsrb", "gtsrb-final-training")
    sentinel = "GTSRB/Final_Training/Images"

    def __init__(
        self,
        *,
        side: int = 84,
        resampling: Resampling = "bilinear",
        tracks: Literal["apart", "mixed"] = "apart",
    ) -> None:
        super().__init__(side=side, resampling=resampling)
        self.tracks = tracks

    def class_count(self) -> int:
        return len(NAMES)

    def downloads(self) -> tuple[Download, ...]:
        digest = "md5:f33fd80ac59bff73c82d25ab499e03a3"
        return (Download(FILE, (URL,), digest, "gtsrb-final-training"),)

    def named(self, base: Path) -> list[tuple[str, Split]]:
        return [(f"{number:02d}.{name}", "test") for number, name in enumerate(NAMES)]

    def photos(self, base: Path) -> Iterable[Photo]:
        folder = import_extra("torchvision.datasets").ImageFolder
        for path, label in self.listed(lambda: folder(str(base / self.sentinel))).samples:
            track = Path(path).stem.partition("_")[0]
            group = f"{label:02d}/{track}" if self.tracks == "apart" else ""
            yield Photo(Path(path), label, group=group)

    def complaint(self, counts: list[int]) -> str:
        return "" if sum(counts) == IMAGES else f"{sum(counts)} photos, not {IMAGES}"


@hookimpl
def bench_datasets() -> list[type[Dataset]]:
    return [GTSRB]
