"""Networks with a leading task axis: many tasks at once, each with weights of its own.

Gradient learners adapt one copy of the network per task. The modules here compute all copies
together: the same numbers as a loop over `torch.func.functional_call`, up to rounding, with the
second derivatives in closed form. `bench.gradient` chooses between the two.
"""
