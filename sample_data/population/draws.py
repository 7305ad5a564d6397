"""Random draws over whole columns, used by every generator of the population.

Each stage of a block has its own random stream, so that a change in one stage does not change the others.
"""

import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating[Any]]
Whole = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Texts = npt.NDArray[Any]


def stream(seed: int, block: int, stage: str) -> np.random.Generator:
    """Return the random generator for one stage of one block."""
    return np.random.default_rng(np.random.SeedSequence([seed, block, zlib.crc32(stage.encode())]))


def happens(rng: np.random.Generator, share: Floats | float, size: int) -> Flags:
    """Return True with probability `share`, for each of `size` rows."""
    return np.asarray(rng.random(size) < share)


def choose(rng: np.random.Generator, weights: Floats) -> Whole:
    """Return one category per row of `weights` (rows x categories; rows need not sum to one)."""
    edges = np.cumsum(weights, axis=1)
    return np.asarray((edges < (rng.random(len(weights)) * edges[:, -1])[:, None]).sum(axis=1))


def choose_same(rng: np.random.Generator, weights: Sequence[float], size: int) -> Whole:
    """Return `size` categories, drawn from one list of weights."""
    edges = np.cumsum(np.asarray(weights, dtype=float))
    return np.asarray(np.searchsorted(edges, rng.random(size) * edges[-1], side="right"))


def share_out(total: int, weights: Floats) -> Whole:
    """Return whole numbers that add up to `total`, in proportion to `weights` (largest remainder)."""
    if weights.sum() <= 0:
        weights = np.ones_like(weights)
    exact = weights / weights.sum() * total
    counts: Whole = np.floor(exact).astype(np.int64)
    for index in np.argsort(-(exact - counts), kind="stable")[: total - int(counts.sum())]:
        counts[index] += 1
    return counts


def allot(groups: Whole, latent: Floats, margins: Floats) -> Whole:
    """Return a category per row so that each group meets its margin exactly.

    groups: 0..n-1 per row; margins: n x categories weights. Rows of a group are ranked by `latent`,
    and the lowest get the first category.
    """
    result = np.empty(len(groups), dtype=np.int64)
    order = np.lexsort((latent, groups))
    sizes = np.bincount(groups, minlength=len(margins))
    categories = np.arange(margins.shape[1])
    filled = [np.repeat(categories, share_out(int(n), m)) for n, m in zip(sizes, margins, strict=True) if n]
    result[order] = np.concatenate(filled) if filled else np.empty(0, dtype=np.int64)
    return result


def rank_within(groups: Whole) -> Whole:
    """Return 0, 1, 2 … within each run of equal values; equal values of `groups` must be contiguous."""
    if len(groups) == 0:
        return np.empty(0, dtype=np.int64)
    starts = np.flatnonzero(np.r_[True, groups[1:] != groups[:-1]])
    return np.arange(len(groups)) - np.repeat(starts, np.diff(np.r_[starts, len(groups)]))


def skewed(rng: np.random.Generator, lengths: Whole, skew: float = 1.5) -> Whole:
    """Return a position in a list that is ordered from the most common, for one list length per row."""
    return np.minimum((rng.random(len(lengths)) ** skew * lengths).astype(np.int64), lengths - 1)


def normalised(multiplier: Floats, strata: Whole, base: Floats) -> Floats:
    """Return `multiplier`, scaled so that its base-weighted mean is one within each stratum."""
    top = np.bincount(strata, weights=base * multiplier)
    bottom = np.bincount(strata, weights=base)
    mean = np.divide(top, bottom, out=np.ones_like(top), where=bottom > 0)
    return multiplier / np.where(mean > 0, mean, 1.0)[strata]
