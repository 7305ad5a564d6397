"""The disclosure profile: the method that protects a release and all its settings, read from the agreement.

A profile can be stricter than the floor (10 households or persons, rounding to 5), but never looser. The
schema of the agreement refuses smaller numbers, and this module checks them again.
"""

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from governance.errors import Refused

if TYPE_CHECKING:
    from governance.agreement.agreement import Agreement

#: Changed whenever a published value could change although the data did not.
SPECIFICATION_VERSION = "1.0"

FLOOR_CELL_COUNT = 10
FLOOR_ROUNDING_BASE = 5

#: Rules of other organisations: (smallest published count, rounding base). The floor applies as well, so no
#: preset is looser. All three also add cell-key noise.
#: NHS England HES: 1 to 7 hidden, the rest to 5. OpenSAFELY: 7 or fewer hidden, to 5. UK LLC: under 10.
PRESETS = {"nhs-hes": (8, 5), "opensafely": (8, 5), "uk-llc": (10, 5)}


@dataclass(frozen=True)
class Profile:
    """The settings with which cells become published values.

    name: as in the agreement. method: name and version, as published in the release. minimum_cell_count:
    households (and persons) below which a count is hidden. rounding_base: published counts are multiples of
    it; 1 if counts are exact. noise_bound: largest noise in either direction, in households or persons; 0
    without noise. floor_...: households and persons below which an area is left out of a table (P0), with one
    dimension or none, and with two (multiway). maximum_hidden_share: largest share of hidden cells, from 0 to
    1, with which a table is produced at an area level. dominant_share: share of a group, from 0 to 1, that
    discloses a sensitive attribute (P2). minimum_changed_households: households that must have changed before
    an area's values do (P6). epoch: its length: "year", "quarter" or "month".
    """

    name: str
    method: str
    minimum_cell_count: int
    rounding_base: int
    noise_bound: int
    floor_households: int
    floor_persons: int
    floor_households_multiway: int
    floor_persons_multiway: int
    maximum_hidden_share: float
    dominant_share: float
    minimum_changed_households: int
    epoch: str

    def __post_init__(self) -> None:
        exact = self.noise_bound == 0
        if self.minimum_cell_count < FLOOR_CELL_COUNT or (
            not exact and self.rounding_base < FLOOR_ROUNDING_BASE
        ):
            raise Refused(
                "PROFILE_BELOW_FLOOR",
                f"Profile {self.name} goes below the floor of {FLOOR_CELL_COUNT} and {FLOOR_ROUNDING_BASE}.",
                "Raise the agreement's minimum_cell_count and rounding_base.",
            )

    @property
    def is_exact(self) -> bool:
        """Answer whether counts are published without noise and rounding, protected only by suppression."""
        return self.noise_bound == 0

    def settings(self) -> dict[str, Any]:
        """Return all settings, for fingerprints and for a release's `disclosure_criteria.json`."""
        return asdict(self) | {"specification_version": SPECIFICATION_VERSION}


def profile_of(agreement: "Agreement") -> Profile:
    """Return the profile that the agreement names; raises Refused if it is unknown or below the floor."""
    terms, thresholds = agreement.disclosure, agreement.thresholds
    exact = terms.profile == "exact-count"
    if terms.profile not in ("cell-key", "exact-count", *PRESETS):
        raise Refused(
            "PROFILE_UNKNOWN",
            "The agreement names a disclosure profile that is not known.",
            f"Use cell-key, exact-count, {', '.join(PRESETS)}.",
        )
    least_count, least_base = PRESETS.get(terms.profile, (FLOOR_CELL_COUNT, FLOOR_ROUNDING_BASE))
    return Profile(
        name=terms.profile,
        method=f"{terms.profile} {SPECIFICATION_VERSION}",
        minimum_cell_count=max(thresholds.minimum_cell_count, least_count),
        rounding_base=1 if exact else max(thresholds.rounding_base, least_base),
        noise_bound=0 if exact else terms.noise_bound,
        floor_households=terms.floor_households,
        floor_persons=terms.floor_persons,
        floor_households_multiway=terms.floor_households_multiway,
        floor_persons_multiway=terms.floor_persons_multiway,
        maximum_hidden_share=terms.maximum_hidden_share,
        dominant_share=terms.dominant_share,
        minimum_changed_households=(
            terms.minimum_changed_households_exact if exact else terms.minimum_changed_households
        ),
        epoch=terms.epoch,
    )
