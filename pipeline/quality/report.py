"""The content of the quality report: only figures of linkage that meet the disclosure rules.

A category of fewer records than the minimum is not named; see `merge_small_categories`.

It contains nothing about the run that made it (no run id, clock time or digest of an extract), so that all
runs of one epoch can repeat it byte for byte.

Estimates come from match probabilities. Overall precision is estimated for linked current registrations,
apart for household and residence; its interval covers differences between populations (see
`pipeline/quality/precision_interval.py`). The other estimates have the interval of a sum of independent
links with these probabilities, so they are as good as the model. Measured figures have Wilson's intervals.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import duckdb

from governance.small_group import is_other, other
from pipeline.link.comparison import SCORECARDS
from pipeline.link.evaluate import FLAGGED_GAP
from pipeline.link.model import Model
from pipeline.quality.counting import ATTRIBUTES
from pipeline.quality.precision_interval import interval
from pipeline.quality.protection import Counts, Terms, protect
from pipeline.quality.wording import NOT_KNOWN, REASONS, SMALL_REASONS, unknowable
from pipeline.statistics.proportion import Proportion

FORMAT = 2
#: Width of one bar of the distribution, in match weight.
_BAR = 2
_Z95 = 1.959963984540054
#: Rounding of estimates: a thousandth for all records, half a percentage point for a group.
_WHOLE, _GROUP = 0.001, 0.005
#: The invented pair of the waterfall chart.
_EXAMPLE = (("place", "no_uprn_unit"), ("people", "part_name_and_birth"))


@dataclass(frozen=True)
class Row:
    """One row of `quality_count`."""

    unit: str
    attribute: str
    category: str
    units: int
    linked: int
    links: int
    probability: float | None
    variance: float | None
    missed_probability: float | None
    missed_variance: float | None
    right_links: int
    true_pairs: int

    def added_to(self, earlier: "Row | None", category: str) -> "Row":
        """Return the sum of this row and an earlier one, as a row of another category."""
        if earlier is None:
            return replace(self, category=category)
        return Row(
            self.unit,
            self.attribute,
            category,
            *(_sum(getattr(self, name), getattr(earlier, name)) for name in _FIGURES_OF_A_ROW),
        )

    @property
    def match(self) -> Counts:
        """Linked, not linked."""
        return self.linked, self.units - self.linked

    @property
    def measured(self) -> Counts:
        """Right links, wrong links, true pairs that were missed."""
        return self.right_links, self.links - self.right_links, self.true_pairs - self.right_links


_FIGURES_OF_A_ROW = [figure.name for figure in fields(Row)][3:]


def _sum(one: Any, other_one: Any) -> Any:
    return other_one if one is None else one if other_one is None else one + other_one


def report_content(
    connection: duckdb.DuckDBPyConnection, model: Model, terms: Terms, reference_date: str, epoch: str
) -> dict[str, Any]:
    """Return the report from tables `quality_count` and `match_weight`, ready for JSON and publication."""
    every = [Row(*row) for row in connection.execute(_ROWS).fetchall()]
    rows = merge_small_categories(every, terms.minimum_cell_count)
    whole = {row.unit: row for row in rows if row.attribute == "all"}
    compared = {row.category: row.linked for row in rows if row.attribute == "compared"}
    people_known = compared.get("people", 0) > 0
    groups = list(_groups(rows, whole, terms, people_known))
    card = model.scorecards["recorded"]
    record = whole["nhs_record"]
    estimated = {
        row.category: _estimate_of_current(row)
        for row in rows
        if row.attribute == "current" and row.links and people_known
    }
    residence = estimated.get("residence")
    content = {
        "format": FORMAT,
        "reference_date": reference_date,
        "epoch": epoch,
        "protection": {
            "minimum_cell_count": terms.minimum_cell_count,
            "rounding_base": terms.rounding_base,
        },
        "model": {
            "digest": model.digest,
            "upper_match_weight": card.upper_match_weight,
            "lower_match_weight": card.lower_match_weight,
            "margin_match_weight": card.margin_match_weight,
            "prior_match_weight": round(card.prior_match_weight, 3),
        },
        "supplied": _supplied(rows, terms),
        "match_rate": {
            unit: _rate(_printed(whole[unit].match, terms)) for unit in ATTRIBUTES if unit in whole
        },
        "estimated": {
            "household_precision": estimated.get("household"),
            "residence_precision": residence,
            "recall": _estimated_recall(record) if people_known else None,
        },
        "precision_at_least": None if residence is None else residence["low"],
        "measured": _measured_whole(whole, terms),
        "groups": groups,
        "flags": list(_flags(groups)),
        "reasons": {unit: _reasons(rows, unit, terms) for unit in ATTRIBUTES if unit in whole},
        **_weights(connection, terms, people_known),
        "levels": [
            {
                "comparison": comparison.name,
                "level": level.id,
                "meaning": level.meaning,
                "match_weight": round(card.levels[comparison.name][level.id].match_weight, 2),
            }
            for comparison in SCORECARDS["recorded"]
            for level in comparison.levels
        ],
        "waterfall": _waterfall(model),
    }
    return content | {"unknowable": unknowable(compared, _only_unknown(rows), content["measured"] is None)}


def merge_small_categories(rows: Sequence[Row], minimum: int) -> list[Row]:
    """Return the rows, with the categories of fewer than `minimum` records added up by attribute as `other`.

    Rows of a whole, of fields supplied and of comparisons stay: their labels are Hearth's own.
    """
    merged: list[Row] = []
    small: dict[tuple[str, str], Row] = {}
    for row in rows:
        is_group = row.attribute == "reason" or row.attribute in ATTRIBUTES.get(row.unit, ())
        if is_group and row.units < minimum:
            place = (row.unit, row.attribute)
            small[place] = row.added_to(small.get(place), other(minimum))
        else:
            merged.append(row)
    return merged + list(small.values())


_ROWS = """
    SELECT unit, attribute, category, units, linked, links, probability::DOUBLE, variance::DOUBLE,
        missed_probability::DOUBLE, missed_variance::DOUBLE, right_links, true_pairs
    FROM quality_count
    ORDER BY unit, attribute, category
