"""The class splits of Dopierre et al. 2021 (ProtAugment) for sets of intents: five folds each.

Source: github.com/tdopierre/ProtAugment, commit 4233bbae0d7544e632692c4d2c185b2ed2a19eef, files
data/OOS/few_shot/0N/labels.*.txt (CLINC150) and data/BANKING77/few_shot/0N/labels.*.txt.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bench import Split

LETTERS: dict[str, Split] = {"t": "train", "v": "val", "e": "test"}
"""The letters below: one for each intent, in the order of their names."""

CLINC150 = (
    "eeeevetetttvvvtvettvvtvveveeeeevttetvevvttvtevvvetvvveetetettvteveteeeevtttvttvv"
    "vevetveevvttevtvtevevvtvtttteveveeeevvtveetvetettttetttvvetvveeteevtvt",
    "vttevttetetttvettettveeettttveevvtvvttvveetevvetttvvveettevvtvvveeveevtevttvttet"
    "tetvvvevvvvveeeevevveettvvvvtveeeeevetteeevettteetetttvettvvteevvvveet",
    "tvveettvvtevevtveevvvtttvtvetvttteevvtevevtvvtetveetvvevevteevtevtetvvvtvevveevv"
    "vtttttvtvvteeeetvtveeeettetetvevettvvetveevttvtvttteevtevtteeteeeeteee",
    "ettvteevvtvettvetevtveeeeveetvtetvteveeetvteevtevettvvevevtvettteveeveettvetvevv"
    "ettvtetvvvvteettvtvvteetvvtteeteeteetvetvvevvtvtvvvtteettvvtvvvvetttee",
    "evvetvtevttvvetveeetteveteeeevttvvttteevetvvtvetvetvvvteevttvvtetevtvetevvvvvvte"
    "evvvttetevtetvvetevevtttetvvtevevtetveveetettetveevvvtteeveetteteevttt",
)
BANKING77 = (
    "evtettetevtteveetettvtvtvteeettvevvvteettvvveveveetevvvvvevteteetvttevveevtte",
    "teetevtevteevtvvtetteeveetvevetteetvvtvevtvtvteevvetvvveeettvtvvtteeteevtvevt",
    "eevtvtvteevttvevevtvtvtveetvveetvevtvvvtetettvtevvtttvtettteeeveeeteeeveetvev",
    "veettveeevvevetveevetvvvvtttevetvttvteetvevvtvevteeeeetttettveevtttettevtvevv",
    "etteetetvveeveeetevtetttetetvtveetvvettvvvvvteeeeetvvtvvttveetteevvetvtevtvvv",
)


def published_fold(folds: Sequence[str], number: int, intents: Iterable[str]) -> dict[str, Split]:
    """Returns the split of each intent in fold 1 to 5: a letter each, in the order of names."""
    return {
        name: LETTERS[letter]
        for name, letter in zip(sorted(intents), folds[number - 1], strict=True)
    }
