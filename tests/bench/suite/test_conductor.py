"""The suite runner: children that run side by side, fail, or are told to stop."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from bench.suite import CommonTest, Test
from bench.suite.child import Attempt
from bench.suite.conductor import LOGS, Conductor
from bench.suite.failures import recalled
from bench.suite.jobs import Job, Plan
from bench.suite.state import Found
from tests.bench.suite.folders import missing_of, suite_in

RECIPE = """
about = ""
budget = "smoke"
algo = "toy"
data = "toy"
queries = 15
episodes = 1000

[sizes.5w1s]
"""
SUITE = """
about = ""
data = "toy"

[[training]]
recipe = "small.toml"
sizes = { 5w1s = ["5w1s", "5w5s"] }
seeds = [0, 1, 2]
"""
CHILD = """
import os, signal, sys, time
from pathlib import Path

def wait_for(path):
    while not path.exists():
        time.sleep(0.01)

words = sys.argv[1:]
if words[0] == "run":
    seed, folder = int(words[words.index("--seed") + 1]), Path(words[words.index("--out") + 1])
    run = folder / f"run{seed}"
else:
    folder, run = Path(words[1]).parent, Path(words[1] + "_tested")
"""
DONE = CHILD + "run.touch()"


@dataclass
class Table:
    """A folder in which a file stands for each run that is done, and who hears of it."""

    folder: Path
    tests: tuple[Test, ...]
    heard: list[str] = field(default_factory=list)

    def look(self) -> Sequence[Found]:
        return [self._found(test) for test in self.tests]

    def _found(self, test: Test) -> Found:
        name = f"run{test.seed}"
        if test.evaluated:
            name += "_tested" if test.size == "5w5s" else "_common"
        done = (self.folder / name).exists()
        return Found(test, self.folder / name, None, "done" if done else "missing")

    def started(self, job: Job) -> None:
        self.heard.append(f"{job.kind} {self.tests[job.place].seed}")

    def goes_on(self, job: Job, text: str) -> None:
        self.heard.append(text)

    def ended(self, attempt: Attempt) -> None:
        self.heard.append(f"ended {attempt.code}")

    def conductor(self, script: str, jobs: int = 1) -> Conductor:
        command = (sys.executable, "-c", script)
        plan = Plan(CommonTest(), self.folder)
        return Conductor(plan, self.look, lambda: False, self, jobs, command)


@pytest.fixture
def table(tmp_path: Path) -> Table:
    rows = missing_of(suite_in(tmp_path, SUITE, RECIPE))
    return Table(tmp_path, tuple(one.test for one in rows))


def test_one_after_another_in_order_each_training_followed_by_its_tests(table: Table) -> None:
    attempts = table.conductor(DONE).run()
    order = [f"{kind} {seed}" for seed in range(3) for kind in ("training", "testing")]
    assert [line for line in table.heard if "ended" not in line] == order
    assert [attempt.code for attempt in attempts] == [0] * 6
    assert all(one.state == "done" for one in table.look())
    assert table.conductor("raise SystemExit(1)").run() == (), "there is nothing left to do"


def test_as_many_run_at_once_as_is_asked_for(table: Table) -> None:
    """Each of the first two waits until the other has begun."""
    script = CHILD + "if words[0] == 'run' and seed < 2:\n"
    script += "    (folder / f'begun{seed}').touch()\n"
    script += "    wait_for(folder / f'begun{1 - seed}')\n"
    script += "run.touch()"
    table.conductor(script, jobs=2).run()
    assert table.heard[:2] == ["training 0", "training 1"]
    assert all(one.state == "done" for one in table.look())


def test_what_fails_is_told_with_its_reason_and_others_go_on(table: Table) -> None:
    script = CHILD + "if run.name == 'run1':\n    sys.exit('bench: the disk is full')\nrun.touch()"
    attempts = table.conductor(script).run()
    (failed,) = (attempt for attempt in attempts if attempt.failed)
    assert (failed.code, failed.reason) == (1, "the disk is full")
    assert [one.state for one in table.look()] == ["done"] * 2 + ["missing"] * 2 + ["done"] * 2
    log = (table.folder / LOGS / "small_5w1s_seed1.log").read_text()
    assert log.startswith("$ bench run --recipe ")
    assert log.endswith("bench: the disk is full\n")


def test_what_could_not_begin_is_remembered_until_it_is_tried_again(table: Table) -> None:
    """Of a child that was told to stop there is nothing to remember, nor of one that is done."""
    script = CHILD + "if run.name == 'run1':\n    sys.exit('bench: the disk is full')\nsys.exit(2)"
    table.conductor(script).run()
    seen = recalled(table.folder / LOGS, table.look(), CommonTest())
    assert [(one.state, one.note) for one in seen if not one.test.evaluated] == [
        ("missing", ""),
        ("failed", "the disk is full"),
        ("missing", ""),
    ]
    table.conductor(CHILD + "sys.exit(2)").run()
    seen = recalled(table.folder / LOGS, table.look(), CommonTest())
    assert {one.state for one in seen} == {"missing"}


def test_a_row_that_another_process_works_on_is_left_to_it(table: Table) -> None:
    """The tests of its weights too, as there are none yet; the next time it is looked at again."""
    attempts = table.conductor(CHILD + "if run.name == 'run1':\n    sys.exit(3)\nrun.touch()").run()
    (left,) = (attempt for attempt in attempts if attempt.elsewhere)
    assert left.code == 3
    assert not left.failed
    seen = recalled(table.folder / LOGS, table.look(), CommonTest())
    assert [one.state for one in seen] == ["done"] * 2 + ["missing"] * 2 + ["done"] * 2


def test_what_another_suite_makes_meanwhile_is_not_made_again(table: Table) -> None:
    """It makes seed 1 as this one begins with seed 0; the test of its weights is left to do."""

    @dataclass
    class Shared(Table):
        def started(self, job: Job) -> None:
            (self.folder / "run1").touch()
            super().started(job)

    shared = Shared(table.folder, table.tests)
    shared.conductor(DONE, jobs=2).run()
    assert "training 1" not in shared.heard
    assert "testing 1" in shared.heard
    assert all(one.state == "done" for one in shared.look())


def test_a_test_that_another_suite_made_while_the_child_began_has_not_failed(
    table: Table,
) -> None:
    """`bench evaluate` refuses to make what is there; what it refuses else has failed."""
    refused = "    sys.exit('bench: it holds this very run already')\n"
    script = CHILD + "if run.name in ('run0_tested', 'run1'):\n"
    script += "    if run.name == 'run0_tested':\n        run.touch()\n" + refused + "run.touch()"
    attempts = table.conductor(script).run()
    ends = [(attempt.failed, attempt.elsewhere) for attempt in attempts]
    assert ends == [(False, False), (False, True), (True, False)] + [(False, False)] * 2


@pytest.mark.skipif(sys.platform == "win32", reason="there are no signals to name")
def test_a_child_that_is_killed_has_failed(table: Table) -> None:
    attempts = table.conductor("import os; os.kill(os.getpid(), 9)").run()
    assert {attempt.reason for attempt in attempts} == {"ended by signal 9"}
    assert all(attempt.failed for attempt in attempts)


@pytest.mark.skipif(sys.platform == "win32", reason="there are no signals to name")
def test_a_child_that_another_told_to_stop_has_not_failed(table: Table) -> None:
    attempts = table.conductor("import os; os.kill(os.getpid(), 15)").run()
    assert attempts and not any(attempt.failed for attempt in attempts)


def test_asked_to_stop_it_asks_its_children_once_and_waits_for_them(table: Table) -> None:
    """A child that was asked takes a moment, and leaves a file for each time it was asked."""
    script = CHILD + "asked = []\n"
    script += "signal.signal(signal.SIGTERM, lambda *_: asked.append(1))\n"
    script += "(folder / 'begun').touch()\n"
    script += "while not asked:\n    time.sleep(0.01)\n"
    script += "time.sleep(0.5)\n"
    script += "(folder / f'asked{len(asked)}').touch()\nsys.exit(2)"
    conductor = table.conductor(script)
    conductor.stop = (table.folder / "begun").exists
    (attempt,) = conductor.run()
    assert (table.folder / "asked1").exists()
    assert attempt.code == 2
    assert not attempt.failed
    assert [one.state for one in table.look()] == ["missing"] * 6


def test_when_it_must_end_at_once_no_child_is_left(table: Table) -> None:
    conductor = table.conductor(CHILD + "(folder / 'begun').touch()\ntime.sleep(60)")

    def stop() -> bool:
        if (table.folder / "begun").exists():
            raise KeyboardInterrupt
        return False

    conductor.stop = stop
    before = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        conductor.run()
    assert time.monotonic() - before < 50, "it waited for the child to end by itself"


KILLED = """
import os, signal, sys
from pathlib import Path
from bench.suite.jobs import Job
from bench.suite.child import Child

