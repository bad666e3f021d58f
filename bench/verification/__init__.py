"""Verification: a run's weights, tested again on its episodes, and its record checked against it.

What follows from the files alone is checked first (bench.recount). Then the algorithm is built as
the record says, gets the weights of the checkpoint, and answers the same queries; its answers are
compared with those that were kept, and what the record says of algorithm, data, protocol and
training with what they are. Times, memory, machine and the course of training cannot be checked.
"""

from bench.verification.found import Verification
from bench.verification.keeping import Kept, keep
from bench.verification.verifying import UNCHECKED, verify, without_evaluation

__all__ = ["UNCHECKED", "Kept", "Verification", "keep", "verify", "without_evaluation"]