"""


def _printed(counts: Counts, terms: Terms) -> Counts | None:
    return protect({"all": counts}, counts, terms)[1]


def _rate(counts: Counts | None) -> dict[str, Any] | None:
    """Return a rate calculated from two published counts."""
    if counts is None:
        return None
    linked, missed = counts
    return {"linked": linked, "not_linked": missed, **_share(Proportion(linked, linked + missed))}


def _share(proportion: Proportion) -> dict[str, float | None]:
    bounds = proportion.interval or (None, None)
    return {
        "value": _rounded(proportion.value),
        "low": _rounded(bounds[0]),
        "high": _rounded(bounds[1]),
    }


def _measured(counts: Counts | None) -> dict[str, Any] | None:
    """Return measured precision and recall, calculated from three published counts."""
    if counts is None:
        return None
    right, wrong, missed = counts
    return {
        "right": right,
        "wrong": wrong,
        "missed": missed,
        "precision": _share(Proportion(right, right + wrong)),
        "recall": _share(Proportion(right, right + missed)),
    }


def _measured_whole(whole: Mapping[str, Row], terms: Terms) -> dict[str, Any] | None:
    found = {
        name: _measured(_printed(whole[unit].measured, terms))
        for name, unit in (("records", "nhs_record"), ("households", "household"))
        if unit in whole and whole[unit].true_pairs
    }
    return found or None


def _estimated_precision(row: Row, step: float) -> dict[str, float] | None:
    """Return the mean match probability of the links, and its interval."""
    if not row.links or row.probability is None or row.variance is None:
        return None
    return _estimate(row.probability / row.links, math.sqrt(row.variance) / row.links, step)


def _estimate_of_current(row: Row) -> dict[str, float]:
    """Return a mean estimate for linked current registrations, with its interval between populations."""
    mean = (row.probability or 0.0) / row.links
    low, high = interval(mean, row.category)
    return {name: round(figure, 3) for name, figure in (("value", mean), ("low", low), ("high", high))}


def _estimated_recall(row: Row) -> dict[str, float] | None:
    """Return the share of the expected true pairs that was linked; its error by the delta method."""
    found, missed = row.probability or 0.0, row.missed_probability or 0.0
    if not found + missed:
        return None
    error = math.sqrt(missed**2 * (row.variance or 0.0) + found**2 * (row.missed_variance or 0.0))
    return _estimate(found / (found + missed), error / (found + missed) ** 2, _WHOLE)


def _estimate(value: float, error: float, step: float) -> dict[str, float]:
    return {
        name: round(round(min(1.0, max(0.0, figure)) / step) * step, 4)
        for name, figure in (("value", value), ("low", value - _Z95 * error), ("high", value + _Z95 * error))
    }


def _groups(
    rows: list[Row], whole: Mapping[str, Row], terms: Terms, people_known: bool
) -> Iterator[dict[str, Any]]:
    for unit, attributes in ATTRIBUTES.items():
        for attribute in attributes:
            members = {row.category: row for row in rows if (row.unit, row.attribute) == (unit, attribute)}
            if set(members) <= {NOT_KNOWN}:
                continue
            match, total = protect({c: row.match for c, row in members.items()}, whole[unit].match, terms)
            measured, measured_total = protect(
                {c: row.measured for c, row in members.items()}, whole[unit].measured, terms
            )
            if not whole[unit].true_pairs:
                measured_total = None
            overall = _estimated_precision(whole[unit], _GROUP) if people_known else None
            for category in sorted(members, key=_in_order):
                precision = (
                    _estimated_precision(members[category], _GROUP)
                    if people_known and match[category] is not None
                    else None
                )
                found = {
                    "match_rate": _rate(match[category]),
                    "estimated_precision": precision,
                    "measured": None if measured_total is None else _measured(measured[category]),
                }
                gaps = _gaps(found, _rate(total), overall, _measured(measured_total))
                yield {"unit": unit, "attribute": attribute, "category": category, **found, "gaps": gaps}


def _in_order(category: str) -> tuple[bool, bool, float, str]:
    """Sort key: numbers by size, then merged small groups, "not known" last."""
    return category == NOT_KNOWN, is_other(category), float(category) if category.isdigit() else 0.0, category


def _gaps(
    found: Mapping[str, Any],
    rate: Mapping[str, Any] | None,
    precision: Mapping[str, Any] | None,
    measured: Mapping[str, Any] | None,
) -> dict[str, float]:
    """Return the group's figure minus that of the whole, for each figure that both have (as shares)."""
    pairs = {
        "match_rate": (found["match_rate"], rate),
        "estimated_precision": (found["estimated_precision"], precision),
        "measured_precision": _both(found["measured"], measured, "precision"),
        "measured_recall": _both(found["measured"], measured, "recall"),
    }
    return {
        name: round(group["value"] - whole["value"], 4)
        for name, (group, whole) in pairs.items()
        if group is not None and whole is not None
    }


