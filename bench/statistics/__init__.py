"""Statistics: from the records of episodes to means, and how sure they are; no torch."""

from bench.statistics.student import T_INTERVAL, Interval, t_interval, t_quantile

__all__ = ["T_INTERVAL", "Interval", "t_interval", "t_quantile"]
