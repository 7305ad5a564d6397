"""The interval of an estimated precision of current registrations: of the household, and of the residence.

A current registration is an open spell at a usual address, of a person who is not recorded as dead: only
these count in households. A link has the right household if the group has a person in common with the
household listed at the dwelling, and the right residence if the record's person lives there as well. So the
probability of the second is the product of the link's and of the member's.

The model's estimates differ from the truth, and by how much differs between populations. The interval is
wide enough for a further population like those below, on which the model was not trained: the estimate plus
and minus Student's t times the root mean square of their differences.
"""

import math

#: Measured less estimated precision (household, residence) on populations that the model was not trained on.
DIFFERENCES = {
    "independent pair": (0.0020, 0.0062),
    "seed 201": (0.0016, 0.0014),
    "seed 202": (0.0013, 0.0038),
    "seed 203": (0.0005, 0.0036),
    "seed 204": (0.0005, 0.0038),
    "seed 205": (0.0014, 0.0027),
}
#: 97.5% quantile of Student's t with six degrees of freedom: six differences around zero.
_QUANTILE = 2.447


def interval(mean: float, name: str) -> tuple[float, float]:
    """Return the 95% interval of a mean estimated precision; name: "household" or "residence"."""
    n = ("household", "residence").index(name)
    differences = [difference[n] for difference in DIFFERENCES.values()]
    root_mean_square = math.sqrt(sum(d * d for d in differences) / len(differences))
    width = _QUANTILE * root_mean_square * math.sqrt(1 + 1 / len(differences))
    return max(0.0, mean - width), min(1.0, mean + width)
