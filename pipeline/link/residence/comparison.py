"""The scorecard `residence`: does a member of a linked group live at its dwelling?

A member on the dwelling's list mostly lives there. For a member who is not on it, at most the surname
agrees. Then other evidence counts: which list contains the dwelling, whether an adult is listed whom no
member explains, how many others are registered there without being listed, and so on. A member who shares
the surname may be a relative who left, so the levels differ between the two kinds of unlisted member,
`surname` and `nobody`.

The levels are computed by `evidence`; a comparison without a level for a member adds no weight.
"""

from collections.abc import Iterable
from itertools import pairwise

from pipeline.link.level import Comparison, Level

#: Upper age and name of each age band; the last is open. Lists are the more complete the older people are.
AGE_BANDS = (
    (17, "0_17"), (24, "18_24"), (34, "25_34"), (49, "35_49"), (64, "50_64"), (79, "65_79"), (199, "80_on"),
)  # fmt: skip
#: First adult age; and from which age a listed adult who is left over means most.
ADULT, SETTLED = 18, 35

#: Best agreement of a member who is not on the list -> in words.
UNLISTED = {"surname": "only the surname agrees", "nobody": "no one agrees"}

_AGREEMENT = (
    Level("name_and_birth", "name and birth date agree with a listed person", None),
    Level("part_name_and_birth", "forename or surname agrees with the birth date", None),
    Level("name", "name agrees", None),
    Level("initial_surname", "initial and surname agree", None),
    Level("phonetic", "initial and sound of the surname agree", None),
    Level(
        "initial_shared",
        "initial and surname (or its sound) agree, and another member agrees with the same person as well",
        None,
    ),
    Level("birth", "birth date agrees", None),
    Level("forename", "forename agrees", None),
)
#: Levels of agreement at which the member counts as one of the listed people.
LISTED_LEVELS = ("name_and_birth", "part_name_and_birth", "name", "initial_surname", "phonetic")


def _of_unlisted(parts: Iterable[tuple[str, str]]) -> tuple[Level, ...]:
    """Return one level for each kind of unlisted member and each part: id and meaning."""
    parts = tuple(parts)
    return tuple(
        Level(f"{agreement}_{part}", f"{words}; {meaning}", None)
        for agreement, words in UNLISTED.items()
        for part, meaning in parts
    )


def _rising(*parts: str) -> tuple[tuple[str, str], ...]:
    """Return the order of levels for `Comparison.at_least`; the parts are in rising order of evidence."""
    return tuple(
        (f"{agreement}_{more}", f"{agreement}_{less}")
        for agreement in UNLISTED
        for less, more in pairwise(parts)
    )


def _age_in_words(band: str) -> str:
    return f"aged {band.replace('_on', ' and over').replace('_', ' to ')}"


LISTED = Comparison(
    "listed",
    "the best agreement between the member and the people listed at the dwelling; by age where only"
    " the surname agrees or nothing does",
    "no one is listed, or the record has nothing to compare",
    (
        *_AGREEMENT,
        *_of_unlisted((band, _age_in_words(band)) for _, band in AGE_BANDS),
        Level(
            "seen_elsewhere",
            "at most the surname agrees, and the person is listed at another dwelling",
            None,
        ),
    ),
    at_least=(
        ("name_and_birth", "part_name_and_birth"),
        ("name_and_birth", "name"),
        ("name", "initial_surname"),
        ("initial_surname", "initial_shared"),
        ("initial_surname", "phonetic"),
    ),
)

LIST_KIND = Comparison(
    "list_kind",
    "the most complete kind of list at the dwelling, for an adult who is not on it",
    "the member is listed, or is a child",
    _of_unlisted(
        (
            ("tenants", "a tenancy or a benefit claim is listed, which names the household"),
            ("electors", "the electoral register, which names adults"),
            ("payers", "only council tax or a school"),
        )
    ),
)

