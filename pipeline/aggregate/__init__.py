"""From household rows to cells: every count that a registered table may publish, before protection.

The main table is `cell`. One row is one cell: a measure, in one area, in one category of each dimension
of its table. (measure, area_level, area_code, dimension_1, category_1, dimension_2, category_2) is unique
within a table_id. A table has no totals: they are the cells of another table with fewer dimensions.

| column | meaning |
|---|---|
| table_id | the registered table (schemas/tables) |
| measure, unit | the measure (schemas/measures); `household` or `resident` is what it counts |
| population | the people or households in the denominator; one population has one denominator in a cell |
| area_level, area_code | `LSOA21`, `MSOA21` or `LAD`, and its code; nested in that order |
| dimension_1, category_1, dimension_2, category_2 | the breakdown, or null; one category is `unknown` |
| denominator, numerator | whole numbers of the unit; the numerator of a plain count is null |
| denominator_households, denominator_persons | distinct contributors of the denominator |
| numerator_households, numerator_persons | distinct contributors of the numerator |
| complement_households, complement_persons | distinct contributors of the denominator less the numerator |
| <role>_household_key, <role>_person_key | sum of the contributors' record keys modulo 4096 |
| structural_zero | true if no one can be in the cell (declared by the table) |

A role is denominator, numerator or complement. For a household measure the persons are all residents of the
counted households. For a resident measure the households are those in which the counted residents live; a
household with residents in both numerator and complement counts in both. The grid is complete: an empty
cell is a row of zeros.

A second table, `not_produced`, lists the registered tables, or measures of them, that the agreement does not
name or this run's extracts cannot fill, with the reason. They are absent from `cell`, never zero.
"""
