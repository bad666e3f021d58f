"""Comparison: which of two runs is better, from what each of their episodes scored; no torch."""
