"""Public health statistics as used in England, in one import for analysts.

| function | method |
|---|---|
| wilson_interval | proportion, Wilson's score interval |
| byars_interval | rate or count, Byar's interval, exact below 10 events |
| dobson_interval | weighted sum of counts, Dobson's interval |
| directly_standardised_rate | ESP 2013 by default, Dobson's interval |
| standardised_rate_of_repeated_events | the same for events that are not independent |
| indirectly_standardised_ratio, indirectly_standardised_rate | against a reference, Byar's interval |
| mean_interval | Student's t |
| quantile_assignment | quantiles of areas |
| slope_index_of_inequality, relative_index_of_inequality | weighted regression on ridit, simulated limits |
| funnel_limits, funnel_points, funnel_significance | two and three sigma control limits |
| life_expectancy | abridged life table (Chiang), Silcocks' interval |
| overdispersion | spread between areas beyond chance, for control limits (Spiegelhalter 2005) |
| adjusted_p_values | many comparisons, false discovery rate (Benjamini-Hochberg) |

All are vectorised over columns. An interval unpacks into value, lower, upper.
"""

from pipeline.findings.statistics.funnel import (
    FunnelLimits,
    FunnelPoints,
    funnel_limits,
    funnel_points,
    funnel_significance,
)
from pipeline.findings.statistics.inequality import (
    InequalityIndices,
    QuantileValues,
    inequality_indices,
    relative_index_of_inequality,
    ridit_scores,
    slope_index_of_inequality,
)
from pipeline.findings.statistics.life_expectancy import life_expectancy
from pipeline.findings.statistics.multiplicity import adjusted_p_values
from pipeline.findings.statistics.overdispersion import Overdispersion, overdispersion
from pipeline.findings.statistics.quantile import quantile_assignment
from pipeline.findings.statistics.standardisation import (
    ESP2013,
    directly_standardised_rate,
    dobson_interval,
    expected_events,
    indirectly_standardised_rate,
    indirectly_standardised_ratio,
    standardised_rate_of_repeated_events,
)
from pipeline.statistics.interval import Interval, byars_interval, mean_interval, wilson_interval

__all__ = [
    "ESP2013",
    "FunnelLimits",
    "FunnelPoints",
    "InequalityIndices",
    "Interval",
    "Overdispersion",
    "QuantileValues",
    "adjusted_p_values",
    "byars_interval",
    "directly_standardised_rate",
    "dobson_interval",
    "expected_events",
    "funnel_limits",
    "funnel_points",
    "funnel_significance",
    "indirectly_standardised_rate",
    "indirectly_standardised_ratio",
    "inequality_indices",
    "life_expectancy",
    "mean_interval",
    "overdispersion",
    "quantile_assignment",
    "relative_index_of_inequality",
    "ridit_scores",
    "slope_index_of_inequality",
    "standardised_rate_of_repeated_events",
    "wilson_interval",
]
