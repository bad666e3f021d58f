"""Figures for a README, drawn from records alone: what methods cost and reach, and how they learn.

They are PNG files: shown everywhere a README is (also on package sites, which refuse SVG), on white
in dark mode too, and the same bytes from the same records.
"""
