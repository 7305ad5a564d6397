"""Before the run: an agreement is in force, the code is known, and the person may start the run.

Facts of the evidence (stage "run"):
  custody               "at-source", "third-party" or "single-operator"
  production            whether people must be taken for real, see `governance/rules/invented.py`
  code_version          digest of the code, see `pipeline/code_version.py`
  libraries             number of libraries whose list of files is in that digest
  import_overrides      what can change the modules that the run imports; empty where nothing can
  altered_bytecode      modules whose stored bytecode is not that of their source
  run_id, action, presented, unknown_keys, mandates      see `governance/principals/run_authorisation.py`
"""

from datetime import datetime, timedelta

from governance.agreement.agreement import Agreement
from governance.counted import counted
from governance.principals.roles import POWERS, clashes, may
from governance.principals.run_authorisation import NEEDED, authorised_by
from governance.rules.invented import people_are_invented
from governance.rules.registry import NotShown, Shown, Verdict, failed, passed, rule, warned
from schemas.contract import load_contract

#: Offices whose sign-off an agreement needs: from every controller, or from at least one party.
_OFFICES_OF_EVERY_CONTROLLER = ("siro", "dpo")
_OFFICES_OF_ONE = ("caldicott-guardian",)
_WARN_BEFORE_EXPIRY = timedelta(days=30)
_DSPT_IN_ORDER = ("Standards Met", "Standards Exceeded")


