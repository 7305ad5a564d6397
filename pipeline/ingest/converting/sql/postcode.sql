-- A postcode consists of an outward code (area, district) and an inward code (digit, two letters).
-- Each macro takes one cell: text without surrounding blanks, or NULL.
-- Most cells are already in canonical form, so that case is tested first.

CREATE MACRO postcode_is_plain(cell) AS
    regexp_full_match(cell, '[A-Z]{1,2}[0-9][A-Z0-9]? [0-9][ABD-HJLNP-UW-Z]{2}');

-- Only the letters and digits, in capitals.
CREATE MACRO postcode_letters(cell) AS
    regexp_replace(upper(cell), '[^A-Z0-9]', '', 'g');

-- The same, with a letter O in the position of the inward digit replaced by a zero.
CREATE MACRO postcode_repaired(cell) AS
    regexp_replace(postcode_letters(cell), 'O([A-Z]{2})$', '0\1');

-- Reason why the cell is not a valid postcode; NULL if it is one or is empty.
CREATE MACRO postcode_reason(cell) AS
    CASE
        WHEN cell IS NULL OR postcode_is_plain(cell) THEN NULL
        WHEN NOT regexp_full_match(
            postcode_repaired(cell),
            'GIR0AA|[A-Z]{1,2}[0-9][A-Z0-9]?[0-9][ABD-HJLNP-UW-Z]{2}'
        ) THEN 'NOT_A_POSTCODE'
    END;

-- Canonical form of a valid postcode: outward code, one space, inward code.
CREATE MACRO postcode_canonical(cell) AS
    CASE
        WHEN postcode_is_plain(cell) THEN cell
        ELSE left(postcode_repaired(cell), -3) || ' ' || right(postcode_repaired(cell), 3)
    END;

-- How a valid postcode was repaired; a change of case or spacing is not counted as a repair.
CREATE MACRO postcode_repair(cell) AS
    CASE
        WHEN postcode_is_plain(cell) THEN NULL
        WHEN postcode_repaired(cell) <> postcode_letters(cell) THEN 'LETTER_FOR_DIGIT'
    END;