def _both(group: Mapping[str, Any] | None, whole: Mapping[str, Any] | None, figure: str) -> tuple[Any, Any]:
    return (None, None) if group is None or whole is None else (group[figure], whole[figure])


def _flags(groups: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield every gap of more than two percentage points, worst first."""
    wide = [
        {
            "unit": group["unit"],
            "attribute": group["attribute"],
            "category": group["category"],
            "figure": figure,
            "gap": gap,
        }
        for group in groups
        for figure, gap in group["gaps"].items()
        if abs(gap) > FLAGGED_GAP
    ]
    yield from sorted(wide, key=lambda flag: (flag["gap"], flag["attribute"], flag["category"]))


def _reasons(rows: list[Row], unit: str, terms: Terms) -> list[dict[str, Any]]:
    members = {row.category: (row.units,) for row in rows if (row.unit, row.attribute) == (unit, "reason")}
    printed, _ = protect(members, (sum(counts[0] for counts in members.values()),), terms)
    in_order = sorted(printed.items(), key=lambda item: (item[0] != "linked", is_other(item[0]), item[0]))
    return [
        {
            "reason": reason,
            "meaning": SMALL_REASONS if is_other(reason) else REASONS[unit].get(reason, reason),
            "count": counts and counts[0],
        }
        for reason, counts in in_order
    ]


def _supplied(rows: list[Row], terms: Terms) -> dict[str, list[dict[str, Any]]]:
    return {
        unit: [
            {"field": row.category, **_filled(row, terms)}
            for row in rows
            if (row.unit, row.attribute) == (unit, "supplied")
        ]
        for unit in ATTRIBUTES
    }


def _filled(row: Row, terms: Terms) -> dict[str, Any]:
    """Return the share of rows that have a field. "all" and "none" are shown: they identify no one."""
    if row.linked in (0, row.units):
        return {"rows": "none" if not row.linked else "all", "share": float(bool(row.linked))}
    counts = _printed(row.match, terms)
    share = None if counts is None else _rounded(counts[0] / sum(counts))
    return {"rows": "some", "share": share}


def _weights(connection: duckdb.DuckDBPyConnection, terms: Terms, people_known: bool) -> dict[str, Any]:
    """Return the distribution of match weights, and precision and recall by threshold."""
    rows = connection.execute(
        "SELECT match_weight, candidates, probability::DOUBLE FROM match_weight ORDER BY match_weight"
    ).fetchall()
    bars: dict[int, int] = {}
    for weight, candidates, _ in rows:
        bars[weight // _BAR * _BAR] = bars.get(weight // _BAR * _BAR, 0) + candidates
    cells: dict[str, Counts] = {str(start): (count,) for start, count in bars.items()}
    printed, _ = protect(cells, (sum(bars.values()),), terms)
    curve = []
    total, likely = sum(row[1] for row in rows), sum(row[2] or 0.0 for row in rows)
    for threshold in range(-10, 21, 2):
        above = [row for row in rows if row[0] >= threshold]
        count, true = sum(row[1] for row in above), sum(row[2] or 0.0 for row in above)
        if min(count, total - count) < terms.minimum_cell_count or not people_known or not likely:
            continue
        curve.append(
            {
                "match_weight": threshold,
                "precision": round(true / count, 3),
                "recall": round(true / likely, 3),
            }
        )
    return {
        "match_weights": [
            {"from": start, "to": start + _BAR, "count": (printed[str(start)] or (None,))[0]}
            for start in sorted(bars)
        ],
        "thresholds": curve,
    }


def _waterfall(model: Model) -> list[dict[str, Any]]:
    """Return the steps by which the match weight of an invented pair adds up."""
    card = model.scorecards["recorded"]
    steps = [("before anything is compared", card.prior_match_weight)]
    meanings = {
        (comparison.name, level.id): level.meaning
        for comparison in SCORECARDS["recorded"]
        for level in comparison.levels
    }
    steps += [
        (f"{name}: {meanings[name, level]}", card.levels[name][level].match_weight)
        for name, level in _EXAMPLE
    ]
    total, rows = 0.0, []
    for step, weight in steps:
        total += weight
        rows.append({"step": step, "match_weight": round(weight, 2), "total": round(total, 2)})
    return rows


def _only_unknown(rows: list[Row]) -> list[str]:
    """Return the attributes without any known category."""
    known = {(row.unit, row.attribute) for row in rows if row.category != NOT_KNOWN}
    return [a for unit, attributes in ATTRIBUTES.items() for a in attributes if (unit, a) not in known]


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