@rule(
    id="PRE-01",
    version=1,
    title="The data sharing agreement is signed off and in force",
    stage="run",
    source="UK GDPR art. 26 and 35; ICO Data Sharing Code; Caldicott Principles",
    remedy="In the agreement, renew `expires`, complete [dpia] and [[sign_offs]], and have both controllers "
    "sign it (`hearth governance sign`).",
    kind="attest",
)
def agreement_in_force(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse a missing sign-off or DPIA, an agreement not in force and, with real people, an unsigned one."""
    today = now.date()
    observed = f"{agreement.id} version {agreement.version}, {agreement.starts} to {agreement.expires}"
    threshold = f"in force on {today}, with a DPIA in date and every sign-off"
    if today > agreement.expires:
        return failed(
            "AGREEMENT_EXPIRED",
            observed,
            threshold,
            f"the agreement expired on {agreement.expires}",
        )
    if today < agreement.starts:
        return failed(
            "AGREEMENT_NOT_BEGUN", observed, threshold, f"the agreement starts on {agreement.starts}"
        )
    if missing := _missing_sign_offs(agreement, now):
        reason = f"missing sign-offs: {', '.join(missing)}"
        return failed("AGREEMENT_NOT_SIGNED_OFF", observed, threshold, reason)
    if agreement.dpia is None or not agreement.dpia.approved_on <= today <= agreement.dpia.review_by:
        return failed("DPIA_NOT_IN_DATE", observed, threshold, "no DPIA is approved and in date")
    signature = agreement.signature
    if not people_are_invented(evidence) and signature != "valid":
        return failed(
            "AGREEMENT_NOT_SIGNED", observed, threshold, f"the agreement's signature is {signature}"
        )
    observed = f"{observed}; signature {signature}"
    if agreement.expires - today <= _WARN_BEFORE_EXPIRY:
        return warned(
            "AGREEMENT_EXPIRES_SOON",
            observed,
            "more than 30 days left",
            f"the agreement expires in {counted((agreement.expires - today).days, 'day')}",
        )
    return passed(observed, threshold)


def _missing_sign_offs(agreement: Agreement, now: datetime) -> list[str]:
    present = {(item.office, item.party) for item in agreement.sign_offs if item.on <= now.date()}
    offices = {office for office, _ in present}
    missing = [office for office in _OFFICES_OF_ONE if office not in offices]
    missing += [
        f"{office} of {party}"
        for party in agreement.controllers
        for office in _OFFICES_OF_EVERY_CONTROLLER
        if (office, party) not in present
    ]
    return missing


@rule(
    id="PRE-02",
    version=1,
    title="A lawful basis is stated for every kind of data",
    stage="run",
    source="UK GDPR art. 6 and 9; Data Protection Act 2018 Schedule 1",
    remedy="State article_6, article_9 and dpa_schedule_1 under [lawful_basis] of the agreement, or remove "
    "the special-category columns from [datasets].",
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
        f"stated bases: article 6: {len(bases.article_6)}, article 9: {len(bases.article_9)}, Schedule 1: "
        f"{len(bases.dpa_schedule_1)}; special-category columns: {len(special)}"
    )
    threshold = "an article 6 basis; for special-category columns also article 9 and Schedule 1"
    if not bases.article_6:
        return failed("NO_ARTICLE_6_BASIS", observed, threshold, "no article 6 basis is stated")
    if special and not (bases.article_9 and bases.dpa_schedule_1):
        return failed(
            "NO_ARTICLE_9_BASIS",
            observed,
            threshold,
            f"{counted(len(special), 'special-category column has', 'special-category columns have')} "
            "no article 9 and Schedule 1 condition",
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
    title="A lawful route under the duty of confidentiality is stated and in date",
    stage="run",
    source="Common law duty of confidentiality; NHS Act 2006 s. 251; CAG guidance",
    remedy="State `route` and `reference` under [confidentiality] of the agreement. If the route has lapsed, "
    "renew the section 251 support or the consent model and update `expires`.",
    kind="attest",
)
def confidentiality_route_stated(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse patient data without a confidentiality route, and a route that has lapsed."""
    route = agreement.confidentiality
    lapses = "without an end date" if route.expires is None else f"until {route.expires}"
    observed, threshold = f"{route.route}, {lapses}", f"a route in force on {now.date()}"
    if route.route == "none":
        return failed("NO_CONFIDENTIALITY_ROUTE", observed, threshold, "no route is stated")
    if route.expires is not None and now.date() > route.expires:
        reason = f"the route lapsed on {route.expires}"
        return failed("CONFIDENTIALITY_ROUTE_LAPSED", observed, threshold, reason)
    if route.route == "section-251" and route.expires is None:
        return failed(
            "CONFIDENTIALITY_ROUTE_LAPSED", observed, threshold, "section 251 support has no end date"
        )
    return passed(observed, threshold)


@rule(
    id="PRE-04",
    version=1,
    title="Every party has a current Data Security and Protection Toolkit that meets the standards",
    stage="run",
    source="NHS England DSPT; NHS Standard Contract",
    remedy="Have the organisation publish its toolkit, then update `dspt` under [[parties]] of the "
    "agreement. A warning can be waived for a time with `hearth governance waive`.",
    kind="attest",
)
def toolkit_in_order(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse a party without a status; warn if standards are not met or the status is out of date."""
    observed = ", ".join(
        f"{party.id}: no status"
        if party.dspt is None
        else f"{party.id}: {party.dspt.status} until {party.dspt.valid_until}"
        for party in agreement.parties
    )
    threshold = f"Standards Met or Standards Exceeded, valid on {now.date()}"
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
        reason = f"standards not met, or status out of date, for {', '.join(weak)}"
        return warned("DSPT_WEAK", observed, threshold, reason)
    return passed(observed, threshold)


@rule(
    id="PRE-05",
    version=2,
    title="The code that runs is the code that was approved",
    stage="run",
    source="Reproducible analytical pipelines; SATRE v2",
    remedy="Run `hearth governance check AGREEMENT`: it prints the digest of the installed code. Have that "
    "code reviewed, add its digest to [code] approved in the agreement and have the agreement signed again, "
    "or install the approved version. Start runs with `hearth`, without PYTHON* variables.",
)
def code_is_approved(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse, in production, code whose digest the agreement does not name, and another way to import code.

    The digest covers every file of Hearth and the list of files of each library. Stored bytecode must be that
    of the sources, and no variable and no folder outside the environment may change what is imported.
    """
    used, libraries = evidence.text("code_version"), evidence.count("libraries")
    overrides, altered = evidence.names("import_overrides"), evidence.names("altered_bytecode")
    approved = used in agreement.code_digests
    observed = (
        f"code {used}, {'approved' if approved else 'not approved'}, "
        f"{counted(libraries, 'library', 'libraries')}, {counted(len(overrides), 'change')} of imports, "
        f"{counted(len(altered), 'module')} with other bytecode"
    )
    threshold = "in production: a code digest of [code] approved, imports as installed"
    if people_are_invented(evidence):
        return passed(observed, threshold)
    if overrides:
        return failed("IMPORTS_ALTERED", observed, threshold, f"imports are changed: {', '.join(overrides)}")
    if altered:
        reason = counted(len(altered), "module has", "modules have")
        return failed("BYTECODE_ALTERED", observed, threshold, f"{reason} bytecode of another source")
    if not agreement.code_digests:
        return failed("CODE_NOT_APPROVED", observed, threshold, "the agreement approves no code")
    if not approved:
        reason = "the code's digest is not under [code] approved in the agreement"
        return failed("CODE_NOT_APPROVED", observed, threshold, reason)
    return passed(observed, threshold)


@rule(
    id="PRE-06",
    version=2,
    title="An authorised person starts the run, and no holder of a linkage key links or releases",
    stage="run",
    source="Separation of duties; ICO anonymisation guidance (2025); governance.md, Keys",
    remedy="Start the run with the key of an authorised principal (--key, or signing_keys in hearth.toml). "
    "Name a key-holder, an operator and a releaser under [[principals]] of the agreement, assign conflicting "
    "roles to different people, and set "
    'custody = "at-source" under [project] in hearth.toml.',
)
def duties_are_separate(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse conflicting roles, a run that no authorised principal signed, and single-operator custody.

    Single-operator custody is allowed only for invented people (ING-10). There a run needs no signature if
    the agreement authorises no one to start it.
    """
    custody, action = evidence.text("custody"), evidence.text("action")
    found = clashes(agreement.principals)
    if custody not in ("at-source", "third-party", "single-operator"):
        raise NotShown("custody", "one of the three custody modes")
    if action not in NEEDED:
        raise NotShown("action", "a kind of run")
    starter = authorised_by(agreement, evidence.text("run_id"), action, evidence.table("mandates"))
    observed = (
        f"custody {custody}, {counted(len(agreement.principals), 'principal')}, "
        f"{counted(len(found), 'role conflict')}, "
        f"{'not signed by an authorised person' if starter is None else f'started by {starter.id}'}"
    )
    threshold = f"no principal with conflicting roles; signed by a principal who may {action}"
    if found:
        reason = "; ".join(f"{name} is both {first} and {second}" for name, first, second in found)
        return failed("DUTIES_NOT_SEPARATE", observed, threshold, reason)
    is_invented = people_are_invented(evidence)
    if custody == "single-operator" and not is_invented:
        reason = "in production, one operator must not have both the key and the data"
        return failed("CUSTODY_FORBIDDEN", observed, threshold, reason)
    assigned = {role for principal in agreement.principals for role in principal.roles}
    missing = [role for role in ("key-holder", "operator", "releaser") if role not in assigned]
    if missing and not is_invented:
        return failed("ROLE_MAP_INCOMPLETE", observed, threshold, f"no one has the role {', '.join(missing)}")
    has_starter = any(may(person, action) for person in agreement.principals)
    if starter is None and (not is_invented or has_starter):
        presented = evidence.names("presented")
        if presented and not evidence.count("unknown_keys"):
            needed = " or ".join(sorted(POWERS[action]))
            reason = f"{', '.join(presented)} may not {action}; the role needed is {needed}"
            return failed("NOT_PERMITTED", observed, threshold, reason)
        reason = (
            "a key that was given belongs to no principal"
            if evidence.count("unknown_keys")
            else "no key was given"
        )
        return failed("OPERATOR_NOT_AUTHENTICATED", observed, threshold, reason)
    return passed(f"{observed} (allowed: invented people)" if is_invented else observed, threshold)
