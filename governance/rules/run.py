"""Before the run: is there an agreement in force, and may this programme act under it?

Facts of the evidence (stage "run"):
  production            whether the project is declared to be in production
  custody               "at-source", "third-party" or "single-operator"
  code_version          version of the programme, with its commit where there is one
  uncommitted_changes   number of changed files in the checkout; null where there is no checkout
  lock_digest           SHA-256 of requirements.lock; null where it is not there
  run_id, action, presented, unknown_keys, mandates      see `governance/principals/run_authorisation.py`
"""

from datetime import datetime, timedelta

from governance.agreement.agreement import Agreement
from governance.principals.roles import POWERS, clashes, may
from governance.principals.run_authorisation import NEEDED, authorised_by
from governance.rules.registry import NotShown, Shown, Verdict, failed, passed, rule, warned
from schemas.contract import load_contract

#: Offices whose sign-off an agreement needs: of at least one party, or of every controller.
_OFFICES_OF_EVERY_CONTROLLER = ("siro", "dpo")
_OFFICES_OF_ONE = ("caldicott-guardian",)
_WARN_BEFORE_EXPIRY = timedelta(days=30)
_DSPT_IN_ORDER = ("Standards Met", "Standards Exceeded")


@rule(
    id="PRE-01",
    version=1,
    title="A data sharing agreement is signed off and in force",
    stage="run",
    source="UK GDPR art. 26 and 35; ICO Data Sharing Code; Caldicott Principles",
    remedy="Renew the agreement, complete its DPIA and sign-offs, and sign the file.",
    kind="attest",
)
def agreement_in_force(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse a missing sign-off or DPIA, an agreement not in force, and in production an unsigned file."""
    today = now.date()
    observed = f"{agreement.id} version {agreement.version}, {agreement.starts} to {agreement.expires}"
    threshold = f"in force on {today}, DPIA and sign-offs complete"
    if today > agreement.expires:
        return failed(
            "AGREEMENT_EXPIRED",
            observed,
            threshold,
            f"the agreement expired on {agreement.expires}",
        )
    if today < agreement.starts:
        return failed(
            "AGREEMENT_NOT_BEGUN", observed, threshold, f"the agreement begins on {agreement.starts}"
        )
    if missing := _missing_sign_offs(agreement, now):
        return failed("AGREEMENT_NOT_SIGNED_OFF", observed, threshold, f"missing: {', '.join(missing)}")
    if agreement.dpia is None or not agreement.dpia.approved_on <= today <= agreement.dpia.review_by:
        return failed("DPIA_NOT_IN_DATE", observed, threshold, "no DPIA is approved and within its review")
    signature = agreement.signature
    if evidence.flag("production") and signature != "valid":
        return failed("AGREEMENT_NOT_SIGNED", observed, threshold, f"the file's signature is {signature}")
    observed = f"{observed}; file signature {signature}"
    if agreement.expires - today <= _WARN_BEFORE_EXPIRY:
        return warned(
            "AGREEMENT_EXPIRES_SOON",
            observed,
            "more than 30 days left",
            f"it expires in {(agreement.expires - today).days} days",
        )
    return passed(observed, threshold)


def _missing_sign_offs(agreement: Agreement, now: datetime) -> list[str]:
    given = {(item.office, item.party) for item in agreement.sign_offs if item.on <= now.date()}
    offices = {office for office, _ in given}
    missing = [office for office in _OFFICES_OF_ONE if office not in offices]
    missing += [
        f"{office} of {party}"
        for party in agreement.controllers
        for office in _OFFICES_OF_EVERY_CONTROLLER
        if (office, party) not in given
    ]
    return missing


@rule(
    id="PRE-02",
    version=1,
    title="A lawful basis is stated for every kind of data",
    stage="run",
    source="UK GDPR art. 6 and 9; Data Protection Act 2018 Schedule 1",
    remedy="State the bases in [lawful_basis], or take the special-category columns out of [datasets].",
    kind="attest",
)
def lawful_basis_stated(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse a missing article 6 basis, and special-category columns without article 9 and Schedule 1."""
    special = [
        f"{table}.{column}"
        for table, columns in agreement.datasets.items()
        for column in columns
        if _classification(table, column) == "special_category"
    ]
    bases = agreement.lawful_bases
    observed = (
        f"article 6: {len(bases.article_6)}, article 9: {len(bases.article_9)}, Schedule 1: "
        f"{len(bases.dpa_schedule_1)}, special-category columns: {len(special)}"
    )
    threshold = "article 6; with special-category columns also article 9 and Schedule 1"
    if not bases.article_6:
        return failed("NO_ARTICLE_6_BASIS", observed, threshold, "no article 6 basis is stated")
    if special and not (bases.article_9 and bases.dpa_schedule_1):
        return failed(
            "NO_ARTICLE_9_BASIS",
            observed,
            threshold,
            f"{len(special)} special-category columns have no article 9 and Schedule 1 condition",
        )
    return passed(observed, threshold)


def _classification(table: str, column: str) -> str:
    try:
        found = load_contract("extract", table).find(column)
    except KeyError:
        found = None
    return "special_category" if found is None else found.classification


@rule(
    id="PRE-03",
    version=1,
    title="A route through the duty of confidence is stated and has not lapsed",
    stage="run",
    source="Common law duty of confidentiality; NHS Act 2006 s. 251; CAG guidance",
    remedy="State the route in [confidentiality]; renew the section 251 support or the consent model.",
    kind="attest",
)
def confidentiality_route_stated(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse identifiable patient data without a route, and a route that has lapsed."""
    route = agreement.confidentiality
    lapses = "does not lapse" if route.expires is None else f"until {route.expires}"
    observed, threshold = f"{route.route}, {lapses}", f"a route that holds on {now.date()}"
    if route.route == "none":
        return failed("NO_CONFIDENTIALITY_ROUTE", observed, threshold, "no route is stated")
    if route.expires is not None and now.date() > route.expires:
        return failed("CONFIDENTIALITY_ROUTE_LAPSED", observed, threshold, f"it lapsed on {route.expires}")
    if route.route == "section-251" and route.expires is None:
        return failed(
            "CONFIDENTIALITY_ROUTE_LAPSED", observed, threshold, "section 251 support has no end date"
        )
    return passed(observed, threshold)


@rule(
    id="PRE-04",
    version=1,
    title="Every party's Data Security and Protection Toolkit is in order",
    stage="run",
    source="NHS England DSPT; NHS Standard Contract",
    remedy="Have the organisation publish its toolkit, then state its status under [[parties]].",
    kind="attest",
)
def toolkit_in_order(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse a party without a status; warn where standards are not met or the status is out of date."""
    observed = ", ".join(
        f"{party.id}: none"
        if party.dspt is None
        else f"{party.id}: {party.dspt.status} until {party.dspt.valid_until}"
        for party in agreement.parties
    )
    threshold = f"standards met or exceeded, valid on {now.date()}"
    none = [p.id for p in agreement.parties if p.dspt is None or p.dspt.status == "Not Published"]
    if none:
        return failed("DSPT_MISSING", observed, threshold, f"no status for {', '.join(none)}")
    weak = [
        p.id
        for p in agreement.parties
        if p.dspt is not None
        and (p.dspt.status not in _DSPT_IN_ORDER or not p.dspt.published <= now.date() <= p.dspt.valid_until)
    ]
    if weak:
        return warned("DSPT_WEAK", observed, threshold, f"not met, or out of date, for {', '.join(weak)}")
    return passed(observed, threshold)


@rule(
    id="PRE-05",
    version=1,
    title="The programme that runs is the one that was reviewed",
    stage="run",
    source="Reproducible analytical pipelines; SATRE v2",
    remedy="Commit the changes and install from requirements.lock, then start again.",
)
def programme_is_known(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse, in production, uncommitted changes and a missing lock file."""
    changed = evidence.optional_count("uncommitted_changes")
    lock = evidence.optional_text("lock_digest")
    state = "no checkout" if changed is None else f"{changed} files not as committed"
    observed = f"{evidence.text('code_version')}, {state}, lock {lock[:12] if lock else 'absent'}"
    threshold = "in production: as committed, lock file present"
    if evidence.flag("production") and changed != 0:
        return failed("PROGRAMME_NOT_COMMITTED", observed, threshold, f"the programme has {state}")
    if evidence.flag("production") and lock is None:
        return failed("LOCK_FILE_MISSING", observed, threshold, "requirements.lock is not there")
    return passed(observed, threshold)


@rule(
    id="PRE-06",
    version=2,
    title="Whoever starts the run may do so, and nobody who holds a linkage key links or releases",
    stage="run",
    source="Separation of duties; ICO anonymisation guidance (2025); governance.md, Keys",
    remedy="Start it with the key of a principal who may (--key, or signing_keys in hearth.toml); give "
    "clashing roles in [[principals]] to different people, and set custody to at-source.",
)
def duties_are_separate(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse clashing roles, a run that no principal signed who may start it, and single-operator custody.

    The latter is for invented people alone; there an agreement that names nobody who may start a run
    has nobody to ask.
    """
    custody, action = evidence.text("custody"), evidence.text("action")
    found = clashes(agreement.principals)
    if custody not in ("at-source", "third-party", "single-operator"):
        raise NotShown("custody", "one of the three custody modes")
    if action not in NEEDED:
        raise NotShown("action", "a kind of run")
    starter = authorised_by(agreement, evidence.text("run_id"), action, evidence.table("mandates"))
    observed = (
        f"custody {custody}, {len(agreement.principals)} principals, {len(found)} clashes, "
        f"started by {'nobody who signed for it' if starter is None else starter.id}"
    )
    threshold = f"no principal with roles that must be separate; signed for by one who may {action}"
    if found:
        told = "; ".join(f"{name} is {first} and {second}" for name, first, second in found)
        return failed("DUTIES_NOT_SEPARATE", observed, threshold, told)
    alone = custody == "single-operator" and not evidence.flag("production")
    if custody == "single-operator" and not alone:
        return failed(
            "CUSTODY_FORBIDDEN", observed, threshold, "one operator would hold the key and the data"
        )
    held = {role for principal in agreement.principals for role in principal.roles}
    if not alone and (missing := [r for r in ("key-holder", "operator", "releaser") if r not in held]):
        return failed("ROLE_MAP_INCOMPLETE", observed, threshold, f"nobody is {', '.join(missing)}")
    if starter is None and (not alone or any(may(person, action) for person in agreement.principals)):
        presented = evidence.names("presented")
        if presented and not evidence.count("unknown_keys"):
            told = f"{', '.join(presented)} may not {action}: that is for {' or '.join(POWERS[action])}"
            return failed("NOT_PERMITTED", observed, threshold, told)
        told = (
            "a key that was given is no principal's" if evidence.count("unknown_keys") else "no key was given"
        )
        return failed("OPERATOR_NOT_AUTHENTICATED", observed, threshold, told)
    return passed(f"{observed} (permitted: not in production)" if alone else observed, threshold)
