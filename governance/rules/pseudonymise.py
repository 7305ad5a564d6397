"""Pseudonymise: keyed as agreed, under the right key, and not reversible.

Facts: see `pipeline/pseudonymise/stage.py`.
"""

from datetime import datetime

from governance.agreement.agreement import Agreement
from governance.audit.evidence_filter import marked_check_value
from governance.counted import counted
from governance.keys.states import MAY_PSEUDONYMISE
from governance.rules.registry import NotShown, Shown, Verdict, failed, passed, rule

_ALGORITHM = "HMAC-SHA-256"
_MINIMUM_KEY_BITS = 256
#: Below 128 bits, unrelated identifiers could get the same pseudonym.
_MINIMUM_PSEUDONYM_BYTES = 16
MAXIMUM_DECODED_SHARE = 0.01
#: Fewer records than this could be chance: a ranking identifies about one token by luck, and a dozen
#: records may share that token.
_CHANCE_RECORDS = 50


@rule(
    id="PSE-01",
    version=1,
    title="Identifiers are hashed with HMAC-SHA-256 and a key of at least 256 bits",
    stage="pseudonymise",
    source="NIST SP 800-107r1; NHS England pseudonymisation policy; governance.md, Keys",
    remedy="Make a key with `hearth keys new`. A hash without a key, or with a short one, can be reversed.",
)
def hash_is_keyed(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse any other algorithm, a shorter key, and a pseudonym that is too short."""
    algorithm, bits = evidence.text("algorithm"), evidence.count("key_bits")
    length = evidence.count("pseudonym_bytes")
    observed = f"{algorithm}, key of {counted(bits, 'bit')}, pseudonyms of {counted(length, 'byte')}"
    threshold = (
        f"{_ALGORITHM}, key of at least {_MINIMUM_KEY_BITS} bits, "
        f"pseudonyms of at least {_MINIMUM_PSEUDONYM_BYTES} bytes"
    )
    if algorithm.upper().replace("SHA256", "SHA-256") != _ALGORITHM:
        return failed("HASH_NOT_ALLOWED", observed, threshold, f"the algorithm is not {_ALGORITHM}")
    if bits < _MINIMUM_KEY_BITS:
        return failed("KEY_TOO_SHORT", observed, threshold, "the key is too short")
    if length < _MINIMUM_PSEUDONYM_BYTES:
        return failed("PSEUDONYM_TOO_SHORT", observed, threshold, "the pseudonyms are too short")
    return passed(observed, threshold)


@rule(
    id="PSE-02",
    version=1,
    title="The key is active, belongs to this agreement and period, and is the same at both controllers",
    stage="pseudonymise",
    source="governance.md, Keys: key id in every manifest, check values compared before exchange",
    remedy="Use the active key of this agreement and period ([keys] in hearth.toml). Compare check values "
    "with the other controller (`hearth keys check-value`) and record them under [linkage_key] of the "
    "agreement.",
)
def key_is_the_agreed_one(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse a key of another agreement or period, an inactive key, and a check value that was not agreed."""
    context = (evidence.text("key_agreement"), evidence.text("key_period"))
    state, found = evidence.text("key_state"), evidence.table("check_values")
    agreed = agreement.linkage_check_values
    matching = sum(found.get(kind) == value for kind, value in agreed.items())
    compared = (
        f"{matching} of {counted(len(agreed), 'agreed check value')} match"
        if agreed
        else "no check values agreed"
    )
    observed = f"key {evidence.text('key_id')}, {state}, {compared}"
    threshold = (
        f"an active key of agreement {agreement.id} and period {agreement.period}; "
        "all agreed check values match"
    )
    if context != (agreement.id, agreement.period):
        return failed(
            "KEY_CONTEXT_MISMATCH", observed, threshold, "the key belongs to another agreement or period"
        )
    if state not in {str(item) for item in MAY_PSEUDONYMISE}:
        return failed("KEY_NOT_ACTIVE", observed, threshold, f"the key is {state}")
    if matching < len(agreed):
        reason = counted(len(agreed) - matching, "check value differs", "check values differ")
        return failed(
            "KEY_CHECK_VALUE_DIFFERS",
            observed,
            threshold,
            f"{reason} from those that the controllers agreed",
        )
    if not agreed and evidence.text("custody") != "single-operator":
        return failed(
            "KEY_NOT_COMPARED",
            observed,
            threshold,
            "the agreement has no check values, so the controllers' keys have not been compared",
        )
    return passed(observed, threshold)


@rule(
    id="PSE-04",
    version=1,
    title="Every identifier has its own pseudonym, and placeholder values such as 0 have none",
    stage="pseudonymise",
    source="governance.md; field-notes.md, UPRN (sentinels 0 and 999999999999)",
    remedy="Report this as a defect in Hearth, with the run's id: ingest must remove placeholder values, and "
    "each identifier must get one pseudonym.",
)
def pseudonyms_are_one_to_one(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse different numbers of distinct identifiers and pseudonyms, and hashed placeholder values."""
    kinds = evidence.tables("identifiers")
    unequal = [
        kind for kind, facts in kinds.items() if facts.count("distinct_in") != facts.count("distinct_out")
    ]
    sentinels = evidence.count("sentinels_hashed")
    distinct = sum(facts.count("distinct_in") for facts in kinds.values())
    observed = (
        f"{counted(distinct, 'identifier')} of {counted(len(kinds), 'kind')}, "
        f"{counted(len(unequal), 'kind differs', 'kinds differ')} in number, "
        f"{counted(sentinels, 'placeholder value')} hashed"
    )
    threshold = "as many pseudonyms as identifiers of each kind, no placeholder value hashed"
    if not distinct:
        raise NotShown("identifiers", "counts above zero")
    if unequal:
        reason = f"identifiers and pseudonyms differ in number: {', '.join(unequal)}"
        return failed("PSEUDONYMS_NOT_ONE_TO_ONE", observed, threshold, reason)
    if sentinels:
        reason = counted(sentinels, "placeholder value was", "placeholder values were")
        return failed("SENTINEL_HASHED", observed, threshold, f"{reason} hashed")
    return passed(observed, threshold)


@rule(
    id="PSE-05",
    version=2,
    title="A dictionary attack on the pseudonyms recovers no UPRN",
    stage="pseudonymise",
    source="governance.md, Keys: OS Open UPRN lists 40.9 million UPRNs; ICO motivated intruder test",
    remedy="Destroy the pseudonyms: the hash has no key, or its key can be guessed. Make a new key with "
    "`hearth keys new` and pseudonymise again.",
)
def dictionary_attack_fails(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse a single recovered pseudonym, and an attack that did not try every UPRN of the extract."""
    attack = evidence.within("self_attack")
    distinct, tried, recovered = attack.count("distinct"), attack.count("tried"), attack.count("recovered")
    candidates = attack.count("candidates")
    observed = (
        f"{candidates:,} of {counted(distinct, 'UPRN')} and "
        f"{counted(attack.count('range_candidates'), 'other')} in the same range tried with "
        f"{counted(attack.count('methods'), 'method')}, including "
        f"{counted(attack.count('previous_keys'), 'previous key')}: "
        f"{counted(tried, 'hash', 'hashes')}, {recovered:,} of "
        f"{counted(attack.count('pseudonyms'), 'pseudonym')} recovered"
    )
    if recovered:
        reason = f"the attack recovered {counted(recovered, 'pseudonym')}"
        return failed("PSEUDONYM_RECOVERED", observed, "none recovered", reason)
    if candidates != distinct:
        raise NotShown("self_attack.candidates", "every UPRN of the extract")
    if distinct and not tried:
        raise NotShown("self_attack.tried", "a count above zero")
    return passed(observed, "none recovered")


@rule(
    id="PSE-06",
    version=1,
    title="Pseudonyms of two agreements, periods or projects cannot be joined",
    stage="pseudonymise",
    source="UK GDPR art. 4(5); ICO pseudonymisation guidance; governance.md, Keys: two layers",
    remedy="Make a new key for this agreement, period and project (`hearth keys new`). Never reuse another "
    "project's key.",
)
def no_overlap_with_other_keys(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse a check value that another key id had before: both keys would make the same pseudonyms.

    Equal keys have equal check values and make equal pseudonyms. The log records the check values of
    every key that this project used, so comparing them finds any overlap.
    """
    # an older log may contain check values without the mark that `marked_check_value` adds
    shown = {evidence.text("key_id"): dict(evidence.table("check_values"))}
    if (outer := evidence.optional_text("outer_key_id")) is not None:
        shown[outer] = {"outer": evidence.text("outer_check_value")}
    known = {
        key_id: {kind: marked_check_value(value) for kind, value in values.items()}
        for key_id, values in {**evidence.remembered, **shown}.items()
    }
    owners: dict[str, set[str]] = {}
    for key_id, values in known.items():
        for value in values.values():
            owners.setdefault(value, set()).add(key_id)
    shared = sorted({key_id for keys in owners.values() if len(keys) > 1 for key_id in keys})
    observed = f"{counted(len(known), 'key')} used so far, {len(shared)} with a shared check value"
    threshold = "no shared check value"
    if shared:
        return failed("PSEUDONYMS_OVERLAP", observed, threshold, f"these keys are equal: {', '.join(shared)}")
    return passed(observed, threshold, remember=known)


def is_decoded(share: float, records: int) -> bool:
    """Return whether an attack that identified this many records, and this share of a column, succeeded."""
    return records >= _CHANCE_RECORDS and share > MAXIMUM_DECODED_SHARE


@rule(
    id="PSE-08",
    version=1,
    title="Counting how often tokens occur re-identifies no one (rank-frequency attack)",
    stage="pseudonymise",
    source="engine-notes.md, Privacy-preserving comparison; Christen, Ranbaduge, Schnell (2020), ch. 9",
    remedy="Set `salt`, or a lower `maximum_records`, for the column in "
    "pipeline/pseudonymise/match_fields/catalogue.py, then pseudonymise again. `hearth attack encoding` "
    "shows the result for each column.",
)
def no_token_column_is_decoded(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse a column of tokens in which an attacker could identify more of the tokens than allowed.

    The attacker has a sample of the people and ranks tokens and clear values by how often they occur. A
    result that could be chance does not count. Without token columns there is nothing to attack.
    """
    tables = evidence.table("encoding_attack")
    columns = {
        f"{table}.{item.text('column')}": (item.rate("reidentified_share"), item.count("reidentified"))
        for table in tables
        for item in evidence.within("encoding_attack").rows(table)
    }
    worst = max(columns, key=lambda name: columns[name][0], default=None)
    observed = (
        "no token columns"
        if worst is None
        else f"{counted(len(columns), 'token column')}, at most {columns[worst][0]:.2%} identified ({worst})"
    )
    threshold = f"at most {MAXIMUM_DECODED_SHARE:.0%} of the tokens in any column identified"
    decoded = [name for name, (share, records) in columns.items() if is_decoded(share, records)]
    if decoded:
        return failed(
            "ENCODING_DECODED", observed, threshold, f"too many tokens identified in {', '.join(decoded)}"
        )
    return passed(observed, threshold)
