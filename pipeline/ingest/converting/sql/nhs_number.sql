-- An NHS number has ten digits, the last of which is a modulus 11 check digit.
-- Source: NHS Data Dictionary, NHS NUMBER.
-- Each macro takes one cell: text without surrounding blanks, or NULL.

-- The cell without blanks, hyphens, dashes and a zero fraction. For a valid NHS number: its ten digits.
CREATE MACRO nhs_number_canonical(cell) AS
    CASE
        WHEN regexp_full_match(cell, '[0-9]*') THEN cell
        ELSE regexp_replace(
            regexp_replace(cell, '[\s\x{00A0}\x{2007}\x{202F}\x{2010}-\x{2015}-]', '', 'g'),
            '\.0*$',
            ''
        )
    END;

-- Whether the check digit is wrong. It is 11 minus the weighted sum of the other nine digits modulo 11, with 0
-- for 11; a number that would need 10 is never issued. This is equivalent to: the sum of all ten digits,
-- weighted 10 to 1, is a multiple of 11.
CREATE MACRO nhs_number_check_fails(number) AS
    (
        10 * (number // 1000000000)
        + 9 * (number // 100000000 % 10)
        + 8 * (number // 10000000 % 10)
        + 7 * (number // 1000000 % 10)
        + 6 * (number // 100000 % 10)
        + 5 * (number // 10000 % 10)
        + 4 * (number // 1000 % 10)
        + 3 * (number // 100 % 10)
        + 2 * (number // 10 % 10)
        + number % 10
    ) % 11 <> 0;

-- Reason why the cell is not a valid NHS number; NULL if it is one or is empty.
CREATE MACRO nhs_number_reason(cell) AS
    CASE
        WHEN cell IS NULL THEN NULL
        WHEN regexp_full_match(nhs_number_canonical(cell), '[0-9]+([.,][0-9]*)?[eE][+]?[0-9]+')
        THEN 'EXPONENT_FORM'
        WHEN NOT regexp_full_match(nhs_number_canonical(cell), '[0-9]+') THEN 'NOT_DIGITS'
        WHEN regexp_full_match(nhs_number_canonical(cell), '0+|1+|2+|3+|4+|5+|6+|7+|8+|9+') THEN 'SENTINEL'
        WHEN length(nhs_number_canonical(cell)) <> 10 THEN 'WRONG_LENGTH'
        WHEN nhs_number_check_fails(TRY_CAST(nhs_number_canonical(cell) AS BIGINT)) THEN 'CHECK_DIGIT'
    END;

-- How a valid number was repaired; removing the usual spaces and hyphens is not counted as a repair.
CREATE MACRO nhs_number_repair(cell) AS
    CASE
        WHEN contains(cell, '.') THEN 'ZERO_FRACTION'
    END;
