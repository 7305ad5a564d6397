-- A postcode is an outward code (area, district) and an inward code (digit, two letters).
-- Each macro takes one cell: text without surrounding blanks, NULL where there is none.

-- Letters and digits alone, in capitals; O in the place of the inward digit is a zero.
CREATE MACRO postcode_letters(cell) AS
    regexp_replace(
        regexp_replace(upper(cell), '[^A-Z0-9]', '', 'g'),
        'O([A-Z]{2})$',
        '0\1'
    );

-- Why the cell is no postcode; NULL where it is one, or is empty.
CREATE MACRO postcode_reason(cell) AS
    CASE
        WHEN cell IS NULL THEN NULL
        WHEN NOT regexp_full_match(
            postcode_letters(cell),
            '(GIR0AA|[A-Z]{1,2}[0-9][A-Z0-9]?[0-9][ABD-HJLNP-UW-Z]{2})'
        ) THEN 'NOT_A_POSTCODE'
    END;

-- Outward code, one space, inward code; or NULL.
CREATE MACRO postcode_value(cell) AS
    CASE
        WHEN postcode_reason(cell) IS NULL
        THEN left(postcode_letters(cell), -3) || ' ' || right(postcode_letters(cell), 3)
    END;

-- How a valid postcode had to be mended; case and spacing are no repair.
CREATE MACRO postcode_repair(cell) AS
    CASE
        WHEN cell IS NULL OR postcode_reason(cell) IS NOT NULL THEN NULL
        WHEN postcode_letters(cell) <> regexp_replace(upper(cell), '[^A-Z0-9]', '', 'g') THEN 'LETTER_FOR_DIGIT'
    END;
