"""From household rows to cells: every count that a registered table may publish, before protection.

The stage writes one table, `cell`. One row is one cell: a measure, in one area, in one category of each
dimension of its table. Margins are cells of tables of their own, so a cell stands once in a
measure: (measure, area_level, area_code, dimension_1, category_1, dimension_2, category_2) is unique
within a table_id, and a table of fewer dimensions holds the totals of one of more.

| column | meaning |
|---|---|
| table_id | the registered table (schemas/tables) |
| measure, unit | the measure (schemas/measures); `household` or `resident` is what it counts |
| population | who the denominator counts; equal ones have equal denominators in an area and category |
| area_level, area_code | `LSOA21`, `MSOA21` or `LAD`, and its code; nested in that order |
| dimension_1, category_1, dimension_2, category_2 | the breakdown, or null; one category is `unknown` |
| denominator, numerator | whole numbers of the unit; the numerator of a plain count is null |
| denominator_households, denominator_persons | distinct contributors of the denominator |
| numerator_households, numerator_persons | the same of the numerator |
| complement_households, complement_persons | the same of those in the denominator and not in the numerator |
| <side>_household_key, <side>_person_key | sum of the contributors' record keys modulo 4096 |
| structural_zero | the cell cannot hold anyone (declared by the table) |

For a household measure the persons are all residents of the counted households. For a resident
measure the households are those that the counted residents live in; a household with residents on both sides
counts in numerator and complement alike. The grid is whole: an empty cell is a row of zeros.

A second table, `not_produced`, says which registered tables, or levels of them, this run's
extracts cannot fill, and why. They are absent from `cell`, never zero.
"""
