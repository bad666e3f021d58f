"""Extras: an optional package is there, or there is a command that brings it."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

from bench.errors import BenchError
from bench.extras import EXTRAS, find_extra, import_extra, is_installed


def test_a_known_extra_is_found_by_name() -> None:
    extra = find_extra("learn2learn")
    assert extra.name == "learn2learn"
    assert all(arguments for arguments in extra.pip)


def test_an_unknown_extra_is_told_the_nearest() -> None:
    with pytest.raises(BenchError, match="'learn2lern'; did you mean 'learn2learn'"):
        find_extra("learn2lern")


def test_whether_a_package_is_installed_is_told_without_importing_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "untouched_package.py").write_text("raise RuntimeError('was imported')\n")
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    assert is_installed("untouched_package")
    assert not is_installed("a_package_that_is_not_there")


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("learn2learn", "bench install learn2learn"),
        ("learn2learn.algorithms", "bench install learn2learn"),
        ("torchvision", "pip install torchvision"),
        ("torchvision.datasets", "pip install torchvision"),
    ],
)
def test_a_package_that_is_not_installed_is_told_with_the_command_that_installs_it(
    name: str, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.extras.is_installed", lambda name: False)
    with pytest.raises(BenchError) as caught:
        import_extra(name)
    assert "not installed" in str(caught.value)
    assert str(caught.value).endswith(command)


def test_a_package_that_cannot_be_imported_is_told_with_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_extra.py").write_text("raise RuntimeError('no C compiler')\n")
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    with pytest.raises(BenchError, match=r"broken_extra cannot be imported \(no C compiler\)"):
        import_extra("broken_extra")


def test_a_package_is_imported_without_its_chatter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "chatty_extra.py").write_text(
        "import sys\nprint('unmaintained!', file=sys.stderr)\nvalue = 3\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    assert import_extra("chatty_extra").value == 3
    assert capsys.readouterr().err == ""
    del sys.modules["chatty_extra"]


def test_torchvision_is_imported_even_if_its_compiled_part_does_not_fit() -> None:
    datasets = import_extra("torchvision.datasets")
    assert datasets.Omniglot.__name__ == "Omniglot"


def test_every_extra_says_what_it_is_for_and_why_it_is_awkward() -> None:
    for name, extra in EXTRAS.items():
        assert extra.name == name
        assert extra.summary and extra.why