SPARE = Comparison(
    "spare",
    "an adult is listed whom no member explains: the member may be that person under another name",
    "the member is listed, or every listed adult is explained",
    _of_unlisted(
        (
            ("child", "the member is a child"),
            ("young", f"the member is an adult under {SETTLED}"),
            ("older", f"the member is {SETTLED} or over"),
        )
    ),
)

UNKNOWN = Comparison(
    "unknown",
    "how many adults registered at the dwelling are not on its list, in addition to the member",
    "the member is listed",
    _of_unlisted(
        (
            ("alone", "no other adult is unlisted"),
            ("two", "one other adult is unlisted"),
            ("three", "two or more other adults are unlisted"),
            ("child_none", "a child; no adult is unlisted"),
            ("child_one", "a child; one adult is unlisted"),
            ("child_two", "a child; two or more adults are unlisted"),
        )
    ),
    at_least=_rising("three", "two", "alone"),
)

KNOWN = Comparison(
    "known",
    "how many people registered at the dwelling are on its list",
    "the member is listed",
    _of_unlisted((("0", "none"), ("1", "one"), ("2", "two"), ("3", "three or more"))),
)

LISTED_ADULTS = Comparison(
    "listed_adults",
    "how many adults are listed at the dwelling, for an adult who is not",
    "the member is listed, or is a child",
    _of_unlisted((("1", "at most one"), ("2", "two"), ("3", "three or more"))),
)

FAMILIES = Comparison(
    "families",
    "whether another group linked to the dwelling has listed people, and the member's group has none",
    "the member is listed, or its group has a listed member, or no other group has",
    _of_unlisted((("apart", "only another group is on the list"),)),
)

DISCOUNT = Comparison(
    "discount",
    "the council tax discount for a single adult, where a listed adult is registered as well as the member",
    "the member is listed or a child, or no listed adult is registered, or the extract has no discounts",
    _of_unlisted((("claimed", "the discount is claimed"), ("not_claimed", "no discount"))),
    is_optional=True,
    at_least=_rising("claimed", "not_claimed"),
)

SPELL = Comparison(
    "spell",
    "when the member's address spell began, compared with those of the listed people registered there",
    "the member is listed, or one of the dates is missing",
    _of_unlisted(
        (
            ("longbefore", "more than a year before the first of them"),
            ("before", "91 to 365 days before the first of them"),
            ("first", "within 90 days of the first of them"),
            ("between", "between the first and the last of them"),
            ("last", "within 90 days of the last of them"),
            ("after", "91 to 365 days after the last of them"),
            ("longafter", "more than a year after the last of them"),
        )
    ),
    is_optional=True,
)

#: Part of a level of `years` -> agreement with the list, and in words.
AGREEMENT_OF_YEARS = {
    "listed": (("name_and_birth", "part_name_and_birth", "name"), "a listed person agrees in name"),
    "initial": (("initial_surname", "phonetic"), "a listed person agrees in initial and surname"),
    "half": (("birth", "forename"), "a listed person agrees in birth date or forename"),
    "surname": (("surname",), UNLISTED["surname"]),
    "nobody": (("nobody",), UNLISTED["nobody"]),
}
#: Upper limit in years, part of the level, and in words; the last has no limit.
YEARS_BANDS = (
    (1, "1", "less than a year"),
    (5, "5", "1 to 5 years"),
    (10, "10", "5 to 10 years"),
    (20, "20", "10 to 20 years"),
    (999, "more", "20 years or more"),
)

YEARS = Comparison(
    "years",
    "how long the member has been registered at the address: lists are updated later than moves, and people"
    " who left long ago have old spells",
    "no one is listed, or the date is missing",
    tuple(
        Level(f"{agreement}_{band}", f"{words}; registered for {length}", None)
        for agreement, (_, words) in AGREEMENT_OF_YEARS.items()
        for _, band, length in YEARS_BANDS
    ),
    is_optional=True,
)

RESIDENCE = (LISTED, LIST_KIND, SPARE, UNKNOWN, KNOWN, LISTED_ADULTS, FAMILIES, DISCOUNT, SPELL, YEARS)
