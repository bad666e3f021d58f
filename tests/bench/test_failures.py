"""Failures: a plugin's exception becomes one line that says where and what to change."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from bench.errors import BenchError, RunFailed
from bench.failures import plugin_code


def test_an_exception_is_told_with_its_kind_reason_file_and_line() -> None:
    with (
        pytest.raises(RunFailed) as caught,
        plugin_code("toy", "training, at step 3", "use less"),
    ):
        raise ValueError("a reason\n  of two lines")  # MARK
    line = next(
        number
        for number, text in enumerate(Path(__file__).read_text().splitlines(), 1)
        if text.endswith("  # MARK")
    )
    message = str(caught.value)
    assert message.startswith(
        "toy failed while training, at step 3: ValueError: a reason of two lines"
    )
    assert f"{__file__}:{line}" in message
    assert isinstance(caught.value.__cause__, ValueError)


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:117] . DefaultCPUAllocator: can't allocate "
                     "memory: you tried to allocate 8 bytes."),
        RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 8 bytes."),
        RuntimeError("MPS backend out of memory"),
    ],
)  # fmt: skip
def test_running_out_of_memory_is_told_with_what_needs_less(error: Exception) -> None:
    with (
        pytest.raises(RunFailed, match=r"^out of memory while testing; use fewer queries$"),
        plugin_code("toy", "testing", "use fewer queries"),
    ):
        raise error


def test_another_runtime_error_is_not_taken_for_lack_of_memory() -> None:
    with (
        pytest.raises(RunFailed, match="RuntimeError: shapes do not match"),
        plugin_code("toy", "testing", "use fewer queries"),
    ):
        raise RuntimeError("shapes do not match")


def test_a_network_without_second_derivatives_is_told_as_such() -> None:
    weights = torch.ones(3, requires_grad=True)
    with (
        pytest.raises(RunFailed, match=r"toy needs second derivatives, which torch does not have"),
        plugin_code("toy", "training", "use less"),
    ):
        slope = torch.autograd.grad(
            torch.nn.functional.hardsigmoid(weights).sum(), weights, create_graph=True
        )
        torch.autograd.grad(slope[0].sum(), weights)


def test_an_error_meant_for_the_user_passes_as_it_is() -> None:
    with pytest.raises(BenchError, match=r"^mind the gap$"), plugin_code("toy", "testing", ""):
        raise BenchError("mind the gap")


def test_the_users_interruption_passes_as_it_is() -> None:
    with pytest.raises(KeyboardInterrupt), plugin_code("toy", "testing", ""):
        raise KeyboardInterrupt


def test_the_place_is_the_plugins_line_even_if_torch_raised() -> None:
    with pytest.raises(RunFailed, match=r"test_failures\.py:\d+"), plugin_code("toy", "x", ""):
        torch.nn.functional.linear(torch.zeros(2, 3), torch.zeros(4, 5))


def test_the_place_is_the_plugins_line_if_the_plugin_is_installed_too(tmp_path: Path) -> None:
    file = tmp_path / "site-packages" / "their_plugin.py"
    source = "import torch\ndef go():\n    torch.nn.functional.cross_entropy('no', 'no')\n"
    names: dict[str, object] = {}
    exec(compile(source, str(file), "exec"), names)
    go = names["go"]
    assert callable(go)
    with pytest.raises(RunFailed, match=r"their_plugin\.py:3"), plugin_code("toy", "x", ""):
        go()
