"""Floating-point operations of a piece of work, counted while it is done.

Counted are matrix products, convolutions, attention and the solution of linear systems; a
multiplication and an addition are two. Elementwise work, normalisation, pooling and sorting are
not. A convolution counts as if the padding were multiplied, too.

Torch's own counter takes the same formulas, but it follows modules by hooks on gradients, which
fail where a method differentiates within `adapt`; and it passes over linear systems in silence.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from bench.workers import one_thread

aten = torch.ops.aten
Formula = Callable[..., int]
"""From the arguments of an operation to how many it is."""


def count_flops(work: Callable[[], object]) -> int | None:
    """Does some work and returns its floating-point operations; None if they cannot be counted.

    That is so if it calls an eigen- or singular-value decomposition, a fused layer or the like,
    for which there is no formula here, or an operation of a library other than torch. Work in
    other threads would not be seen, so there are none meanwhile.
    """
    counter = _Counter()
    with one_thread(), counter:
        work()
    return None if counter.unknown else counter.total


class _Counter(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch has no types here
    """Adds up the operations of whatever torch is told to do, differentiation included."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.total = 0
        self.unknown: set[str] = set()

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        given = dict(kwargs or {})
        operation = getattr(func, "overloadpacket", func)
        torchs = flop_registry.get(operation)
        own = _LINEAR_ALGEBRA.get(operation)
        if torchs is None and own is None and hasattr(func, "decompose"):
            with self:
                made = func.decompose(*args, **given)
            if made is not NotImplemented:
                return made
        result = func(*args, **given)
        if torchs is not None:
            self.total += torchs(*args, **given, out_val=result)
        elif own is not None:
            self.total += own(*args)
        elif _is_unknown(str(operation)):
            self.unknown.add(str(operation))
        return result


_LIBRARIES = ("aten", "prim", "prims", "profiler")
_UNCOUNTABLE = {
    *("_linalg_eigh", "linalg_eig", "_linalg_svd", "linalg_qr", "geqrf", "linalg_lstsq"),
    *("linalg_householder_product", "ormqr", "linalg_ldl_factor_ex", "linalg_matrix_exp"),
    *("_fft_r2c", "_fft_c2r", "_fft_c2c", "_trilinear", "_embedding_bag"),
    *("mkldnn_rnn_layer", "mkldnn_rnn_layer_backward", "_cudnn_rnn", "_cudnn_rnn_backward"),
    *("_native_multi_head_attention", "_transformer_encoder_layer_fwd"),
}


def _is_unknown(operation: str) -> bool:
    """Tells whether an operation, such as `aten.linalg_qr`, takes more than can be counted."""
    library, _, name = operation.partition(".")
    return library not in _LIBRARIES or name in _UNCOUNTABLE


def _matrices(tensor: Tensor) -> int:
    return math.prod(tensor.shape[:-2])


def _inverse(matrix: Tensor, *_: Any) -> int:
    return 2 * _matrices(matrix) * matrix.shape[-1] ** 3


def _factors(matrix: Tensor, *_: Any) -> int:
    return 2 * _matrices(matrix) * matrix.shape[-1] ** 3 // 3


def _half_factors(matrix: Tensor, *_: Any) -> int:
    return _matrices(matrix) * matrix.shape[-1] ** 3 // 3


def _columns(matrix: Tensor, right: Tensor) -> int:
    """Returns how many numbers the right sides have: those of vectors, or of matrices."""
    batch = matrix.ndim - 2
    pairs = zip(matrix.shape[:batch], right.shape[:batch], strict=True)
    return math.prod(map(max, pairs)) * math.prod(right.shape[batch:])


def _solve(matrix: Tensor, right: Tensor, *_: Any) -> int:
    return _factors(matrix) + 2 * matrix.shape[-1] * _columns(matrix, right)


def _solve_factored(factors: Tensor, pivots: Tensor, right: Tensor, *_: Any) -> int:
    return 2 * factors.shape[-1] * _columns(factors, right)


def _solve_by_cholesky(right: Tensor, factors: Tensor, *_: Any) -> int:
    return 2 * factors.shape[-1] * _columns(factors, right)


def _solve_triangular(matrix: Tensor, right: Tensor, *_: Any) -> int:
    return matrix.shape[-1] * _columns(matrix, right)


def _product(matrix: Tensor, vector: Tensor, *_: Any) -> int:
    return 2 * matrix.numel()


def _added_product(start: Tensor, matrix: Tensor, vector: Tensor, *_: Any) -> int:
    return 2 * matrix.numel()


def _distances(left: Tensor, right: Tensor, *_: Any) -> int:
    return 2 * left.numel() * right.shape[-2]


def _distance_gradient(gradient: Tensor, left: Tensor, *_: Any) -> int:
    return 2 * gradient.numel() * left.shape[-1]


_LINEAR_ALGEBRA: dict[Any, Formula] = {
    aten.dot: _product,
    aten.mv: _product,
    aten.addmv: _added_product,
    aten._cdist_forward: _distances,
    aten._cdist_backward: _distance_gradient,
    aten.linalg_inv_ex: _inverse,
    aten.linalg_lu_factor_ex: _factors,
    aten.linalg_cholesky_ex: _half_factors,
    aten._linalg_solve_ex: _solve,
    aten.linalg_lu_solve: _solve_factored,
    aten.cholesky_solve: _solve_by_cholesky,
    aten.linalg_solve_triangular: _solve_triangular,
}
"""Of n x n matrices, to the leading order: n^3 / 3 for Cholesky's factors, twice that for LU."""
