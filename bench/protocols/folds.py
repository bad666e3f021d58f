"""Folds: cross-validation over the images of classes that are the ones that matter.

Shimabucoro et al. 2023 (arXiv 2307.02732) find cross-validation the best way to judge a method on
one task from few labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bench.episodes import EpisodeProtocol
from bench.errors import BenchError
from bench.protocols.dealing import Bounds, Budget, Holding, Loads, deal
from bench.protocols.drawing import DrawingSampler, laid_out
from bench.protocols.grouped import picked, rows_by_group, spans
from bench.protocols.table import ClassTable
from bench.sampling import EpisodeIndices, StreamName
from bench.words import Draws

_DIVISIONS, _CLASSES = 1 << 60, 1 << 61
"""Where the numbers of what is drawn for a repetition begin; episodes start at 0."""
_TRIES = 20
_STEPS = 1_000_000

Division = dict[int, int]
"""The fold of each group of inputs; an input without a group is one of its own."""


class FoldsSampler(DrawingSampler):
    """n-way k-shot episodes; each repetition of F asks for every image of its classes once.

    Episode e is fold e % F of repetition e // F. For each repetition the images of each class, or
    their groups, come in random order, and each goes to the fold that has the fewest of its class
    so far, ties being broken at random; so folds are of even size where groups are. Every class is
    in every fold, and has k images outside each. Queries are all images of the fold, the support
    is drawn uniformly from the others. If there are more classes than ways, each repetition draws
    its own.

    Groups may span classes; if no division is found for a repetition in 20 tries, which takes a
    table with next to no room, that is taken which is known to exist, its folds in random order.

    Raises:
        BenchError: some class has fewer groups than there are folds, or the classes cannot be
            divided such that each has k images outside each fold.
    """

    def __init__(self, name: StreamName, table: ClassTable) -> None:
        self._inside = rows_by_group(table)
        self._spans = spans(self._inside)
        self._latest: tuple[int, Division] | None = None
        super().__init__(name, table)

    def check(self) -> None:
        """Raises BenchError unless the classes can be divided into folds."""
        protocol, table = self.name.protocol, self.table
        if protocol.ways > len(self.sizes):
            raise BenchError(
                f"{protocol.ways} ways, but the {table.split} split has {len(self.sizes)} classes; "
                f"ask for at most {len(self.sizes)}"
            )
        for number, inside in enumerate(self._inside):
            if len(inside) < protocol.folds:
                raise BenchError(self._too_few(number))
        known = self._divided(None, Budget(_STEPS))
        if known is None:
            raise BenchError(self._no_room())
        self._known = known

    def _too_few(self, number: int) -> str:
        """Returns what to say of a class that has fewer groups than there are folds."""
        groups = len(self._inside[number])
        size = self.sizes[number]
        images = f"{size} {'image' if size == 1 else 'images'}"
        whole = "1 group that stays" if groups == 1 else f"{groups} groups that stay"
        held = "" if groups == size else f" in {whole} whole"
        return (
            f"class '{self.table.classes[number]}' of the {self.table.split} split has "
            f"{images}{held}, too few for {self.name.protocol.folds} folds; add "
            "images to it, or leave it out"
        )

    def _no_room(self) -> str:
        """Returns what to say if some class lacks images outside of a fold."""
        protocol, split = self.name.protocol, self.table.split
        for number, size in enumerate(self.sizes):
            if self._room(number, protocol.shots):
                continue
            most = next((k for k in range(protocol.shots - 1, 0, -1) if self._room(number, k)), 0)
            return (
                f"{protocol.shots} shots in {protocol.folds} folds, but class "
                f"'{self.table.classes[number]}' of the {split} split has {size} images, of which "
                f"each fold can leave {most} at most; ask for at most that many --shots"
            )
        return (
            f"the {split} split cannot be divided into {protocol.folds} folds that have each class "
            f"and leave {protocol.shots} images of it, as groups span classes and stay whole; ask "
            "for fewer --shots"
        )

    def _room(self, number: int, shots: int) -> bool:
        """Tells whether a class by itself can be divided so that `shots` are outside each fold."""
        folds = self.name.protocol.folds
        sizes = sorted(map(len, self._inside[number].values()), reverse=True)
        most = self.sizes[number] - shots
        bounds = Bounds([[1] * folds], [[most] * folds])
        holdings = [{0: size} for size in sizes]
        evenly = _Evenly(holdings, [range(folds)] * len(sizes))
        return deal(holdings, bounds, evenly.sides, Budget(_STEPS)) is not None

    def episode(self, number: int) -> EpisodeIndices:
        """Returns one episode, as a batch of one."""
        protocol, draws = self.name.protocol, self.draws(number)
        turn, fold = divmod(number, protocol.folds)
        division = self._division(turn)
        count = len(self.sizes)
        chosen = Draws(self.key, _CLASSES + turn).choose(protocol.ways, count)
        classes = draws.shuffled(chosen)
        support, query = [], []
        for one in classes:
            inside = self._inside[one].items()
            query.append([r for group, rows in inside if division[group] == fold for r in rows])
            others = [r for group, rows in inside if division[group] != fold for r in rows]
            support.append(picked(draws, others, protocol.shots))
        return laid_out(draws, classes, support, query)

    def _division(self, turn: int) -> Division:
        """Returns the division of one repetition; the last is kept, as its folds follow."""
        if self._latest is None or self._latest[0] != turn:
            self._latest = turn, self._drawn(Draws(self.key, _DIVISIONS + turn))
        return self._latest[1]

    def _drawn(self, draws: Draws) -> Division:
        for _ in range(_TRIES):
            budget = Budget(10 * sum(map(len, self._inside)) + 1000)
            division = self._divided(draws, budget)
            if division is not None:
                return division
        folds = draws.shuffled(range(self.name.protocol.folds))
        return {group: folds[fold] for group, fold in self._known.items()}

    def _divided(self, draws: Draws | None, budget: Budget) -> Division | None:
        """Divides all groups into folds: in random order, or else the largest first."""
        folds, shots = self.name.protocol.folds, self.name.protocol.shots
        holdings: dict[int, dict[int, int]] = {}
        for number, inside in enumerate(self._inside):
            for group, rows in inside.items():
                holdings.setdefault(group, {})[number] = len(rows)
        if draws:
            groups = draws.shuffled(list(holdings))
            ties: list[Sequence[int]] = [draws.shuffled(range(folds)) for _ in groups]
        else:
            groups = sorted(holdings, key=lambda group: -sum(holdings[group].values()))
            ties = [range(folds)] * len(groups)
        ordered = [holdings[group] for group in groups]
        bounds = Bounds(
            [[1] * folds for _ in self.sizes], [[size - shots] * folds for size in self.sizes]
        )
        sides = deal(ordered, bounds, _Evenly(ordered, ties).sides, budget)
        return None if sides is None else dict(zip(groups, sides, strict=True))


@dataclass(frozen=True)
class _Evenly:
    """Prefers the fold that has the fewest inputs of a group's classes; `ties` go by [group]."""

    holdings: Sequence[Holding]
    ties: Sequence[Sequence[int]]

    def sides(self, place: int, loads: Loads) -> list[int]:
        """Returns the folds, the emptiest first."""
        own = self.holdings[place]
        return sorted(self.ties[place], key=lambda fold: sum(loads[c][fold] for c in own))


def fitted(protocol: EpisodeProtocol, table: ClassTable, ways: int | None) -> EpisodeProtocol:
    """Returns a protocol of folds as a table has room for it: of all classes if `ways` is None.

    If some class has fewer images, or groups of them, than there are folds, or groups that span
    classes leave no other way, there are fewer folds, 2 at least.

    Raises:
        BenchError: not even that is possible.
    """
    fewest = min(map(len, rows_by_group(table)))
    wanted = replace(protocol, ways=ways or len(table.classes))
    whys: list[BenchError] = []
    for folds in range(min(protocol.folds, max(fewest, 2)), 1, -1):
        one = replace(wanted, folds=folds)
        try:
            FoldsSampler(StreamName("", table.split, one, 0), table)
        except BenchError as error:
            whys.append(error)
        else:
            return one
    raise whys[0]
