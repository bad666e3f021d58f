"""Crammer and Singer's multi-class SVM: an exact dual solve with exact gradients, task by task.

With features x_i, labels y_i as one-hot rows of Y, and cost C, the SVM finds weights W (d, n) that
minimise |W|^2/2 + C sum_i max_c (1 - Y_ic + w_c x_i - w_yi x_i). They are W = C X' (Y - P), where
P (s, n) solves the dual

    minimise  C/2 |X' (P - Y)|^2 + <P, Y>   over P >= 0 with rows that sum to one.

(The dual coefficients of the paper are alpha = C (Y - P).) The gradient of the objective is
R(P) = C K (P - Y) + Y with the kernel K = X X'; at the optimum R(P) + v = Z for some v (s, 1) and
Z (s, n) >= 0 with P Z = 0 elementwise. A primal-dual interior-point method follows the solutions of
P Z = t elementwise to t = 1e-9. P = 1/n is feasible, so all its iterates are, and a Newton
step is small: eliminating Z leaves for each class c the system

    (C K + D_c) dP_c + dv = r_c,   D = Z / P,   with  sum_c dP_c = 0,

which is n matrices of s x s, then one more of that size for dv, in place of one of ns x ns.

Were X to change by dX, the solution would move by that same Newton step with r = -dR. So the step
taken once more at the solution, with nothing but R in the graph, has value zero, and has the
derivatives of the solution: implicit differentiation of the optimality conditions.
"""

from __future__ import annotations

import torch
from torch import Tensor

PATH_END = 1e-9
"""The product of each probability and its slack at which the path ends."""

CENTRING, ITERATIONS, TO_THE_WALL = 0.1, 60, 0.99
NUMBERS = 1 << 23
"""Entries of the matrices that are inverted together, at most: 64 MiB of doubles."""


def dual_coefficients(known: Tensor, wanted: Tensor, cost: float) -> Tensor:
    """Returns alpha (..., s, n) for features (..., s, d) and one-hot labels (..., s, n).

    The SVM's weights are `known.mT @ alpha`. It is solved in double precision.
    """
    features = known.double().reshape(-1, *known.shape[-2:])
    labels = wanted.double().reshape(-1, *wanted.shape[-2:])
    examples, ways = wanted.shape[-2:]
    tasks = max(1, NUMBERS // (ways * examples**2))
    parts = zip(torch.split(features, tasks), torch.split(labels, tasks), strict=True)
    solved = torch.cat([_probabilities(cost * x @ x.mT, y) for x, y in parts])
    return (cost * (labels - solved)).reshape(wanted.shape).to(known.dtype)


def _probabilities(kernel: Tensor, labels: Tensor) -> Tensor:
    """Returns P (t, s, n) for kernels C K (t, s, s), with its derivatives by them."""
    with torch.no_grad():
        solved, slacks = _follow_path(kernel, labels)
        inverses = _inverses(kernel, solved, slacks)
    residual = kernel @ (solved - labels)
    step, _ = _newton(inverses, residual.detach() - residual)  # zero, but for its derivatives
    return solved + step


def _follow_path(kernel: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Returns P and Z (t, s, n) at the end of the path."""
    solved = torch.full_like(labels, 1 / labels.shape[-1])
    slacks = kernel @ (solved - labels) + labels
    slacks = slacks - slacks.amin(-1, keepdim=True)
    slacks = slacks + 1 + slacks.amax((-2, -1), keepdim=True)
    for _ in range(ITERATIONS):
        products = solved * slacks
        target = (CENTRING * products.mean((-2, -1), keepdim=True)).clamp(min=PATH_END)
        if ((products - PATH_END).abs() < 1e-3 * PATH_END).all():
            break
        step, shift = _newton(_inverses(kernel, solved, slacks), target / solved - slacks)
        slack_step = kernel @ step + shift
        shrinking = torch.maximum(-step / solved, -slack_step / slacks).amax((-2, -1), True)
        length = TO_THE_WALL / shrinking.clamp(min=TO_THE_WALL)  # at most one
        solved, slacks = solved + length * step, slacks + length * slack_step
    return solved, slacks


def _inverses(kernel: Tensor, solved: Tensor, slacks: Tensor) -> Tensor:
    """Returns the inverses (t, n, s, s) of C K + D_c."""
    matrices = kernel.unsqueeze(-3) + torch.diag_embed((slacks / solved).mT)
    inverses: Tensor = torch.linalg.inv(matrices)
    return inverses


def _newton(inverses: Tensor, right: Tensor) -> tuple[Tensor, Tensor]:
    """Returns dP (t, s, n) and dv (t, s, 1) for the right side r (t, s, n)."""
    apart = torch.einsum("tcij,tjc->tic", inverses, right)
    shift = torch.linalg.solve(inverses.sum(-3), apart.sum(-1, keepdim=True))
    return apart - torch.einsum("tcij,tj->tic", inverses, shift.squeeze(-1)), shift
