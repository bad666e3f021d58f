"""The contract, executable: checks of what `bench.algorithm` and its neighbours only say.

`suite.py` lists the checks and runs them; each of the other modules holds a group of them.
"""
