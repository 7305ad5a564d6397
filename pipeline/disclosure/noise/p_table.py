"""P3, the noise: small, bounded, unbiased, and the same wherever the same contributors are counted.

The cell key of a count is the sum of its contributors' record keys modulo 4096. The p-table maps a cell key
to noise from -D to +D, with p(v) proportional to exp(-lambda v^2) and variance 2. The 4096 slots of the table
are permuted differently for every count, by the secret, so that two counts with the same key have different
noise. Source: ABS cell key method; Eurostat, guidelines on random noise (maximum entropy p-table).
"""

from functools import cache
from hashlib import sha256, shake_256
from hmac import digest as hmac_digest

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq

from governance.errors import Fault
from pipeline.disclosure.noise.record_key import KEY_MODULUS, RecordKeySecret

NOISE_VARIANCE = 2.0

Integers = npt.NDArray[np.int64]


@cache
def slots_per_noise(noise_bound: int) -> tuple[int, ...]:
    """Return how many of the 4096 slots have each noise, from -bound to +bound.

    The shares are proportional to exp(-lambda v^2), with variance 2. They are rounded so that the table is
    symmetric; slots that are left over have noise zero.
    """
    values = np.arange(-noise_bound, noise_bound + 1)

    def excess_variance(decay: float) -> float:
        weight = np.exp(-decay * values**2)
        return float((values**2 * weight).sum() / weight.sum() - NOISE_VARIANCE)

    weight = np.exp(-brentq(excess_variance, 1e-6, 5.0) * values**2)
    slots = np.rint(KEY_MODULUS * weight / weight.sum()).astype(int)
    slots[noise_bound] += KEY_MODULUS - slots.sum()
    return tuple(int(s) for s in slots)


def noise_of(counts: Integers, cell_keys: Integers, noise_bound: int, secret: RecordKeySecret) -> Integers:
    """Return the noise of each count, from -noise_bound to +noise_bound, in order.

    counts: whole numbers, one per cell. cell_keys: sums of record keys modulo 4096, in the same order.
    Counts of the same contributors have the same key and so always the same noise.
    """
    if len(cell_keys) and (cell_keys.min() < 0 or cell_keys.max() >= KEY_MODULUS):
        raise Fault(
            "CELL_KEY_OUT_OF_RANGE",
            f"{int(((cell_keys < 0) | (cell_keys >= KEY_MODULUS)).sum())} cell keys are outside 0 to 4095.",
            "The aggregate stage sums record keys modulo 4096; run it again.",
        )
    noise = np.empty(len(counts), dtype=np.int64)
    distinct, group = np.unique(counts, return_inverse=True)
    order = np.argsort(group, kind="stable")
    bounds = np.searchsorted(group[order], np.arange(len(distinct) + 1))
    table = np.repeat(np.arange(-noise_bound, noise_bound + 1), slots_per_noise(noise_bound))
    for index, count in enumerate(distinct):
        members = order[bounds[index] : bounds[index + 1]]
        noise[members] = table[_permutation(int(count), secret)[cell_keys[members]]]
    return noise


def _permutation(count: int, secret: RecordKeySecret) -> Integers:
    """Return the permutation of the 4096 slots for one count, derived from the secret."""
    seed = hmac_digest(secret.value, f"p-table|{count}".encode(), sha256)
    draws = np.frombuffer(shake_256(seed).digest(KEY_MODULUS * 8), dtype="<u8")
    return np.argsort(draws, kind="stable")
