"""The machine's card: the same from run to run, another where timings would be."""

from __future__ import annotations

import os

import pytest
import torch

from bench import machine
from bench.machine import allocator, describe_machine, libraries, load_average, matrix_speed

CPU = torch.device("cpu")
CONFIGURATION = """PyTorch built with:
  - Intel(R) oneAPI Math Kernel Library Version 2024.2-Product Build 20240605
  - Intel(R) MKL-DNN v3.12.0 (Git Hash abc)
  - CPU capability usage: AVX2
  - Build settings: BLAS_INFO=mkl, BUILD_TYPE=Release, """


@pytest.fixture(autouse=True)
def small_product(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "SIDE", 64)


def test_load_and_speed_are_not_on_the_card(monkeypatch: pytest.MonkeyPatch) -> None:
    first = describe_machine(CPU, load_before=0.25)
    monkeypatch.setattr(machine, "matrix_speed", lambda device: 1.0)
    monkeypatch.setattr(os, "getloadavg", lambda: (7.0, 7.0, 7.0))
    second = describe_machine(CPU)
    assert (second.gemm_gflops, second.load_before, second.load_after) == (1.0, None, 7.0)
    assert first.load_before == 0.25
    assert second.card == first.card
    assert len(first.card) == 8


@pytest.mark.parametrize(
    ("name", "value"),
    [("processor_name", "another"), ("usable_cores", 99), ("allocator", "x"), ("libraries", "x")],
)
def test_all_else_is_on_the_card(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str | int
) -> None:
    before = describe_machine(CPU)
    monkeypatch.setattr(machine, name, lambda *given: value)
    assert describe_machine(CPU).card != before.card


def test_so_is_the_number_of_threads() -> None:
    before = describe_machine(CPU)
    torch.set_num_threads(2)
    try:
        assert describe_machine(CPU).card != before.card
    finally:
        torch.set_num_threads(before.threads)


def test_libraries_are_read_from_torchs_description() -> None:
    assert libraries(CONFIGURATION, CPU) == "mkl, MKL 2024.2, oneDNN 3.12.0, AVX2"
    assert libraries("nothing known", CPU) == "unknown"
    assert libraries(torch.__config__.show(), CPU) != "unknown"


def test_the_allocators_settings_are_named_without_folders(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [n for n in os.environ if n.startswith((*machine.ALLOCATOR_SETTINGS, "LD_PRE"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("BENCH_MALLOC", "0")
    monkeypatch.setattr("platform.libc_ver", lambda: ("glibc", "2.36"))
    assert allocator() == "glibc 2.36"
    monkeypatch.delenv("BENCH_MALLOC")
    assert allocator() == "glibc 2.36, large blocks kept"
    monkeypatch.setenv("LD_PRELOAD", "/some/where/libjemalloc.so.2:/else/where/other.so")
    monkeypatch.setenv("MALLOC_MMAP_MAX_", "0")
    expected = "glibc 2.36, large blocks kept, libjemalloc.so.2, other.so, MALLOC_MMAP_MAX_=0"
    assert allocator() == expected


def test_the_speed_is_two_n_cubed_by_the_median_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Products that take 9 (the first, to warm up), then 1, 4 and 2 milliseconds."""
    clock = [0.0, 0.009, 1.0, 1.001, 2.0, 2.004, 3.0, 3.002]
    monkeypatch.setattr(machine, "now_on", lambda device: clock.pop(0))
    monkeypatch.setattr(machine, "REPETITIONS", 3)
    assert matrix_speed(CPU) == pytest.approx(2 * 64**3 / 0.002 / 1e9)


def test_a_slow_machine_is_timed_but_once(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0, 2.0, 2.0, 3.0]
    monkeypatch.setattr(machine, "now_on", lambda device: clock.pop(0))
    assert matrix_speed(CPU) == pytest.approx(2 * 64**3 / 1e9)
    assert clock == []


def test_where_nobody_counts_the_load_it_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "getloadavg")
    assert load_average() is None
