"""The note to analysts: what a published value means, and a query that combines cells correctly."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.disclosure.rules.magnitude import MINIMUM_CONTRIBUTORS

NOTE = "README.md"


def write_note(
    release_id: str,
    reference_date: str,
    epoch: str,
    criteria: Mapping[str, Any],
    folder: Path,
    correction: str | None = None,
    left_out: str = "",
) -> None:
    """Write `README.md`; criteria: the numbers of the method (`Profile.settings`).

    correction: why the values of an epoch were corrected before its end. left_out: the section on measures
    that are not produced.
    """
    corrected = f"\n**Corrected.** {correction}\n" if correction else ""
    bound, base = int(criteria["noise_bound"]), int(criteria["rounding_base"])
    reach = bound + base // 2
    least = criteria["minimum_cell_count"]
    if bound:
        meaning = f"""
- A count has small random noise (at most {bound} up or down, 0 on average, standard deviation about 1.4).
  It is then rounded to {base}. The true count is within {reach} of the value, usually within {base // 2 + 1}.
- The same people have the same noise wherever they are counted, so a value is the same in every table.
- Totals have noise of their own. The parts of a total may differ from it by up to {reach} for each part.
  This is intended. Do not scale the parts to fit: use the published total.
- A sum of k values has an error of about {((2 + (base * base - 1) / 12) ** 0.5):.1f} times the square
  root of k (standard deviation). Use the largest area or category that answers your question, and do
  not add small ones."""
    else:
        meaning = """
- Counts are exact. Parts sum to their total where all of them are shown."""
    contributors, amount_bound = MINIMUM_CONTRIBUTORS, bound or "no"
    without_noise = "as in this release" if not bound else "profile `exact-count`"
    text = f"""# Release {release_id}

Households and residents on {reference_date}; epoch {epoch}. The values stay the same until the epoch
ends, so the releases of one epoch do not differ. A change between two epochs is a change of the area.
{corrected}
Before you compare groups, open `linkage_quality.html`. It shows how well records were linked, and for
which groups they were linked less well.

- `catalogue.parquet` lists the tables.
- `data_dictionary.md` describes every column and measure.
- `measure.parquet` lists the measures. `coverage` is the percentage of the households or residents that a
  measure includes whose status is known. A rate describes only those. `known_differ` is how far they differ
  from the others in age, tenure and deprivation: little, somewhat or strongly.
- `basis.parquet` lists the definitions and the linkage behind the figures (`hearth compare` reads it). Its
  rows `not_produced` list the measures that are left out, with the reason. Its rows
  `completeness` estimate how many homes and adults of the area are in the figures.
- `disclosure_criteria.json` lists the numbers of the disclosure control.
- `manifest.json` lists the digest of every other file. `release.note` is a statement on it, signed when the
  release was published. `hearth releases verify` checks both, and so does the one-file verifier.
{left_out}
## What a value means
{meaning}
- `[c]` (confidential): fewer than {least} households or residents, or the value would reveal another one.
  Do not read it as zero. It is usually between 0 and {least - 1 + bound}.
- `[x]` (not available): not produced, because too much of the table would be hidden, or the area is small.
- `[z]` (not applicable): no one can be in this cell.
- `[u]` (low reliability): a percentage that is too unreliable to publish.
- A percentage comes from the two published counts in the same table. It is published where the
  numerator, the denominator and the rest each count at least {least}.
- Read a percentage with its columns: chance moves it between `lower` and `upper`, uncertain links between
  `linkage_lower` and `linkage_upper`, noise and rounding by `protection_margin`; add the squares of the three
  distances on a side, and see in one word whether it is fit for a comparison (`reliability`).

### Means and medians

- A mean is the published sum (`<measure>_sum`) divided by the published count, to one decimal. The sum has
  noise of up to {amount_bound} times the largest amount of one household, and is then rounded. In small
  areas a mean is approximate. To combine areas, add the sums, add the counts, then divide. Do not
  average means.
- A median is published as the lower end of a band; `rounding_base` is the width. 40 with 5 means 40 to 44.
- `[c]`: fewer than {contributors} households contribute, or one or two of them contribute almost all.
- There is no minimum, maximum or mode. Without noise ({without_noise}) there are no means or medians.

## Combining cells

Use counts, not percentages, and say how many areas you left out:

```sql
-- duckdb -init views.sql, in this folder
SELECT
    area_code,
    SUM(value) FILTER (measure = 'emergency_admission') AS admitted,
    SUM(value) FILTER (measure = 'households') AS households,
    ROUND(100 * admitted / households, 1) AS percent,
    COUNT(*) FILTER (value IS NULL) AS missing
FROM health_by_tenure
WHERE area_level = 'MSOA21'
  AND tenure IN ('social_rented', 'private_rented')
  AND measure IN ('emergency_admission', 'households')
GROUP BY area_code
HAVING missing = 0
ORDER BY area_code;
```

This query leaves out areas of which a part is hidden or not produced, because their sum would be too low.
An average of the two percentages would give a small group the same weight as a large one.
"""
    (folder / NOTE).write_text(text, "utf-8")
