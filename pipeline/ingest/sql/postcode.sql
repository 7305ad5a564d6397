-- A postcode is an outward code (area, district) and an inward code (digit, two letters).
-- Each macro takes one cell: text without surrounding blanks, NULL where there is none.
-- Most cells are in canonical form already, so that case is settled first.

CREATE MACRO postcode_is_plain(cell) AS
    regexp_full_match(cell, '[A-Z]{1,2}[0-9][A-Z0-9]? [0-9][ABD-HJLNP-UW-Z]{2}');

-- Letters and digits alone, in capitals.
CREATE MACRO postcode_letters(cell) AS
    regexp_replace(upper(cell), '[^A-Z0-9]', '', 'g');

-- The same, with the letter O in the place of the inward digit read as a zero.
CREATE MACRO postcode_mended(cell) AS
    regexp_replace(postcode_letters(cell), 'O([A-Z]{2})$', '0\1');

-- Why the cell is no postcode; NULL where it is one, or is empty.
CREATE MACRO postcode_reason(cell) AS
    CASE
        WHEN cell IS NULL OR postcode_is_plain(cell) THEN NULL
        WHEN NOT regexp_full_match(
            postcode_mended(cell),
            'GIR0AA|[A-Z]{1,2}[0-9][A-Z0-9]?[0-9][ABD-HJLNP-UW-Z]{2}'
        ) THEN 'NOT_A_POSTCODE'
    END;

-- Canonical form of a cell for which there is no such reason: outward code, one space, inward code.
CREATE MACRO postcode_canonical(cell) AS
    CASE
        WHEN postcode_is_plain(cell) THEN cell
        ELSE left(postcode_mended(cell), -3) || ' ' || right(postcode_mended(cell), 3)
    END;

-- How a valid postcode had to be mended; case and spacing are no repair.
CREATE MACRO postcode_repair(cell) AS
    CASE
        WHEN postcode_is_plain(cell) THEN NULL
        WHEN postcode_mended(cell) <> postcode_letters(cell) THEN 'LETTER_FOR_DIGIT'
    END;
