"""Number: which published one a test is held against."""

from __future__ import annotations

from bench.errors import BenchError, nearest
from bench.published import Published, published
from bench.recipe import size_of
from bench.tasks import ACCURACY

_RERUN = "rerun"


def number_of(method: str, data: str, size: str) -> Published | None:
    """Returns the accuracy that a method published at a size; None if it printed none there.

    The authors' own comes before a third party's rerun.

    Raises:
        BenchError: nobody published a number of such a method on this data.
    """
    if not method:
        return None
    known = [one for one in published() if one.data == data and one.metric == ACCURACY]
    of_method = [one for one in known if one.method == method]
    if not of_method:
        names = sorted({one.method for one in known})
        raise BenchError(
            f"the suite names the published method '{method}', which has no number on {data}; "
            f"{nearest(method, names)}"
        )
    fitting = [one for one in of_method if (one.ways, one.shots) == size_of(size)]
    return min(fitting, key=lambda one: one.certainty == _RERUN, default=None)
