"""The parts of a data sharing agreement, as values: what was agreed, by whom, until when.

Each threshold is declared with its default, meaning, permitted range and stricter direction. The
reader, the template that `hearth init` writes and `hearth governance diff` use these declarations.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from governance.agreement.column_limits import ColumnLimit

Tighter = Literal["higher", "lower"]


def threshold(
    default: Any,
    what: str,
    tighter: Tighter,
    minimum: float | None = None,
    maximum: float | None = None,
) -> Any:
    """Declare an agreed number: `what` it limits, which direction is stricter, and its permitted range."""
    return field(
        default=default,
        metadata={"what": what, "tighter": tighter, "minimum": minimum, "maximum": maximum},
    )


@dataclass(frozen=True)
class Thresholds:
    """The agreed numbers that gates compare evidence with. Shares and rates run from 0 to 1."""

    minimum_cell_count: int = threshold(
        10, "fewest different households, and people, that a published cell may count", "higher", minimum=10
    )
    rounding_base: int = threshold(
        5, "published counts are rounded to multiples of this number", "higher", minimum=5, maximum=100
    )
    maximum_invalid_uprn_share: float = threshold(
        0.05, "largest share of recorded UPRNs that may be invalid", "lower", minimum=0, maximum=1
    )
    maximum_invalid_nhs_number_share: float = threshold(
        0.05, "largest share of recorded NHS numbers that may be invalid", "lower", minimum=0, maximum=1
    )
    maximum_quarantined_share: float = threshold(
        0.05, "largest share of an extract's rows that may go to quarantine", "lower", minimum=0, maximum=1
    )
    maximum_share_rise: float = threshold(
        0.1,
        "largest rise of a column's invalid or missing share, or of one value's share, since the last run",
        "lower",
        minimum=0,
        maximum=1,
    )
    minimum_match_rate: float = threshold(
        0.6, "lowest plausible share of NHS residents linked to a dwelling", "higher", minimum=0, maximum=1
    )
    maximum_match_rate: float = threshold(
        1.0,
        "highest plausible share of NHS residents linked to a dwelling",
        "lower",
        minimum=0,
        maximum=1,
    )
    minimum_measured_precision: float = threshold(
        0.95,
        "lowest share of links that are correct where it was measured (known truth, or clerical review)",
        "higher",
        minimum=0,
        maximum=1,
    )
    minimum_estimated_precision: float = threshold(
        0.9,
        "lowest share of links that are correct where it was not measured: the lower bound of the model's "
        "estimate for current registrations",
        "higher",
        minimum=0,
        maximum=1,
    )
    maximum_subgroup_gap: float = threshold(
        0.35,
        "largest gap by which a subgroup's match rate may be below the overall one",
        "lower",
        minimum=0,
        maximum=1,
    )
    minimum_subgroup_residents: int = threshold(
        200, "fewest residents a subgroup needs for its match rate to be checked", "lower", minimum=10
    )
    maximum_household_size: int = threshold(
        10, "most residents of a dwelling that counts as one household", "lower", minimum=2
    )
    maximum_improbable_household_share: float = threshold(
        0.05,
        "largest share of occupied dwellings that may be improbable or communal",
        "lower",
        minimum=0,
        maximum=1,
    )
    minimum_coverage: float = threshold(
        0.7,
        "lowest share of a measure's households or residents whose status is known; else it is not produced",
        "higher",
        minimum=0,
        maximum=1,
    )
    minimum_quasi_identifier_group: int = threshold(
        10, "k: fewest households in each published combination of categories", "higher", minimum=10
    )
    minimum_sensitive_values: int = threshold(
        2, "l: fewest different values of a sensitive variable in each published group", "higher", minimum=2
    )


@dataclass(frozen=True)
class DisclosureTerms:
    """How published tables are protected. The method is in `pipeline/disclosure/`; the numbers are here.

    profile: "cell-key" (noise, threshold, rounding) or "exact-count" (complementary suppression).
    epoch: how long published values stay byte-identical ("month", "quarter", "year").
    """

    profile: str = "cell-key"
    epoch: str = "quarter"
    noise_bound: int = threshold(3, "largest noise added to a count", "higher", minimum=3, maximum=20)
    minimum_changed_households: int = threshold(
        20, "fewest changed households for an area's values to change (with noise)", "higher", minimum=20
    )
    minimum_changed_households_exact: int = threshold(
        60, "fewest changed households for an area's values to change (without noise)", "higher", minimum=60
    )
    floor_households: int = threshold(
        40, "fewest households an area needs for tables of one dimension", "higher", minimum=40
    )
    floor_persons: int = threshold(
        100, "fewest people an area needs for tables of one dimension", "higher", minimum=100
    )
    floor_households_multiway: int = threshold(
        400, "fewest households an area needs for tables of several dimensions", "higher", minimum=400
    )
    floor_persons_multiway: int = threshold(
        1000, "fewest people an area needs for tables of several dimensions", "higher", minimum=1000
    )
    maximum_hidden_share: float = threshold(
        0.25,
        "largest share of a table's cells that may be hidden at an area level; else it is not produced there",
        "lower",
        minimum=0,
        maximum=0.5,
    )
    dominant_share: float = threshold(
        0.9, "share of a group that one sensitive category must stay below", "lower", minimum=0.5, maximum=0.9
    )
    intruder_review_days: int = threshold(
        365,
        "most days since the last motivated-intruder review",
        "lower",
        minimum=1,
        maximum=366,
    )


@dataclass(frozen=True)
class Dspt:
    """An organisation's Data Security and Protection Toolkit status."""

    status: str
    published: date
    valid_until: date


