-- A UPRN has 1 to 12 digits and no check digit; its canonical form here is 12 digits, zero-padded.
-- Each macro takes one cell: text without surrounding blanks, or NULL.
-- Nearly every cell is plain digits, so that case is tested first.

CREATE MACRO uprn_is_plain(cell) AS
    regexp_full_match(cell, '[0-9]{1,12}');

-- Whether the number is a placeholder that some systems use for "no UPRN"; `digits` is padded to 12.
CREATE MACRO uprn_is_sentinel(digits) AS
    digits IN (
        '000000000000', '000000999999', '000009999999', '000099999999', '000999999999', '009999999999',
        '099999999999', '999999999999', '000011111111', '000111111111', '001111111111', '011111111111',
        '111111111111', '000012345678', '000123456789', '001234567890', '012345678901', '123456789012',
        '000987654321', '009876543210'
    );

-- The cell without blanks, a spreadsheet's leading apostrophe, or its ="…".
CREATE MACRO uprn_unmarked(cell) AS
    regexp_replace(
        regexp_replace(cell, '[\s\x{00A0}\x{2007}\x{202F}]', '', 'g'),
        '^(?:''|="([0-9.,]*)"$)',
        '\1'
    );

-- The cell without everything that is safe to remove: marks, blanks, thousands separators, a zero fraction.
CREATE MACRO uprn_bare(cell) AS
    regexp_replace(
        CASE
            WHEN regexp_full_match(uprn_unmarked(cell), '[0-9]{1,3}(,[0-9]{3})+(\.0*)?')
            THEN replace(uprn_unmarked(cell), ',', '')
            ELSE uprn_unmarked(cell)
        END,
        '\.0*$',
        ''
    );

-- Reason why the cell is not a valid UPRN; NULL if it is one or is empty.
CREATE MACRO uprn_reason(cell) AS
    CASE
        WHEN cell IS NULL THEN NULL
        WHEN uprn_is_plain(cell)
        THEN CASE WHEN uprn_is_sentinel(lpad(cell, 12, '0')) THEN 'SENTINEL' END
        WHEN regexp_full_match(uprn_unmarked(cell), '[0-9]+([.,][0-9]*)?[eE][+-]?[0-9]+')
        THEN 'EXPONENT_FORM'
        WHEN NOT regexp_full_match(uprn_bare(cell), '[0-9]+') THEN 'NOT_DIGITS'
        WHEN length(uprn_bare(cell)) > 12 THEN 'TOO_LONG'
        WHEN uprn_is_sentinel(lpad(uprn_bare(cell), 12, '0')) THEN 'SENTINEL'
    END;

-- Canonical form of a valid UPRN.
CREATE MACRO uprn_canonical(cell) AS
    CASE
        WHEN uprn_is_plain(cell) THEN lpad(cell, 12, '0')
        ELSE lpad(uprn_bare(cell), 12, '0')
    END;

-- How a valid UPRN was repaired; NULL if it was plain digits. Padding is not counted as a repair.
CREATE MACRO uprn_repair(cell) AS
    CASE
        WHEN cell IS NULL OR uprn_is_plain(cell) THEN NULL
        WHEN contains(uprn_unmarked(cell), '.') THEN 'ZERO_FRACTION'
        WHEN contains(cell, ',') THEN 'THOUSANDS_SEPARATOR'
        WHEN regexp_matches(cell, '^[''=]') THEN 'TEXT_MARK'
        ELSE 'BLANKS'
    END;
