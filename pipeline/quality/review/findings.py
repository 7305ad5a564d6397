"""Findings of a review: how far reviewers agree, how precise each band is, and which thresholds to propose.

The sample is stratified, so each case has a weight: the pairs of its stratum in the run, divided by the
cases decided in that stratum. Shares are weighted by it; their intervals are Wilson's for Kish's effective
number of cases.

Sources: J. Cohen, Educ. Psychol. Meas. 20 (1960) 37-46 (kappa, and its standard error);
J. Landis, G. Koch, Biometrics 33 (1977) 159-174 (the words for it); L. Kish, Survey Sampling (1965), 11.7.
"""

import itertools
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from governance.linkage_precision import LEAST_KAPPA
from pipeline.quality.review.decisions import Decision
from pipeline.quality.review.sample import BAND_EDGES, band_name
from pipeline.statistics.interval import wilson_interval

#: At most this share of pairs below the lower threshold may be one household.
_LOST_SHARE = 0.05
_Z95 = 1.959963984540054


@dataclass(frozen=True)
class SampledCase:
    """One row of the sample. pairs: pairs of the run in its stratum (band and group)."""

    case: str
    band: int
    group: str
    match_weight: float
    reason: str
    pairs: int


@dataclass(frozen=True)
class Kappa:
    """Agreement of two reviewers beyond chance, over the cases both called same or different.

    value is None where both always gave the same single answer, so that chance explains all agreement.
    """

    first: str
    second: str
    cases: int
    agreed: int
    value: float | None
    interval: tuple[float, float] | None

    def as_json(self) -> dict[str, Any]:
        """Return JSON-able values."""
        bounds = self.interval or (None, None)
        return {
            "reviewers": [self.first, self.second],
            "cases": self.cases,
            "agreed": self.agreed,
            "kappa": _rounded(self.value),
            "low": _rounded(bounds[0]),
            "high": _rounded(bounds[1]),
            "means": word_for(self.value),
        }


@dataclass(frozen=True)
class Share:
    """The weighted share of pairs that are one household. cases: decided; pairs: that the cases represent."""

    cases: int
    pairs: int
    value: float | None
    interval: tuple[float, float] | None

    def as_json(self) -> dict[str, Any]:
        """Return JSON-able values."""
        low, high = self.interval or (None, None)
        return {
            "cases": self.cases,
            "pairs": self.pairs,
            "value": _rounded(self.value),
            "low": _rounded(low),
            "high": _rounded(high),
        }


@dataclass(frozen=True)
class Review:
    """The results of a review.

    decided: reviewer -> decision -> cases. unresolved: cases where votes were equal or all were unsure.
    bands: precision of the pairs of each band; groups: precision of the linked pairs of each group.
    modelled: the model's match probability for the pairs of each band, with the same weights.
    links: precision of all links; without a value where two reviewers hardly agree (`agree_enough`).
    edges: lower edge of a band -> precision and recall with a threshold there.
    proposed_upper: lowest edge above which pairs reach the wanted precision, if most pairs of the band above
    it are one household. proposed_lower: highest edge, up to proposed_upper, below which at most one pair
    in twenty is one household. None where no edge meets this.
    """

    review: str
    decided: Mapping[str, Mapping[str, int]]
    cases: int
    unresolved: int
    kappas: tuple[Kappa, ...]
    bands: Mapping[str, Share]
    modelled: Mapping[str, float]
    groups: Mapping[str, Share]
    links: Share
    edges: Mapping[float, tuple[Share, float | None]]
    wanted_precision: float
    proposed_upper: float | None
    proposed_lower: float | None

    def as_json(self) -> dict[str, Any]:
        """Return the review as a JSON-able mapping."""
        return {
            "review": self.review,
            "reviewers": {name: dict(counts) for name, counts in self.decided.items()},
            "cases_resolved": self.cases,
            "cases_unresolved": self.unresolved,
            "agreement": [kappa.as_json() for kappa in self.kappas],
            "precision_of_links": self.links.as_json(),
            "precision_by_band": [
                {"band": name, **share.as_json(), "model_says": _rounded(self.modelled.get(name))}
                for name, share in self.bands.items()
            ],
            "precision_of_links_by_group": {name: share.as_json() for name, share in self.groups.items()},
            "thresholds": [
                {"match_weight": edge, "precision": share.as_json(), "recall": _rounded(recall)}
                for edge, (share, recall) in self.edges.items()
            ],
            "wanted_precision": self.wanted_precision,
            "proposed_upper_match_weight": self.proposed_upper,
            "proposed_lower_match_weight": self.proposed_lower,
        }


