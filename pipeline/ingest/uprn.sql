-- A UPRN has 1 to 12 digits and no check digit; its canonical form here is 12 digits, zero-padded.
-- Each macro takes one cell: text without surrounding blanks, NULL where there is none.

-- The cell without blanks, a spreadsheet's leading apostrophe, or its ="…".
CREATE MACRO uprn_unmarked(cell) AS
    regexp_replace(
        regexp_replace(cell, '[\s\x{00A0}\x{2007}\x{202F}]', '', 'g'),
        '^(?:''|="([0-9.,]*)"$)',
        '\1'
    );

-- The cell without what can be taken away safely: text marks, blanks, grouped thousands, a zero fraction.
CREATE MACRO uprn_digits(cell) AS
    regexp_replace(
        CASE
            WHEN regexp_full_match(uprn_unmarked(cell), '[0-9]{1,3}(,[0-9]{3})+(\.0*)?')
            THEN replace(uprn_unmarked(cell), ',', '')
            ELSE uprn_unmarked(cell)
        END,
        '\.0*$',
        ''
    );

-- Why the cell is no UPRN; NULL where it is one, or is empty.
CREATE MACRO uprn_reason(cell) AS
    CASE
        WHEN cell IS NULL THEN NULL
        WHEN regexp_full_match(uprn_unmarked(cell), '[0-9]+([.,][0-9]*)?[eE][+-]?[0-9]+') THEN 'EXPONENT_FORM'
        WHEN NOT regexp_full_match(uprn_digits(cell), '[0-9]+') THEN 'NOT_DIGITS'
        WHEN length(uprn_digits(cell)) > 12 THEN 'TOO_LONG'
        WHEN regexp_full_match(uprn_digits(cell), '0+') THEN 'SENTINEL'
        WHEN regexp_full_match(
            ltrim(uprn_digits(cell), '0'),
            '1{8,}|2{8,}|3{8,}|4{8,}|5{8,}|6{8,}|7{8,}|8{8,}|9{6,}|123456789(0(12?)?)?|9876543210?'
        ) THEN 'SENTINEL'
    END;

-- Canonical UPRN, or NULL.
CREATE MACRO uprn_value(cell) AS
    CASE
        WHEN uprn_reason(cell) IS NULL THEN lpad(uprn_digits(cell), 12, '0')
    END;

-- How a valid UPRN had to be mended; NULL where it was plain digits. Padding is no repair.
CREATE MACRO uprn_repair(cell) AS
    CASE
        WHEN cell IS NULL OR regexp_full_match(cell, '[0-9]+') OR uprn_reason(cell) IS NOT NULL THEN NULL
        WHEN contains(uprn_unmarked(cell), '.') THEN 'ZERO_FRACTION'
        WHEN contains(cell, ',') THEN 'THOUSANDS_SEPARATOR'
        WHEN regexp_matches(cell, '^[''=]') THEN 'TEXT_MARK'
        ELSE 'BLANKS'
    END;
