"""The full size: what ``make soak`` asks for with ``HYPOTHESIS_PROFILE=soak``.

Property tests try many more examples and random ones, tests marked ``full_size`` run again (races
several times), and ``larger`` picks the size of what a test builds. The everyday size is the other.
"""

import os

FULL = os.environ.get("HYPOTHESIS_PROFILE") == "soak"
EXAMPLES = 3000  # of each pure property; those that write to the database say their own number


def larger(usual, full):
    """The size of the day, or the full one."""
    return full if FULL else usual
