"""Side-by-side timings of bench and its peers: `python -m benchmarks` from the repository's root.

Not installed with bench. The files, from the outside in: `__main__` is the command, `session` runs
it, `crew` and `worker` are the processes that work is timed in, `timing` is how, `catalogue` lists
the items, `report` makes record and table of what came out.
"""
