"""The note to analysts: what a published value means, in words, with a query that combines cells rightly."""

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
) -> None:
    """Write `README.md`; criteria: the numbers of the method (`Profile.settings`).

    correction: why values of an epoch were corrected before it ended.
    """
    corrected = f"\n**Corrected.** {correction}\n" if correction else ""
    bound, base = int(criteria["noise_bound"]), int(criteria["rounding_base"])
    reach = bound + base // 2
    least = criteria["minimum_cell_count"]
    if bound:
        meaning = f"""
- A count has small noise (at most {bound} either way, 0 on average, standard deviation about 1.4) and is
  then rounded to {base}. The true count lies within {reach} of the value, mostly within {base // 2 + 1}.
- The same people get the same noise wherever they are counted: a value is the same in every table.
- Totals have noise of their own. Parts do not sum to their total, by up to {reach} for each value
  added. That is intended. Do not scale parts to fit: use the total that is published.
- Adding k values makes an error of about {((2 + (base * base - 1) / 12) ** 0.5):.1f} times the square
  root of k (standard deviation). So read the largest area or category that answers the question,
  rather than adding small ones."""
    else:
        meaning = """
- Counts are exact and parts sum to their totals where all of them are shown."""
    contributors, amount_bound = MINIMUM_CONTRIBUTORS, bound or "no"
    without_noise = "as in this release" if not bound else "profile `exact-count`"
    text = f"""# Release {release_id}

Households and residents as at {reference_date}; epoch {epoch}. Until the epoch ends the values stay as they
are, so nightly releases of one epoch do not differ. A change between two epochs is a change of
the area, not of one night.
{corrected}
Before comparing groups, open `linkage_quality.html`: how well records were linked, and for whom less well.

`catalogue.parquet` lists the tables, `data_dictionary.md` every column and measure, `manifest.json` the
digest of every file, `disclosure_criteria.json` the numbers of the protection, `basis.parquet` the
definitions and the linkage that the figures rest on (`hearth compare` reads it).

## What a value means
{meaning}
- `[c]` (confidential): fewer than {least} households or residents, or the value would reveal another one.
  It is not zero and must not be read as zero; nought to {least - 1 + bound} is the usual range.
- `[x]`: not produced, because too little of the table would be left, or the area is small.
- `[z]`: nobody can be in this cell. `[u]`: a percentage too unreliable to print.
- A percentage is made of the two published counts beside it, and shown where numerator,
  denominator and the rest each count at least {least}.

### Means and medians

- A mean is the sum beside it (`<measure>_sum`) over the count beside it, to one decimal. The sum has noise of
  up to {amount_bound} times what the household with most adds, and is then rounded: in small areas read a
  mean as rough. To combine areas add sums and add counts, then divide; never average means.
- A median is given as the lower end of a band; `rounding_base` is its width. 40 with 10 means 40 to 49.
- `[c]`: fewer than {contributors} households add to it, or one or two of them make nearly all of it.
- There is no minimum, maximum or mode. Without noise ({without_noise}) there are no means or medians.

## Combining cells

Take counts, not percentages, and say how many areas were left out:

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

Areas of which a part is hidden or not produced are left out above: a sum without it is too low.
Averaging the two percentages instead would weigh a small group like a large one.
"""
    (folder / NOTE).write_text(text, "utf-8")
