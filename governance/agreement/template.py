"""The agreement that `hearth init` writes: complete, with comments, and refused until it is filled in.

Every field that a person must decide contains FILL IN, and `hearth governance check` lists those
fields. Columns and purposes come from the contracts, numbers from `governance/agreement/terms.py`.
"""

from dataclasses import fields

from governance.agreement.terms import DisclosureTerms, Thresholds
from schemas.contract import contracts
from schemas.table import tables

_PURPOSES = {
    "linkage": "Link residents to dwellings; used only as keyed pseudonyms and deleted with the links",
    "household": "Determine who shares a dwelling on the reference date",
    "determinant": "Describe the housing, income and education of households",
    "outcome": "Describe the health of households' residents",
    "equity": "Report whether linkage and outcomes differ between groups",
    "geography": "Assign dwellings to statistical areas",
    "data_quality": "Find outdated, doubtful and contradictory records",
    "record_keeping": "Trace a row back to its extract",
}
_RETENTION = {
    "extract": (90, "Extracts as supplied and rows in quarantine"),
    "pseudonymised": (365, "Pseudonymised tables of one controller"),
    "linkage": (365, "Links between pseudonyms"),
    "controlled": (365, "Household rows and unprotected cells"),
    "release": (3650, "Published tables"),
    "audit": (3650, "The audit log and its checkpoints"),
}

_HEAD = """\
# Data sharing agreement of a Hearth project. Replace every FILL IN, then run
#     hearth governance check agreement.toml
# It lists every problem. Hearth checks that decisions are stated, in date and signed. It does not
# decide whether something is lawful.

[agreement]
id = "FILL IN"                # a short name without spaces; part of every key's derivation
title = "FILL IN"
version = 1                   # raise it with every change; `hearth governance diff OLD NEW` lists the changes
period = "FILL IN"            # such as "2026-27"; pseudonyms of two periods cannot be joined
starts = "FILL IN"            # a date without quotes: 2026-04-01
expires = "FILL IN"           # the last day; in the 30 days before it, a run needs a waiver

# The organisations. Each needs a published Data Security and Protection Toolkit (dspt).
[[parties]]
id = "council"
name = "FILL IN"
role = "controller"           # or "processor"
ico_registration = "FILL IN"
dspt = { status = "FILL IN", published = "FILL IN", valid_until = "FILL IN" }   # "Standards Met", dates

[[parties]]
id = "nhs"
name = "FILL IN"
role = "controller"
ico_registration = "FILL IN"
dspt = { status = "FILL IN", published = "FILL IN", valid_until = "FILL IN" }

[dpia]
reference = "FILL IN"
approved_on = "FILL IN"
review_by = "FILL IN"

# Required: one Caldicott guardian; for each controller its SIRO and its data protection officer (dpo).
"""

_SIGN_OFF = """\
[[sign_offs]]
office = "{office}"
party = "{party}"
name = "FILL IN"
on = "FILL IN"

"""

_MIDDLE = """\
[lawful_basis]
article_6 = ["FILL IN"]       # such as "6(1)(e)"
article_9 = ["FILL IN"]       # such as "9(2)(h)"; required if any column is of a special category
dpa_schedule_1 = ["FILL IN"]  # such as "Part 1 paragraph 3"; required with article 9

# route: "pseudonymised-at-source", "consent", "section-251" (needs `expires` and the opt-out check) or
# "statute".
[confidentiality]
route = "FILL IN"
reference = "FILL IN"
# expires = 2027-03-31

# Dated checks against the opt-out registers. Record counts only: opt-outs are never stored as a column.
# The GP system removes Type 1 opt-outs before extraction. The National Data Opt-Out applies if the route
# is section-251; the check may be at most `maximum_age_days` older than the extract.
[opt_outs]
gp_data = true
maximum_age_days = 21

[[opt_outs.checks]]
register = "type-1"           # or "national-data-opt-out"
controller = "nhs"
applied_on = "FILL IN"
attested_by = "FILL IN"       # id of one of the controller's principals: supplier or signatory
# residents_in = 251034       # before removal; required for the National Data Opt-Out
# residents_out = 249801      # after removal

# Who may act: their public key (`hearth governance key` makes one) and their roles.
# A key-holder may not also be operator or releaser. docs/governance.md lists what each role may do.
# A project needs a signatory and a supplier of each controller, a key-holder, an operator, a releaser and two
# approvers.
# [[principals]]
# id = "council-analyst"
# name = "…"
# party = "council"
# public_key = "…"
# roles = ["approver"]        # key-holder, operator, releaser, approver, auditor, signatory, supplier

"""