@dataclass(frozen=True)
class Party:
    """An organisation that is party to the agreement. id: "council", "nhs" or another short name."""

    id: str
    name: str
    role: str
    ico_registration: str
    dspt: Dspt | None


@dataclass(frozen=True)
class SignOff:
    """A named office holder's dated approval of the agreement."""

    office: str
    party: str
    name: str
    on: date


@dataclass(frozen=True)
class Dpia:
    """The data protection impact assessment of the agreement."""

    reference: str
    approved_on: date
    review_by: date


@dataclass(frozen=True)
class LawfulBases:
    """UK GDPR articles and the Data Protection Act 2018 Schedule 1 condition, as the parties state them."""

    article_6: tuple[str, ...]
    article_9: tuple[str, ...]
    dpa_schedule_1: tuple[str, ...]


@dataclass(frozen=True)
class Confidentiality:
    """Why the duty of confidence is not breached.

    route: "pseudonymised-at-source", "consent", "section-251" or "statute".
    reference: CAG reference, consent model or statute. expires: None if it does not lapse.
    """

    route: str
    reference: str
    expires: date | None


@dataclass(frozen=True)
class OptOutCheck:
    """A dated check of a controller's extract against a register of opt-outs: counts, never names.

    register: "national-data-opt-out" or "type-1". applied_on: day on which the extract was checked.
    residents_in, residents_out: residents before and after removal; None if the supplier confirms
    the removal without counts.
    """

    register: str
    controller: str
    applied_on: date
    attested_by: str
    residents_in: int | None
    residents_out: int | None

    @property
    def removed(self) -> int | None:
        """Residents removed; None if the supplier did not count them."""
        if self.residents_in is None or self.residents_out is None:
            return None
        return self.residents_in - self.residents_out


@dataclass(frozen=True)
class OptOutTerms:
    """How opt-outs are handled under this agreement.

    gp_data: whether Type 1 opt-outs apply because the extract comes from GP records.
    maximum_age_days: how old a National Data Opt-Out check may be at the reference date.
    """

    gp_data: bool
    maximum_age_days: int
    checks: tuple[OptOutCheck, ...]


@dataclass(frozen=True)
class Dataset:
    """An extract table that may be used.

    columns: column -> id of the purpose it is used for. limits: column -> its agreed shares of invalid and
    missing cells, where they are not those of its contract.
    """

    table: str
    controller: str
    clause: str
    retention: str
    columns: Mapping[str, str]
    limits: Mapping[str, ColumnLimit] = field(default_factory=dict)


@dataclass(frozen=True)
class Purpose:
    """What a column may be used for, and the clause of the agreement that allows it."""

    id: str
    text: str
    clause: str


@dataclass(frozen=True)
class RetentionClass:
    """How long a kind of artefact is kept. days: after its creation."""

    id: str
    days: int
    what: str


@dataclass(frozen=True)
class Principal:
    """A person who may act: an id, a public key (Ed25519, base64) and their roles."""

    id: str
    name: str
    party: str
    public_key: str
    roles: tuple[str, ...]


@dataclass(frozen=True)
class Waiver:
    """A dated permission to continue despite one rule's warning; it never covers a failure.

    signature: base64 Ed25519 by `granted_by` over `governance.agreement.decisions.waiver_statement`.
    """

    rule: str
    reason: str
    granted_by: str
    granted_on: date
    expires: date
    signature: str


@dataclass(frozen=True)
class Approval:
    """A dated approval of a release's specification.

    specification: digest, see `decisions.release_specification`. signature: base64 Ed25519
    by `approved_by` over `decisions.approval_statement`.
    """

    specification: str
    approved_by: str
    on: date
    signature: str


@dataclass(frozen=True)
class IntruderReview:
    """A motivated-intruder review: when, by whom (id of a principal), with what outcome, of what.

    of: "release", or "rehearsal" for the review before the first publication, of invented people's tables.
    """

    on: date
    by: str
    outcome: str
    of: str = "release"
