-- A postcode is an outward code (area, district) and an inward code (digit, two letters).
-- Each macro takes one cell: text without surrounding blanks, NULL where there is none.

-- Letters and digits alone, in capitals.
CREATE MACRO postcode_letters(cell) AS
    regexp_replace(upper(cell), '[^A-Z0-9]', '', 'g');

-- The same, with the letter O in the place of the inward digit read as a zero.
CREATE MACRO postcode_mended(cell) AS
    regexp_replace(postcode_letters(cell), 'O([A-Z]{2})$', '0\1');

-- Why the cell is no postcode; NULL where it is one, or is empty.
CREATE MACRO postcode_reason(cell) AS
    CASE
        WHEN cell IS NULL THEN NULL
        WHEN NOT regexp_full_match(
            postcode_mended(cell),
            'GIR0AA|[A-Z]{1,2}[0-9][A-Z0-9]?[0-9][ABD-HJLNP-UW-Z]{2}'
        ) THEN 'NOT_A_POSTCODE'
    END;

-- Canonical form of a cell for which there is no such reason: outward code, one space, inward code.
CREATE MACRO postcode_canonical(cell) AS
    left(postcode_mended(cell), -3) || ' ' || right(postcode_mended(cell), 3);

-- How a valid postcode had to be mended; case and spacing are no repair.
CREATE MACRO postcode_repair(cell) AS
    CASE
        WHEN postcode_mended(cell) <> postcode_letters(cell) THEN 'LETTER_FOR_DIGIT'
    END;