script = "import os; os.read(0, 1); open('noticed', 'w').close()"
Child(Job(0, "training", "", (), ""), (sys.executable, "-c", script), Path("log"), {})
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there are no signals to name")
def test_a_child_can_notice_that_the_process_that_started_it_was_killed(tmp_path: Path) -> None:
    killed = subprocess.run([sys.executable, "-c", KILLED], cwd=tmp_path, check=False)
    assert killed.returncode == -9
    before = time.monotonic()
    while not (tmp_path / "noticed").exists():
        assert time.monotonic() - before < 50, "the child still waits"
        time.sleep(0.05)


def test_a_line_of_a_child_is_told_now_and_then(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.suite.conductor.TELL_EVERY", 0.0)
    script = CHILD + "print('step 7\\n\\n', flush=True)\nwait_for(folder / 'heard')\nrun.touch()"
    conductor = table.conductor(script)

    def stop() -> bool:
        if "step 7" in table.heard:
            (table.folder / "heard").touch()
        return False

    conductor.stop = stop
    conductor.run()
    assert "step 7" in table.heard


def test_logs_keep_themselves_out_of_git(table: Table) -> None:
    replace(table.conductor(DONE), stop=lambda: True).run()
    assert (table.folder / LOGS / ".gitignore").read_text() == "*\n"
    assert not (table.folder / "run0").exists()
