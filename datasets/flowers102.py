"""Flowers: 102 kinds that are common in Britain (Nilsback, Zisserman 2008)."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path

from bench import DataFiles, Dataset, Download, Split, hookimpl, import_extra

from ._photos import Photo, Photos, names_in, splits_by_number

IMAGES = 8189
PARTS = ("train", "val", "test")
FOLDER = "flowers-102"
URL = "https://www.robots.ox.ac.uk/~vgg/data/flowers/102/"

# The kinds in the publisher's order: the first has number 1.
NAMES = names_in(
    """
pink primrose; hard-leaved pocket orchid; canterbury bells; sweet pea; english marigold;
tiger lily; moon orchid; bird of paradise; monkshood; globe thistle; snapdragon; colt's
foot; king protea; spear thistle; yellow iris; globe-flower; purple coneflower; peruvian
lily; balloon flower; giant white arum lily; fire lily; pincushion flower; fritillary; red
ginger; grape hyacinth; corn poppy; prince of wales feathers; stemless gentian; artichoke;
sweet william; carnation; garden phlox; love in the mist; mexican aster; alpine sea holly;
ruby-lipped cattleya; cape flower; great masterwort; siam tulip; lenten rose; barbeton
daisy; daffodil; sword lily; poinsettia; bolero deep blue; wallflower; marigold; buttercup;
oxeye daisy; common dandelion; petunia; wild pansy; primula; sunflower; pelargonium; bishop
of llandaff; gaura; geranium; orange dahlia; pink-yellow dahlia?; cautleya spicata; japanese
anemone; black-eyed susan; silverbush; californian poppy; osteospermum; spring crocus;
bearded iris; windflower; tree poppy; gazania; azalea; water lily; rose; thorn apple;
morning glory; passion flower; lotus; toad lily; anthurium; frangipani; clematis; hibiscus;
columbine; desert-rose; tree mallow; magnolia; cyclamen; watercress; canna lily;
hippeastrum; bee balm; ball moss; foxglove; bougainvillea; camellia; mallow; mexican
petunia; bromelia; blanket flower; trumpet creeper; blackberry lily
    """
)

# The split of Meta-Dataset (Triantafillou et al. 2020), by number; all others are train
# (github.com/google-research/meta-dataset, dataset_conversion/splits/vgg_flower_splits.json).
VAL = (10, 16, 17, 23, 26, 47, 53, 56, 57, 62, 82, 83, 86, 97, 102)
TEST = (5, 9, 15, 19, 35, 40, 41, 42, 45, 46, 65, 85, 89, 94, 96, 98)


class Flowers102(Photos):
    """Photos of 102 kinds of flowers, 40 to 258 of each, with Meta-Dataset's split of the kinds.

    71 kinds train, 15 validate and 16 test. The publisher's own partitions of the photos are
    joined, as in Meta-Dataset, where it is called VGG Flower. Names are those of Meta-Dataset, such
    as `001.pink primrose`.

    Args:
        side: of the pictures, in pixels; proportions are not kept.
        resampling: how the photos are shrunk; Pillow's filter.
    """

    name = "flowers102"
    paper = "Nilsback, Zisserman 2008, ICVGIP; split: Triantafillou et al. 2020, arXiv:1903.03096"
    licence = "none stated by its publisher; photos from the web"
    sentinel = f"{FOLDER}/jpg"

    def class_count(self) -> int:
        return len(NAMES)

    def downloads(self) -> tuple[Download, ...]:
        digests = (
            "2d01ecc807db462958cfe3d92f57a8c252b4abd240eb955770201e45f783b246",
            "4903e94206bac23bf772aadf06451916df56b58fc483a62db32a97b82656651d",
            "46b8678f91fd95d3c8f4feab80d271a6c834a1dd896fe29fd3e6ad9ce5c8dccd",
        )
        photos, labels, parts = (f"sha256:{digest}" for digest in digests)
        return (
            Download(
                "102flowers.tgz", (f"{URL}102flowers.tgz",), photos, self.sentinel, 344_862_509
            ),
            Download(f"{FOLDER}/imagelabels.mat", (f"{URL}imagelabels.mat",), labels, size=502),
            Download(f"{FOLDER}/setid.mat", (f"{URL}setid.mat",), parts, size=14_989),
        )

    def locate(self, files: DataFiles) -> Path:
        base = super().locate(files)
        for download in self.downloads()[1:]:
            files.obtain(download)
        return base

    def named(self, base: Path) -> list[tuple[str, Split]]:
        splits = splits_by_number(len(NAMES), VAL, TEST)
        numbered = enumerate(zip(NAMES, splits, strict=True), start=1)
        return [(f"{number:03d}.{name}", split) for number, (name, split) in numbered]

    def photos(self, base: Path) -> Iterable[Photo]:
        flowers = import_extra("torchvision.datasets").Flowers102
        for part in PARTS:
            data = self.listed(partial(flowers, base, split=part))
            # No public name gives the paths without decoding what is there.
            yield from map(Photo, data._image_files, data._labels)

    def complaint(self, counts: list[int]) -> str:
        return "" if sum(counts) == IMAGES else f"{sum(counts)} photos listed, not {IMAGES}"


@hookimpl
def bench_datasets() -> list[type[Dataset]]:
    return [Flowers102]