def find(
    review: str, decisions: Sequence[Decision], cases: Mapping[str, SampledCase], wanted_precision: float
) -> Review:
    """Return the findings that follow from the decisions, for the run of the sample."""
    resolved = {case: same for case, same in resolve(decisions).items() if same is not None}
    judged = {case: cases[case] for case in resolved}
    weights = _weights(judged)
    names = [band_name(n) for n in range(len(BAND_EDGES) + 1)]

    def share(chosen: Iterable[SampledCase]) -> Share:
        return _share([(resolved[item.case], weights[item.case]) for item in chosen])

    kappas = kappas_of(decisions)
    linked = [item for item in judged.values() if item.reason == "linked"]
    edges = {edge: _at_threshold(edge, judged, resolved, weights) for edge in BAND_EDGES}
    bands = {
        n: share(item for item in judged.values() if item.band == n)
        for n in sorted({item.band for item in judged.values()})
    }
    upper = _proposed_upper(edges, bands, wanted_precision)
    return Review(
        review=review,
        decided=_decided(decisions),
        cases=len(resolved),
        unresolved=len({d.case for d in decisions}) - len(resolved),
        kappas=kappas,
        bands={names[n]: found for n, found in bands.items()},
        modelled={
            names[n]: _modelled([item for item in judged.values() if item.band == n], weights) for n in bands
        },
        groups={
            group: share(item for item in linked if item.group == group)
            for group in sorted({item.group for item in linked})
        },
        links=share(linked) if agree_enough(kappas) else Share(0, 0, None, None),
        edges=edges,
        wanted_precision=wanted_precision,
        proposed_upper=upper,
        proposed_lower=_proposed_lower(judged, resolved, weights, upper),
    )


def cohens_kappa(first: Sequence[bool], second: Sequence[bool]) -> tuple[float, float] | None:
    """Return kappa and its standard error over common cases; None without any, or if chance explains all."""
    cases = len(first)
    if not cases:
        return None
    agreed = sum(one == other for one, other in zip(first, second, strict=True)) / cases
    yes, also = sum(first) / cases, sum(second) / cases
    chance = yes * also + (1 - yes) * (1 - also)
    if chance == 1:
        return None
    error = math.sqrt(agreed * (1 - agreed) / (cases * (1 - chance) ** 2))
    return (agreed - chance) / (1 - chance), error


def agree_enough(kappas: Iterable[Kappa]) -> bool:
    """Answer whether no two reviewers agree hardly more than by chance (kappa below 0.2).

    Their decisions are no measurement otherwise. Where kappa is not defined, both always gave one answer.
    """
    return all(kappa.value is None or round(kappa.value, 9) >= LEAST_KAPPA for kappa in kappas)


def word_for(kappa: float | None) -> str:
    """Return Landis and Koch's word for a kappa."""
    if kappa is None:
        return "not defined: both reviewers always gave the same answer"
    if kappa < 0:
        return "poor"
    for above, word in ((0.8, "almost perfect"), (0.6, "substantial"), (0.4, "moderate"), (0.2, "fair")):
        if kappa > above:
            return word
    return "slight"


