"""`bench episodes`, and runs that are tested on its files."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import click
import pytest

from bench.cli import run_command_line
from bench.cli.episodes import command
from bench.episode_ids import read_ids, relation
from bench.finished import reopen
from bench.registry import Registry
from bench.results import RunRecord, find_runs, read_run

MAKE = ["episodes", "make", "--data", "gaussians", "--ways", "4", "--queries", "3"]
RUN = ["run", "--algo", "protonet", "--steps", "3", "--validation-episodes", "3", "--threads", "1"]

MOVED = '''
import numpy as np
from bench import ClassExamples, Dataset, EpisodeProtocol, hookimpl


class Moved(Dataset):
    """Patterns whose classes and images can be had in another order.

    Args:
        order: 0, or the seed of another order.
        lost: how many images are other ones.
    """

    name = "moved"
    protocol = EpisodeProtocol(3, 1, 2)

    def __init__(self, *, order: int = 0, lost: int = 0) -> None:
        self.order, self.lost = order, lost

    def classes(self, files):
        rng = np.random.default_rng(0)
        made = []
        for number in range(24):
            pattern = rng.integers(0, 200, (1, 1, 8, 8))
            images = (pattern + rng.integers(0, 56, (6, 1, 8, 8))).astype(np.uint8)
            split = "test" if number >= 12 else "train"
            made.append(ClassExamples(f"{split}{number}", split, images))
        made[12].inputs[: self.lost] = 255
        if self.order:
            other = np.random.default_rng(self.order)
            made = [made[place] for place in other.permutation(24)]
            made = [
                ClassExamples(c.name, c.split, c.inputs[other.permutation(6)]) for c in made
            ]
        yield from made


@hookimpl
def bench_datasets():
    return [Moved]
'''


def bench(*arguments: object) -> int:
    return run_command_line([str(argument) for argument in arguments])


def made(path: Path, *arguments: object) -> Path:
    assert bench(*MAKE, "-n", 30, *arguments, "-o", path) == 0
    return path


def only(out: Path) -> tuple[Path, RunRecord]:
    (folder,) = find_runs(out)
    return folder, read_run(folder)


@pytest.mark.parametrize("name", ["make", "show"])
def test_both_commands_have_help_for_themselves_and_each_option(name: str) -> None:
    assert isinstance(command, click.Group)
    found = command.commands[name]
    assert found.help
    assert all(p.help for p in found.params if isinstance(p, click.Option))
    assert bench("episodes", name, "--help") == 0


def test_the_same_command_writes_the_same_bytes_and_says_how_many(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, two = made(tmp_path / "one"), made(tmp_path / "two")
    content = one.read_bytes()
    assert two.read_bytes() == content
    assert made(tmp_path / "three", "--seed", 1).read_bytes() != content
    printed = capsys.readouterr().out
    assert "30 episodes of gaussians, test split, 4w1s3q (4-way 1-shot), seed 0" in printed
    assert f"{len(content):,} bytes, {len(content) / 30:.0f} per episode" in printed
    assert hashlib.sha256(content).hexdigest() in printed


def test_another_file_is_overwritten_only_by_force(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = made(tmp_path / "file")
    before = path.read_bytes()
    made(path)  # the same episodes: nothing is lost
    assert bench(*MAKE, "-n", 31, "-o", path) == 4
    assert "add --force" in capsys.readouterr().err
    assert path.read_bytes() == before
    assert bench(*MAKE, "-n", 31, "-o", path, "--force") == 0
    assert path.read_bytes() != before


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--ways", "1"], "--ways is 1; it must be at least 2"),
        (["--ways", "500"], "the test split has 400 classes"),
        (["--set", "data.sprad=1"], "did you mean 'spread'"),
        (["--set", "sprad=1"], "did you mean 'spread'"),
        (["--protocol", "dirichle"], "did you mean 'dirichlet'"),
        (["--data", "gausians"], "did you mean 'gaussians'"),
        (["--split", "train"], "'train' is not one of"),
        (["-n", "1"], "--episodes is 1; it must be at least 2"),
        (["--protocol", "disjoint", "-n", "100000"], "ask for at most"),
    ],
)
def test_wrong_wishes_are_told_in_a_line_and_nothing_is_written(
    arguments: list[str], why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench(*MAKE, *arguments, "-o", tmp_path / "file") == 4
    error = capsys.readouterr().err
    assert why in error
    assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_not_there_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench(*MAKE, "-n", 3, "-o", tmp_path / "none" / "file") == 4
    assert "cannot write" in capsys.readouterr().err


def test_show_tells_what_it_is_as_words_and_as_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = made(tmp_path / "file", "--set", "spread=0.7")
    capsys.readouterr()
    assert bench("episodes", "show", path) == 0
    words = capsys.readouterr().out
    assert bench("episodes", "show", path, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["episodes"] == 30
    assert told["data"]["parameters"]["spread"] == 0.7
    assert (told["split"], told["protocol"]["id"], told["seed"]) == ("test", "4w1s3q", 0)
    assert told["file_sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert told["uses_of_an_image"]["mean"] == pytest.approx(30 * 16 / told["images"])
    for text in ("spread=0.7", told["fingerprint"], told["sha256"], told["file_sha256"]):
        assert text in words
    assert "episode 0: 4 known and 12 asked of the classes 0 test-" in words


def test_show_tells_every_image_of_an_episode(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = made(tmp_path / "file")
    capsys.readouterr()
    assert bench("episodes", "show", path, "--episode", 7, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert [image["part"] for image in told["images"]] == ["support"] * 4 + ["query"] * 12
    assert sorted(image["label"] for image in told["images"][:4]) == [0, 1, 2, 3]
    for image in told["images"]:
        assert image["class"] == told["classes"][image["label"]]
        assert image["row"] // 40 == int(image["class"].removeprefix("test-"))  # 40 points each
    assert bench("episodes", "show", path, "--episode", 7) == 0
    printed = capsys.readouterr().out
    assert all(image["hash"] in printed for image in told["images"])
    assert bench("episodes", "show", path, "--episode", 30) == 4
    assert "has 30; the last one is 29" in capsys.readouterr().err


def test_a_run_on_a_file_is_the_run_by_seed_in_every_figure(
    tmp_path: Path, registry: Registry
) -> None:
    path = made(tmp_path / "file", "--seed", 5)
    numbers = ["--ways", 4, "--queries", 3, "--episodes", 30, "--episode-seed", 5]
    assert bench(*RUN, "--data", "gaussians", *numbers, "--out", tmp_path / "seed") == 0
    file = ["--episodes-file", path]
    assert bench(*RUN, "--data", "gaussians", *file, "--out", tmp_path / "file-run") == 0
    (by_seed, one), (by_file, two) = only(tmp_path / "seed"), only(tmp_path / "file-run")
    assert one.outcome == two.outcome  # every figure, and the hashes of all files
    assert one.protocol.sha256 == two.protocol.sha256
    assert (one.protocol.file_sha256, two.protocol.file_sha256) == (
        "",
        hashlib.sha256(path.read_bytes()).hexdigest(),
    )
    assert one.name != two.name
    assert relation(read_ids(by_seed), read_ids(by_file)) == "same"

    path.unlink()  # a run keeps its copy
    again = reopen(by_file, registry, lambda done, total: None)
    assert again.job.sealed is not None
    assert again.job.name == two.name
    (by_file / "episodes.sealed").write_bytes(made(tmp_path / "other").read_bytes())
    with pytest.raises(Exception, match=r"--episode-seed is 5|is not the file of episodes"):
        reopen(by_file, registry, lambda done, total: None)


@pytest.mark.parametrize(
    ("flags", "why"),
    [
        (["--ways", "5"], "--ways is 5, but --episodes-file .* has 4; leave --ways out"),
        (["--shots", "2"], "--shots is 2, but --episodes-file .* has 1"),
        (["--queries", "15"], "--queries is 15, but .* has 3"),
        (["--protocol", "single"], "--protocol is single, but .* has fixed"),
        (["--episode-seed", "0"], "--episode-seed is 0, but .* has 5"),
        (["--episodes", "31"], "--episodes is 31, but .* has 30; ask for at most 30"),
        (["--data", "moved"], "has inputs float32 2, but those of moved are uint8 1x8x8"),
        (["--data", "sinusoid", "--algo", "maml"], "but sinusoid is regression; name the data"),
        (["--set", "data.seed=3"], "images of these episodes are not in the test split"),
    ],
)
def test_what_contradicts_the_file_is_refused_before_anything_is_written(
    flags: list[str], why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = made(tmp_path / "file", "--seed", 5)
    plugin = tmp_path / "moved.py"
    plugin.write_text(MOVED)
    start = [*RUN, "-p", plugin, "--data", "gaussians", "--episodes-file", path]
    capsys.readouterr()
    assert bench(*start, "--out", tmp_path / "out", *flags) == 4
    (told,) = (line for line in capsys.readouterr().err.splitlines() if "preparing" not in line)
    assert re.match(f"bench: .*{why}", told)
    assert not (tmp_path / "out").exists()


def test_flags_that_say_the_same_as_the_file_are_welcome(tmp_path: Path) -> None:
    path = made(tmp_path / "file", "--seed", 5)
    same = ["--ways", 4, "--shots", 1, "--queries", 3, "--episode-seed", 5, "--protocol", "fixed"]
    run = [*RUN, "--data", "gaussians", "--episodes-file", path, "--out", tmp_path / "out"]
    assert bench(*run, *same, "--episodes", 30, "--dry-run") == 0


def test_a_file_of_another_split_or_an_altered_one_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = [*RUN, "--data", "gaussians", "--out", tmp_path / "out", "--episodes-file"]
    assert bench(*run, made(tmp_path / "val", "--split", "val")) == 4
    assert "episodes of the val split" in capsys.readouterr().err
    path = made(tmp_path / "file")
    content = bytearray(path.read_bytes())
    content[500] ^= 1
    path.write_bytes(content)
    capsys.readouterr()
    for call in ([*run, path], ["episodes", "show", path]):
        assert bench(*call) == 4
        assert "was altered or cut short" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_copy_of_the_data_in_another_order_gives_the_same_result(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plugin = tmp_path / "moved.py"
    plugin.write_text(MOVED)
    data = ["-p", plugin, "--data", "moved"]
    path = tmp_path / "file"
    assert bench("episodes", "make", *data, "-n", 40, "-o", path) == 0
    run = ["run", *data, "--algo", "pixels", "--episodes-file", path]
    for order in (0, 3):
        out = ["--out", tmp_path / str(order)]
        assert bench(*run, "--set", f"data.order={order}", *out) == 0
    (_, one), (_, two) = only(tmp_path / "0"), only(tmp_path / "3")
    assert one.data.fingerprint != two.data.fingerprint
    assert one.protocol.sha256 == two.protocol.sha256
    assert one.outcome is not None
    assert two.outcome is not None
    assert 0 < one.outcome.mean == two.outcome.mean
    assert one.outcome.loss == pytest.approx(two.outcome.loss)
    capsys.readouterr()
    assert bench(*run, "--set", "data.lost=2", "--out", tmp_path / "lost") == 4
    error = capsys.readouterr().err
    assert "2 of the " in error
    assert "of 'test12'" in error
    assert "drawn from moved with data.lost=0 data.order=0" in error


def test_a_printed_config_keeps_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = made(tmp_path / "file", "--seed", 5)
    run = [*RUN, "--data", "gaussians", "--episodes-file", path, "--out", tmp_path / "out"]
    capsys.readouterr()
    assert bench(*run, "--dry-run") == 0
    folder = capsys.readouterr().out.split()[-1]
    assert bench(*run, "--print-config") == 0
    config = tmp_path / "run.toml"
    config.write_text(capsys.readouterr().out)
    assert bench("run", "--config", config, "--dry-run") == 0
    assert capsys.readouterr().out.split()[-1] == folder


def test_verification_tests_again_on_the_kept_file_and_notices_a_changed_byte(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = made(tmp_path / "file")
    run = ["run", "--algo", "pixels", "--data", "gaussians", "--episodes-file", path]
    assert bench(*run, "--out", tmp_path / "out") == 0
    path.unlink()
    folder, _ = only(tmp_path / "out")
    capsys.readouterr()
    assert bench("verify", folder) == 0
    assert re.search(r"episodes\.sealed .* same", capsys.readouterr().out)
    kept = folder / "episodes.sealed"
    content = bytearray(kept.read_bytes())
    content[300] ^= 1
    kept.write_bytes(content)
    assert bench("verify", folder) == 1
    assert re.search(r"episodes\.sealed .* differs", capsys.readouterr().out)
