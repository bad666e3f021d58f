"""`bench data clean`: only what is outdated goes, or what was named."""

from __future__ import annotations

import pytest

from bench.inventory import caches
from tests.cli.data.parcel import Parcel

Printed = pytest.CaptureFixture[str]


def names() -> list[str]:
    return [cache.folder.name for cache in caches()]


@pytest.fixture
def fetched(parcel: Parcel, capsys: Printed) -> Parcel:
    assert parcel.data("fetch", "parcel", "gaussians") == 0
    capsys.readouterr()
    return parcel


def test_caches_that_would_be_opened_again_stay(fetched: Parcel, capsys: Printed) -> None:
    assert fetched.data("clean", "--yes") == 5
    assert "no cache is outdated" in capsys.readouterr().err
    assert len(names()) == 2


def test_the_cache_of_older_code_goes(fetched: Parcel, capsys: Printed) -> None:
    fetched.plugin.write_text(fetched.plugin.read_text(encoding="utf-8") + "\n# other code\n")
    assert fetched.data("clean", "--yes") == 0
    (left,) = names()
    assert left.startswith("gaussians-")
    assert "parcel-" in capsys.readouterr().out


def test_the_cache_of_a_parameter_that_is_gone_goes(fetched: Parcel) -> None:
    text = fetched.plugin.read_text(encoding="utf-8")
    fetched.plugin.write_text(text.replace("least", "most"), encoding="utf-8")
    assert fetched.data("clean", "--yes") == 0
    assert [name.partition("-")[0] for name in names()] == ["gaussians"]


def test_a_dataset_that_is_not_installed_keeps_its_caches(fetched: Parcel) -> None:
    fetched.plugin.write_text(
        fetched.plugin.read_text(encoding="utf-8").replace('"parcel", "MIT', '"other", "MIT')
    )
    assert fetched.data("clean", "--yes") == 5
    assert len(names()) == 2


def test_named_caches_go_one_or_all_of_a_dataset(fetched: Parcel) -> None:
    assert fetched.data("fetch", "parcel", "--set", "least=3") == 0
    assert fetched.data("clean", "--yes", names()[0]) == 0
    assert len(names()) == 2
    assert fetched.data("clean", "--yes", "parcel") == 0
    assert "parcel" not in " ".join(names())


def test_an_unknown_name_gets_the_nearest_and_nothing_goes(
    fetched: Parcel, capsys: Printed
) -> None:
    assert fetched.data("clean", "--yes", "parsel") == 4
    assert "did you mean 'parcel" in capsys.readouterr().err
    assert len(names()) == 2


def test_without_yes_it_asks(fetched: Parcel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("click.confirm", lambda text: False)
    assert fetched.data("clean", "parcel") == 0
    assert len(names()) == 2