def kappas_of(decisions: Sequence[Decision]) -> tuple[Kappa, ...]:
    """Return the agreement of each two reviewers who decided cases in common."""
    given: dict[str, dict[str, bool]] = {}
    for item in decisions:
        if item.decision != "unsure":
            given.setdefault(item.reviewer, {})[item.case] = item.decision == "same"
    kappas = []
    for first, second in itertools.combinations(sorted(given), 2):
        common = sorted(set(given[first]) & set(given[second]))
        if not common:
            continue
        ours, theirs = [given[first][c] for c in common], [given[second][c] for c in common]
        found = cohens_kappa(ours, theirs)
        agreed = sum(one == other for one, other in zip(ours, theirs, strict=True))
        bounds = None if found is None else _around(*found)
        kappas.append(Kappa(first, second, len(common), agreed, found[0] if found else None, bounds))
    return tuple(kappas)


def _around(kappa: float, error: float) -> tuple[float, float]:
    return max(-1.0, kappa - _Z95 * error), min(1.0, kappa + _Z95 * error)


def resolve(decisions: Sequence[Decision]) -> dict[str, bool | None]:
    """Return the majority decision on each case; None where votes are equal or all were unsure."""
    votes: dict[str, Counter[str]] = {}
    for item in decisions:
        votes.setdefault(item.case, Counter())[item.decision] += 1
    return {
        case: None if vote["same"] == vote["different"] else vote["same"] > vote["different"]
        for case, vote in votes.items()
    }


def _decided(decisions: Sequence[Decision]) -> dict[str, dict[str, int]]:
    counts: dict[str, Counter[str]] = {}
    for item in decisions:
        counts.setdefault(item.reviewer, Counter())[item.decision] += 1
    return {name: dict(sorted(counts[name].items())) for name in sorted(counts)}


def _weights(judged: Mapping[str, SampledCase]) -> dict[str, float]:
    """Return how many of the run's pairs each resolved case represents."""
    taken = Counter((item.band, item.group) for item in judged.values())
    return {case: item.pairs / taken[item.band, item.group] for case, item in judged.items()}


def _share(cases: Sequence[tuple[bool, float]]) -> Share:
    total = sum(weight for _, weight in cases)
    if not cases or not total:
        return Share(0, 0, None, None)
    value = min(1.0, sum(weight for same, weight in cases if same) / total)
    effective = total**2 / sum(weight**2 for _, weight in cases)
    _, lower, upper = wilson_interval(value * effective, effective)
    return Share(len(cases), round(total), value, (lower, upper))


def _modelled(cases: Sequence[SampledCase], weights: Mapping[str, float]) -> float:
    total = sum(weights[item.case] for item in cases)
    return math.fsum(weights[i.case] / (1 + math.pow(2, -i.match_weight)) for i in cases) / total


def _at_threshold(
    edge: float,
    judged: Mapping[str, SampledCase],
    resolved: Mapping[str, bool],
    weights: Mapping[str, float],
) -> tuple[Share, float | None]:
    """Return precision and recall if every pair of the bands above `edge` were accepted."""
    first = BAND_EDGES.index(edge) + 1
    above = [item for item in judged.values() if item.band >= first]
    true = sum(weights[case] for case, same in resolved.items() if same)
    found = sum(weights[item.case] for item in above if resolved[item.case])
    share = _share([(resolved[item.case], weights[item.case]) for item in above])
    return share, found / true if true else None


def _proposed_upper(
    edges: Mapping[float, tuple[Share, float | None]], bands: Mapping[int, Share], wanted: float
) -> float | None:
    def is_mostly_true(band: int) -> bool:
        share = bands.get(band)
        return share is None or (share.value or 0) > 0.5

    return min(
        (
            edge
            for n, (edge, (share, _)) in enumerate(edges.items(), 1)
            if share.value is not None and share.value >= wanted and is_mostly_true(n)
        ),
        default=None,
    )


def _proposed_lower(
    judged: Mapping[str, SampledCase],
    resolved: Mapping[str, bool],
    weights: Mapping[str, float],
    upper: float | None,
) -> float | None:
    proposed = None
    for n, edge in enumerate(BAND_EDGES):
        if upper is not None and edge > upper:
            break
        below = [(resolved[i.case], weights[i.case]) for i in judged.values() if i.band <= n]
        share = _share(below)
        if share.value is not None and share.value <= _LOST_SHARE:
            proposed = edge
    return proposed


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
