"""The suite itself: sound plugins pass it, and each broken one is caught by the right check."""

from __future__ import annotations

import pytest
import torch

from bench.algorithm import Algorithm
from bench.backbones import find_backbone
from bench.conformance import devices
from bench.conformance.check import Finding
from bench.conformance.subject import Subject
from bench.conformance.suite import CHECKS, Case, run
from bench.parameters import settle
from tests.bench.conformance import broken, undeclared

CAUGHT_BY = {
    broken.WrongShape: "answers",
    broken.Crashing: "answers",
    broken.NoFunction: "answers",
    broken.Infinite: "answers",
    broken.NeedsTwoShots: "one-shot",
    broken.NeedsTwoQueries: "one-query",
    broken.AtMostTenWays: "twenty-way",
    broken.EqualShots: "unequal-shots",
    broken.FixedWay: "any-way",
    broken.InPlace: "inputs-untouched",
    broken.Counting: "weights-stay",
    broken.Unseeded: "seeded",
    broken.Remembering: "episodes-apart",
    broken.ByPlace: "query-order",
    broken.LastCounts: "support-order",
    broken.DividesEvenly: "uneven-support",
    broken.Centring: "transduction",
    broken.Idle: "training-step",
    broken.NoLoss: "training-step",
    broken.Uphill: "loss-falls",
    broken.Forgetful: "checkpoint",
    broken.LosesCount: "resuming",
    broken.MixesTasks: "doors-of-testing",
    broken.MixesGradients: "doors-of-training",
    broken.CutsGraph: "meta-gradient",
    broken.LostOnTheWay: "gpu",
    undeclared.Undescribed: "described",
    undeclared.Undocumented: "documented",
    undeclared.Renamed: "documented",
    undeclared.TakesAnything: "validated",
    undeclared.Silent: "refuses",
    undeclared.ReadInTraining: "test-parameters",
    undeclared.Misnamed: "test-parameters",
}


def check(cls: type[Algorithm]) -> list[Finding]:
    subject = Subject(cls, "classification", find_backbone("mlp"), settle(cls.name, cls, {}))
    return list(run([Case(check, subject) for check in CHECKS]))


def failures(findings: list[Finding]) -> dict[str, Finding]:
    return {finding.check: finding for finding in findings if finding.status == "failed"}


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """The CPU in the part of a GPU."""
    monkeypatch.setattr(devices, "other_device", lambda: torch.device("cpu"))


@pytest.mark.usefixtures("stand_in")
@pytest.mark.parametrize("sound", [broken.Sound, broken.SoundSteps], ids=lambda c: c.__name__)
def test_a_sound_plugin_passes(sound: type[Algorithm]) -> None:
    findings = check(sound)
    assert failures(findings) == {}
    assert [finding.check for finding in findings] == [c.name for c in CHECKS]


@pytest.mark.usefixtures("stand_in")
@pytest.mark.parametrize("plugin", CAUGHT_BY, ids=lambda cls: cls.__name__)
def test_a_broken_plugin_is_caught_by_the_right_check_and_no_other(
    plugin: type[Algorithm],
) -> None:
    found = failures(check(plugin))
    assert set(found) == {CAUGHT_BY[plugin]}
    finding = found[CAUGHT_BY[plugin]]
    assert finding.expected
    assert finding.saw
    assert finding.mend


def test_there_is_a_broken_plugin_for_every_check() -> None:
    assert set(CAUGHT_BY.values()) == {check.name for check in CHECKS}


def test_names_of_checks_are_different_and_each_needs_only_what_comes_before() -> None:
    names = [check.name for check in CHECKS]
    assert len(set(names)) == len(names)
    for place, one in enumerate(CHECKS):
        assert set(one.needs) <= set(names[:place])
