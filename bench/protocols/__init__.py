"""Protocols beyond N-way K-shot: a sampler for each kind, and who picks it."""
