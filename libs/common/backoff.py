"""How long to wait before trying again."""

import random

BASE_S = 0.5
CAP_S = 60.0
OUTAGE_CAP_S = 5.0
"""Longest wait between tries while a server is away: so soon work goes on when it is back."""


def delay_s(attempt: int, base_s: float = BASE_S, cap_s: float = CAP_S) -> float:
    """Return the wait after failure number ``attempt`` (from 1): doubled each time, half random.

    "Equal jitter" of Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
    """
    whole = min(cap_s, base_s * 2.0 ** min(attempt - 1, 30))
    return whole * random.uniform(0.5, 1.0)
