-- An NHS number has ten digits, the last of which is a modulus 11 check digit.
-- Each macro takes one cell: text without surrounding blanks, NULL where there is none.

-- The cell without blanks, hyphens and dashes, and without a zero fraction.
CREATE MACRO nhs_number_digits(cell) AS
    regexp_replace(regexp_replace(cell, '[\s\x{00A0}\x{2007}\x{202F}\x{2010}-\x{2015}-]', '', 'g'), '\.0*$', '');

-- Eleven less the weighted sum of the first nine digits modulo 11: 11 stands for 0; 10 belongs to no number.
CREATE MACRO nhs_number_check(digits) AS
    11 - (
        10 * CAST(digits[1] AS INTEGER)
        + 9 * CAST(digits[2] AS INTEGER)
        + 8 * CAST(digits[3] AS INTEGER)
        + 7 * CAST(digits[4] AS INTEGER)
        + 6 * CAST(digits[5] AS INTEGER)
        + 5 * CAST(digits[6] AS INTEGER)
        + 4 * CAST(digits[7] AS INTEGER)
        + 3 * CAST(digits[8] AS INTEGER)
        + 2 * CAST(digits[9] AS INTEGER)
    ) % 11;

-- Why the cell is no NHS number; NULL where it is one, or is empty.
CREATE MACRO nhs_number_reason(cell) AS
    CASE
        WHEN cell IS NULL THEN NULL
        WHEN regexp_full_match(nhs_number_digits(cell), '[0-9]+([.,][0-9]*)?[eE][+]?[0-9]+') THEN 'EXPONENT_FORM'
        WHEN NOT regexp_full_match(nhs_number_digits(cell), '[0-9]+') THEN 'NOT_DIGITS'
        WHEN regexp_full_match(nhs_number_digits(cell), '0+|1+|2+|3+|4+|5+|6+|7+|8+|9+') THEN 'SENTINEL'
        WHEN length(nhs_number_digits(cell)) <> 10 THEN 'WRONG_LENGTH'
        WHEN nhs_number_check(nhs_number_digits(cell)) % 11 <> CAST(nhs_number_digits(cell)[10] AS INTEGER)
        THEN 'CHECK_DIGIT'
    END;

-- Ten digits, or NULL.
CREATE MACRO nhs_number_value(cell) AS
    CASE
        WHEN nhs_number_reason(cell) IS NULL THEN nhs_number_digits(cell)
    END;

-- How a valid number had to be mended beyond the usual 3 3 4 spacing; NULL where it was not.
CREATE MACRO nhs_number_repair(cell) AS
    CASE
        WHEN cell IS NULL OR nhs_number_reason(cell) IS NOT NULL THEN NULL
        WHEN contains(cell, '.') THEN 'ZERO_FRACTION'
    END;
