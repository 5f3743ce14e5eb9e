"""How surprising a count is, in whole numbers: the tail of the Poisson distribution. Pure."""

_SCALE = 10**24
# Beyond this a mean is no small count, and nothing that exceeds it by chance is looked for.
MOST_MILLI = 200_000


def tail_ppm(count: int, mean_milli: int) -> int:
    """Return in how many of a million cases chance alone gives at least so many, rounded up.

    mean_milli: what is expected, in thousandths; at least 1.

    Raises: ValueError for a mean or a count that cannot be.
    """
    if mean_milli < 1 or count < 0:
        raise ValueError(f"count {count}, mean {mean_milli}")
    if mean_milli > MOST_MILLI:
        return 1_000_000
    # The weights mean^i / i! one after another; their sum over all i is e^mean, so no exponential is needed.
    weight, below, all_of_them, i = _SCALE, 0, 0, 0
    while weight > 0 or i * 1000 < mean_milli:
        if i < count:
            below += weight
        all_of_them += weight
        i += 1
        weight = weight * mean_milli // (1000 * i)
    ppm = -(-1_000_000 * (all_of_them - below) // all_of_them)
    assert 0 <= ppm <= 1_000_000, (count, mean_milli)
    return ppm
