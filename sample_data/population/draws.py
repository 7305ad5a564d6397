"""Random draws over whole columns: every generator of the population is made of these.

A stage of a block has its own stream, so that a change in one stage leaves the others as they were.
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
    """The generator of one stage of one block."""
    return np.random.default_rng(np.random.SeedSequence([seed, block, zlib.crc32(stage.encode())]))


def happens(rng: np.random.Generator, share: Floats | float, size: int) -> Flags:
    """True with probability `share`, once for each of `size` rows."""
    return np.asarray(rng.random(size) < share)


def choose(rng: np.random.Generator, weights: Floats) -> Whole:
    """One category per row of `weights` (rows x categories, not necessarily summing to one)."""
    edges = np.cumsum(weights, axis=1)
    return np.asarray((edges < (rng.random(len(weights)) * edges[:, -1])[:, None]).sum(axis=1))


def choose_same(rng: np.random.Generator, weights: Sequence[float], size: int) -> Whole:
    """`size` categories from one list of weights."""
    edges = np.cumsum(np.asarray(weights, dtype=float))
    return np.asarray(np.searchsorted(edges, rng.random(size) * edges[-1], side="right"))


def share_out(total: int, weights: Floats) -> Whole:
    """Whole numbers that add up to `total`, in proportion to `weights` (largest remainder)."""
    if weights.sum() <= 0:
        weights = np.ones_like(weights)
    exact = weights / weights.sum() * total
    counts: Whole = np.floor(exact).astype(np.int64)
    for index in np.argsort(-(exact - counts), kind="stable")[: total - int(counts.sum())]:
        counts[index] += 1
    return counts


def allot(groups: Whole, latent: Floats, margins: Floats) -> Whole:
    """A category per row such that each group's margin holds exactly.

    groups: 0..n-1 per row; margins: n x categories weights; rows of a group are ranked by `latent`,
    and the lowest take the first category.
    """
    result = np.empty(len(groups), dtype=np.int64)
    order = np.lexsort((latent, groups))
    sizes = np.bincount(groups, minlength=len(margins))
    categories = np.arange(margins.shape[1])
    filled = [np.repeat(categories, share_out(int(n), m)) for n, m in zip(sizes, margins, strict=True) if n]
    result[order] = np.concatenate(filled) if filled else np.empty(0, dtype=np.int64)
    return result


def rank_within(groups: Whole) -> Whole:
    """0, 1, 2 … within each run of equal values; `groups` must be sorted or at least contiguous."""
    if len(groups) == 0:
        return np.empty(0, dtype=np.int64)
    starts = np.flatnonzero(np.r_[True, groups[1:] != groups[:-1]])
    return np.arange(len(groups)) - np.repeat(starts, np.diff(np.r_[starts, len(groups)]))


def skewed(rng: np.random.Generator, lengths: Whole, skew: float = 1.5) -> Whole:
    """A position in a list that is ordered commonest first, one list length per row."""
    return np.minimum((rng.random(len(lengths)) ** skew * lengths).astype(np.int64), lengths - 1)


def normalised(multiplier: Floats, strata: Whole, base: Floats) -> Floats:
    """`multiplier` scaled so that its base-weighted mean is one within each stratum."""
    top = np.bincount(strata, weights=base * multiplier)
    bottom = np.bincount(strata, weights=base)
    mean = np.divide(top, bottom, out=np.ones_like(top), where=bottom > 0)
    return multiplier / np.where(mean > 0, mean, 1.0)[strata]