_TAIL = """\
# The approved linkage model (`hearth train` prints its digest), and the check values of the linkage key
# that both controllers have compared (`hearth keys check-value` prints them).
# [linkage_model]
# approved_digest = "…"
# [linkage_key]
# check_values = { uprn = "…", nhs_number = "…" }

# The versions of the code that may process real people's data: `hearth governance check` prints the digest
# of the installed one. Have that version reviewed, then list it here.
# [code]
# approved = ["…"]

# A motivated-intruder review is due every 12 months. Without one no run starts (rule PRE-07). Before the
# first publication there is no release to review. Then review a rehearsal: run the project with these tables
# and numbers on invented people (`hearth synth`), attack its release (`hearth attack`), and state
# of = "rehearsal". Signing the agreement confirms the review. Later reviews are of a release.
# [intruder_review]
# on = 2026-03-02
# by = "…"                    # id of a principal: an approver or auditor who neither runs nor releases
# outcome = "no-disclosure"   # or "disclosure-mended"
# of = "rehearsal"            # or "release"
"""


def agreement_template() -> str:
    """Return an agreement with comments, to fill in."""
    return "".join((_HEAD, _sign_offs(), _MIDDLE, _purposes(), _datasets(), _outputs(), _numbers(), _TAIL))


def _sign_offs() -> str:
    needed = [("caldicott-guardian", "nhs")]
    needed += [(office, party) for office in ("siro", "dpo") for party in ("council", "nhs")]
    return "".join(_SIGN_OFF.format(office=office, party=party) for office, party in needed)


def _purposes() -> str:
    entries = "".join(
        f'[[purposes]]\nid = "{name}"\ntext = "{text}"\nclause = "FILL IN"\n\n'
        for name, text in _PURPOSES.items()
    )
    return f"# What columns are used for. A column without a purpose is refused.\n{entries}"


def _datasets() -> str:
    parts = ["# The tables and columns that may be used. Delete those that are not supplied.\n"]
    for contract in contracts("extract"):
        parts.append(
            f'[datasets.{contract.table}]\ncontroller = "{contract.controller}"\nclause = "FILL IN"\n'
            f'retention = "extract"\n\n[datasets.{contract.table}.columns]\n'
        )
        parts += [f'{column.name} = "{column.purpose}"\n' for column in contract.columns]
        parts.append("\n")
    return "".join(parts)


def _outputs() -> str:
    listed = "".join(f'  "{name}",\n' for name in tables())
    return f"# Only these tables may be published.\n[outputs]\ntables = [\n{listed}]\n\n"


def _numbers() -> str:
    lines = ["# Agreed limits. Shares are from 0 to 1.\n[thresholds]\n"]
    lines += [
        f"{item.name} = {item.default:g}  # {item.metadata['what']}; {item.metadata['tighter']} is stricter\n"
        for item in fields(Thresholds)
    ]
    lines.append(
        '\n[disclosure]\nprofile = "cell-key"  # or "exact-count"\nepoch = "quarter"  # or month, year\n'
    )
    lines += [
        f"{item.name} = {item.default:g}  # {item.metadata['what']}\n"
        for item in fields(DisclosureTerms)
        if item.metadata
    ]
    lines.append("\n# How many days each kind of artefact is kept after its creation.\n")
    lines += [
        f'[[retention]]\nid = "{name}"\ndays = {days}\nwhat = "{what}"\n\n'
        for name, (days, what) in _RETENTION.items()
    ]
    return "".join(lines)
