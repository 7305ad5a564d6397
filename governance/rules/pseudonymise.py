"""Pseudonymise: keyed as agreed, under the right key, and nothing left that can be undone.

Facts: see `pipeline/pseudonymise/stage.py`.
"""

from datetime import datetime

from governance.agreement.agreement import Agreement
from governance.audit.evidence_filter import marked_check_value
from governance.keys.states import MAY_PSEUDONYMISE, KeyState
from governance.rules.registry import NotShown, Shown, Verdict, failed, passed, rule

_ALGORITHM = "HMAC-SHA-256"
_MINIMUM_KEY_BITS = 256
#: Truncation below 128 bits would let unrelated identifiers collide.
_MINIMUM_PSEUDONYM_BYTES = 16
MAXIMUM_DECODED_SHARE = 0.01
#: Fewer records than this cannot be told from chance: in any ranking about one token is named by luck,
#: and a token may be borne by a dozen records.
_CHANCE_RECORDS = 50


@rule(
    id="PSE-01",
    version=1,
    title="Identifiers are hashed with HMAC-SHA-256 under at least 256 bits",
    stage="pseudonymise",
    source="NIST SP 800-107r1; NHS England pseudonymisation policy; governance.md, Keys",
    remedy="Make the key with `hearth keys new`; an unkeyed or short-keyed hash protects nothing.",
)
def hash_is_keyed(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse another algorithm, a shorter key, a pseudonym cut too short."""
    algorithm, bits = evidence.text("algorithm"), evidence.count("key_bits")
    length = evidence.count("pseudonym_bytes")
    observed = f"{algorithm}, key of {bits} bits, pseudonyms of {length} bytes"
    threshold = f"{_ALGORITHM}, at least {_MINIMUM_KEY_BITS} bits, at least {_MINIMUM_PSEUDONYM_BYTES} bytes"
    if algorithm.upper().replace("SHA256", "SHA-256") != _ALGORITHM:
        return failed("HASH_NOT_ALLOWED", observed, threshold, "the algorithm is another")
    if bits < _MINIMUM_KEY_BITS:
        return failed("KEY_TOO_SHORT", observed, threshold, "the key is too short")
    if length < _MINIMUM_PSEUDONYM_BYTES:
        return failed("PSEUDONYM_TOO_SHORT", observed, threshold, "pseudonyms are cut too short")
    return passed(observed, threshold)


@rule(
    id="PSE-02",
    version=1,
    title="The key is this agreement's and period's, active, and the one both controllers hold",
    stage="pseudonymise",
    source="governance.md, Keys: key id in every manifest, check values compared before exchange",
    remedy="Use the active key of this agreement and period; compare check values with the other controller.",
)
def key_is_the_agreed_one(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse a key of another context, one not active, and one whose check value is not the agreed one."""
    context = (evidence.text("key_agreement"), evidence.text("key_period"))
    state, found = evidence.text("key_state"), evidence.table("check_values")
    agreed = agreement.linkage_check_values
    matching = sum(found.get(kind) == value for kind, value in agreed.items())
    observed = f"key {evidence.text('key_id')}, {state}, {matching} of {len(agreed)} agreed check values"
    threshold = f"{agreement.id}, {agreement.period}, active, every agreed check value"
    if context != (agreement.id, agreement.period):
        return failed(
            "KEY_CONTEXT_MISMATCH", observed, threshold, "the key belongs to another agreement or period"
        )
    if state not in {str(item) for item in MAY_PSEUDONYMISE}:
        told = "retired" if state == KeyState.RETIRED else f"{state}"
        return failed("KEY_NOT_ACTIVE", observed, threshold, f"the key is {told}")
    if matching < len(agreed):
        return failed(
            "KEY_CHECK_VALUE_DIFFERS",
            observed,
            threshold,
            f"{len(agreed) - matching} check values are not those that the controllers compared",
        )
    if not agreed and evidence.text("custody") != "single-operator":
        return failed(
            "KEY_NOT_COMPARED",
            observed,
            threshold,
            "the agreement names no check values, so nobody has compared the controllers' keys",
        )
    return passed(observed, threshold)


@rule(
    id="PSE-04",
    version=1,
    title="Every identifier has one pseudonym of its own, and no stand-in for 'unknown' has any",
    stage="pseudonymise",
    source="governance.md; field-notes.md, UPRN (sentinels 0 and 999999999999)",
    remedy="Have ingest null the stand-ins; report unequal counts as a defect.",
)
def pseudonyms_are_one_to_one(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse unequal numbers of distinct identifiers and pseudonyms, and hashed sentinels."""
    kinds = evidence.tables("identifiers")
    unequal = [
        kind for kind, facts in kinds.items() if facts.count("distinct_in") != facts.count("distinct_out")
    ]
    sentinels = evidence.count("sentinels_hashed")
    distinct = sum(facts.count("distinct_in") for facts in kinds.values())
    observed = (
        f"{distinct} identifiers of {len(kinds)} kinds, {len(unequal)} kinds unequal, {sentinels} stand-ins"
    )
    threshold = "distinct in = distinct out, no stand-in hashed"
    if not distinct:
        raise NotShown("identifiers", "counts above zero")
    if unequal:
        return failed("PSEUDONYMS_NOT_ONE_TO_ONE", observed, threshold, f"unequal: {', '.join(unequal)}")
    if sentinels:
        return failed(
            "SENTINEL_HASHED", observed, threshold, f"{sentinels} values that stand for 'unknown' were hashed"
        )
    return passed(observed, threshold)


@rule(
    id="PSE-05",
    version=2,
    title="Our own dictionary attack recovers no UPRN",
    stage="pseudonymise",
    source="governance.md, Keys: OS Open UPRN lists 40.9 million UPRNs; ICO motivated intruder test",
    remedy="Stop and destroy the pseudonyms: the hash is not keyed, or its key can be guessed.",
)
def dictionary_attack_fails(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse one recovered pseudonym, and an attack that left out a UPRN of the extract."""
    attack = evidence.within("self_attack")
    distinct, tried, recovered = attack.count("distinct"), attack.count("tried"), attack.count("recovered")
    candidates = attack.count("candidates")
    observed = (
        f"{candidates} of {distinct} UPRNs and {attack.count('range_candidates')} others in their range "
        f"tried in {attack.count('methods')} ways, {attack.count('previous_keys')} previous keys among them: "
        f"{tried} hashes, {recovered} of {attack.count('pseudonyms')} pseudonyms recovered"
    )
    if recovered:
        return failed("PSEUDONYM_RECOVERED", observed, "none recovered", f"{recovered} were recovered")
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
    remedy="Derive the key for this agreement, period and project; never carry a key over from another.",
)
def no_overlap_with_other_keys(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse a check value that another key id showed before: both would make the same pseudonyms.

    Equal keys give equal check values and equal pseudonyms, unequal keys neither; so the check values
    of every key this project used are remembered, and comparing them finds any overlap. A log may
    remember some without their mark.
    """
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
    observed = f"{len(known)} keys used so far, {len(shared)} that share a check value"
    if shared:
        return failed("PSEUDONYMS_OVERLAP", observed, "none", f"equal keys: {', '.join(shared)}")
    return passed(observed, "none", remember=known)


def is_decoded(share: float, records: int) -> bool:
    """Answer whether an attack that named so many records, and such a share of a column, has succeeded."""
    return records >= _CHANCE_RECORDS and share > MAXIMUM_DECODED_SHARE


@rule(
    id="PSE-08",
    version=1,
    title="Counting tokens names nobody: the rank-frequency attack fails on every column",
    stage="pseudonymise",
    source="engine-notes.md, Privacy-preserving comparison; Christen, Ranbaduge, Schnell (2020), ch. 9",
    remedy="Salt the column by a stable block, or withhold its frequent values, and pseudonymise again.",
)
def no_token_column_is_decoded(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse a token column of which an attacker with a sample of the people names more than the limit.

    He ranks tokens and clear values by how many records bear them. Fewer named records than chance
    gives decide nothing. Without token columns there is nothing to attack.
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
        else f"{len(columns)} token columns, at most {columns[worst][0]:.2%} named ({worst})"
    )
    threshold = f"at most {MAXIMUM_DECODED_SHARE:.0%} of any column's tokens named"
    decoded = [name for name, (share, named) in columns.items() if is_decoded(share, named)]
    if decoded:
        return failed("ENCODING_DECODED", observed, threshold, f"named too often: {', '.join(decoded)}")
    return passed(observed, threshold)
