"""The pytest plugin, in suites of third parties."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PLUGIN = '''
"""An algorithm that does not say that queries inform one another."""
from bench import Algorithm, hookimpl


class Centred(Algorithm):
    """Compares raw inputs with class means, both centred."""

    name = "centred"
    backbone = None

    def adapt(self, support):
        means = support.class_means_of_nothing() if self.training else None
        flat = support.inputs.flatten(1)

        def predict(query):
            asked = query.flatten(1)
            return (asked - asked.mean(0)) @ (flat[: support.n_way] - flat.mean(0)).T

        return predict


@hookimpl
def bench_algorithms():
    return [Centred]
'''
TEST = """
import pytest


{mark}
def test_contract(bench_check):
    bench_check()
"""


def suite(folder: Path, mark: str, *words: str) -> str:
    (folder / "tests").mkdir()
    (folder / "centred.py").write_text(PLUGIN)
    (folder / "tests" / "test_it.py").write_text(TEST.format(mark=mark))
    command = [sys.executable, "-m", "pytest", "-rfEs", "-p", "no:cacheprovider", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True).stdout


def test_there_is_a_test_for_every_check_and_a_failure_says_how_to_mend_it(
    tmp_path: Path,
) -> None:
    mark = "@pytest.mark.bench_contract('centred', plugin='../centred.py')"
    out = suite(tmp_path, mark, "--strict-markers", "-v")
    assert "test_contract[centred-one-query] PASSED" in out
    assert "test_contract[centred-transduction] FAILED" in out
    assert "training-step" not in out
    assert "mend: if queries inform one another by design, say how" in out
    assert "Traceback" not in out
    assert "1 failed" in out.splitlines()[-1] or "failed" in out.splitlines()[-1]


def test_plugins_that_are_installed_need_no_file_and_several_may_be_named(tmp_path: Path) -> None:
    mark = "@pytest.mark.bench_contract('pixels', 'identity', plugin='../nowhere.py')"
    out = suite(tmp_path, mark, "-v")
    assert "test_contract[pixels-answers] PASSED" in out
    assert "test_contract[identity-features-1x28x28] PASSED" in out
    assert "failed" not in out.splitlines()[-1]


@pytest.mark.parametrize(
    ("mark", "said"),
    [
        ("", "asks for bench_check but names no plugin"),
        ("@pytest.mark.bench_contract('pixel')", "did you mean 'pixels'?"),
        ("@pytest.mark.bench_contract('mine', plugin='mine.py')", "there is no file"),
    ],
)
def test_what_cannot_be_collected_says_why(mark: str, said: str, tmp_path: Path) -> None:
    out = suite(tmp_path, mark)
    assert said in out
    assert "Traceback" not in out


def test_a_suite_that_does_not_ask_for_it_does_not_pay_for_it(tmp_path: Path) -> None:
    (tmp_path / "test_light.py").write_text(
        "import sys\n\n\ndef test_light():\n    assert 'torch' not in sys.modules\n"
        "    assert 'bench.pytest_plugin' in sys.modules\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
