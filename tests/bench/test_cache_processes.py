"""The cache among processes that start together, are killed, have no room or may not write."""

from __future__ import annotations

import errno
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bench.errors import BenchError
from tests.bench.listed_dataset import Listed, leftovers, opened

BUILDER = """
import sys, time
from pathlib import Path
import numpy as np
from bench.cache import open_dataset
from bench.dataset import ClassExamples, DataFiles, Dataset

class Slow(Dataset):
    name = "slow"
    def classes(self, files):
        with (files.root / "log").open("a") as log:
            log.write("built\\n")
        yield ClassExamples("a", "train", np.ones((3, 2), np.float32))
        (files.root / "half").touch()
        while (files.root / "hold").exists():
            time.sleep(0.02)
        time.sleep(0.5)  # so that the others come while the cache is being built
        yield ClassExamples("b", "train", np.zeros((2, 2), np.float32))

root = Path(sys.argv[1])
(root / f"waiting-{sys.argv[2]}").touch()
while len(list(root.glob("waiting-*"))) < int(sys.argv[3]):
    time.sleep(0.02)
cached = open_dataset(Slow(), {}, DataFiles(root), lambda done, total: None)
print(cached.fingerprint, len(cached.pool("train").inputs))
"""


def start(root: Path, name: str, together: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", BUILDER, str(root), name, str(together)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_processes_that_start_together_build_a_cache_once_and_all_have_it(
    tmp_path: Path, empty_cache: Path
) -> None:
    running = [start(tmp_path, name, 3) for name in "abc"]
    answers = [process.communicate(timeout=120)[0] for process in running]
    assert [process.returncode for process in running] == [0, 0, 0]
    assert len(set(answers)) == 1
    assert answers[0].endswith(" 5\n")
    assert (tmp_path / "log").read_text() == "built\n"
    assert len(leftovers(empty_cache)) == 1


def test_a_killed_build_leaves_nothing_under_its_name_and_is_done_anew(
    tmp_path: Path, empty_cache: Path
) -> None:
    (tmp_path / "hold").touch()
    killed = start(tmp_path, "a", 1)
    try:
        while not (tmp_path / "half").exists():
            assert killed.poll() is None
    finally:
        killed.send_signal(signal.SIGKILL)
        killed.communicate()
    (draft,) = leftovers(empty_cache)
    assert draft.endswith(".draft")  # what is left, and its lock
    (empty_cache / "datasets" / draft / "val.bin").write_bytes(b"of a build with other classes")

    (tmp_path / "hold").unlink()
    later = start(tmp_path, "b", 1)
    assert later.communicate(timeout=120)[0].endswith(" 5\n")
    assert (tmp_path / "log").read_text() == "built\n" * 2
    (folder,) = leftovers(empty_cache)
    assert folder == draft.removesuffix(".draft")
    found = {path.name for path in (empty_cache / "datasets" / folder).iterdir()}
    assert found == {"dataset.json", "train.bin"}


def no_writing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes everything fail that a read-only file system refuses."""

    def refuse(*arguments: object, **options: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr("filelock.FileLock.acquire", refuse)
    monkeypatch.setattr("pathlib.Path.mkdir", refuse)
    monkeypatch.setattr("pathlib.Path.rename", refuse)
    monkeypatch.setattr("shutil.rmtree", refuse)


def test_a_read_only_cache_is_read_if_the_dataset_is_there(
    empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = opened(Listed()).fingerprint
    for lock in empty_cache.rglob("*.lock"):
        lock.unlink()
    no_writing(monkeypatch)
    dataset = Listed()
    cached = opened(dataset)
    assert cached.fingerprint == before
    assert len(cached.pool("train").inputs) == 7
    assert dataset.calls == 0


def test_a_read_only_cache_without_the_dataset_is_one_line(
    empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_writing(monkeypatch)
    message = r"^cannot write the cache folder \S+ \(Read-only file system\); make room or set BENC"
    with pytest.raises(BenchError, match=message) as caught:
        opened(Listed())
    assert "\n" not in str(caught.value)


def test_a_cache_on_a_file_system_without_locks_is_one_line(
    empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise NotImplementedError("FileSystem does not appear to support flock")

    monkeypatch.setattr("filelock.FileLock.acquire", refuse)
    with pytest.raises(BenchError, match="has no locks; set BENCH_CACHE to a folder on another"):
        opened(Listed())


def test_a_cache_that_may_not_be_looked_into_is_one_line(
    empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = Path.is_file

    def refuse(path: Path) -> bool:
        if path.name != "dataset.json":
            return look(path)
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr("pathlib.Path.is_file", refuse)
    with pytest.raises(BenchError, match=r"cache folder \S+ \(Permission denied\)"):
        opened(Listed())


@pytest.mark.parametrize("name", ["dataset.json", "train.bin"])
def test_a_cached_file_that_may_not_be_read_is_one_line(
    name: str, empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(Listed())

    read = Path.read_bytes

    def refuse(path: Path, **options: object) -> bytes:
        if path.name != name:
            return read(path)
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr("numpy.fromfile", refuse)
    monkeypatch.setattr("pathlib.Path.read_bytes", refuse)
    with pytest.raises(BenchError, match=rf"{name} cannot be read \(Permission denied\); set BENC"):
        opened(Listed()).pool("train")


FULL = """
import resource, sys
from pathlib import Path
import numpy as np
from bench.cache import open_dataset
from bench.dataset import ClassExamples, DataFiles, Dataset
from bench.errors import BenchError

class Large(Dataset):
    name = "large"
    def classes(self, files):
        for number in range(40):
            inputs = np.random.default_rng(number).random((100, 100), dtype=np.float32)
            yield ClassExamples(f"c{number}", "train", inputs)

resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))  # as if there were no more room
try:
    open_dataset(Large(), {}, DataFiles(Path()), lambda done, total: None)
except BenchError as error:
    print(error)
"""


def test_when_there_is_no_more_room_it_is_one_line_and_nothing_is_left(empty_cache: Path) -> None:
    command = [sys.executable, "-X", "dev", "-W", "error::ResourceWarning", "-c", FULL]
    process = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert process.stdout.startswith(f"cannot write the cache folder {empty_cache / 'datasets'} (")
    assert process.stdout.endswith("; make room or set BENCH_CACHE to another folder\n")
    assert process.stdout.count("\n") == 1
    assert process.stderr == ""
    assert leftovers(empty_cache) == []


def test_a_full_disk_at_the_last_moment_leaves_nothing(
    empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", refuse)
        with pytest.raises(BenchError, match=r"\(No space left on device\); make room or set"):
            opened(Listed())
    assert leftovers(empty_cache) == []
    assert len(opened(Listed()).pool("train").inputs) == 7
