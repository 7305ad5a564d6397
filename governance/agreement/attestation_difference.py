"""Changes of what people state in an agreement: DPIA, parties, sign-offs, opt-outs, purposes, reviews."""

from collections.abc import Iterable

from governance.agreement.agreement import Agreement
from governance.agreement.change import Change
from governance.agreement.terms import Dspt
from governance.counted import counted


def attestation_changes(old: Agreement, new: Agreement) -> list[Change]:
    """Return every change of these statements, as sentences."""
    return [
        *_title(old, new),
        *_dpia(old, new),
        *_parties(old, new),
        *_sign_offs(old, new),
        *_opt_outs(old, new),
        *_purposes(old, new),
        *_datasets(old, new),
        *_review(old, new),
        *_check_values(old, new),
    ]


def _title(old: Agreement, new: Agreement) -> Iterable[Change]:
    if old.title != new.title:
        yield Change("other", "agreement.title", f"The title is {new.title!r} instead of {old.title!r}.")


def _dpia(old: Agreement, new: Agreement) -> Iterable[Change]:
    if old.dpia == new.dpia:
        return
    if new.dpia is None or old.dpia is None:
        sentence = "The DPIA was removed." if new.dpia is None else f"A DPIA was added: {new.dpia.reference}."
        yield Change("looser" if new.dpia is None else "tighter", "dpia", sentence)
        return
    if old.dpia.reference != new.dpia.reference:
        sentence = f"The DPIA is {new.dpia.reference} instead of {old.dpia.reference}."
        yield Change("other", "dpia.reference", sentence)
    if old.dpia.approved_on != new.dpia.approved_on:
        sentence = f"The DPIA was approved on {new.dpia.approved_on} instead of {old.dpia.approved_on}."
        yield Change("other", "dpia.approved_on", sentence)
    if old.dpia.review_by != new.dpia.review_by:
        later = new.dpia.review_by > old.dpia.review_by
        comparison = "later" if later else "earlier"
        sentence = (
            f"The DPIA must be reviewed by {new.dpia.review_by}, {comparison} than {old.dpia.review_by}."
        )
        yield Change("looser" if later else "tighter", "dpia.review_by", sentence)


def _parties(old: Agreement, new: Agreement) -> Iterable[Change]:
    before = {party.id: party for party in old.parties}
    after = {party.id: party for party in new.parties}
    for name in sorted(set(before) | set(after)):
        was, now, place = before.get(name), after.get(name), f"parties.{name}"
        if was is None and now is not None:
            yield Change("looser", place, f"{now.name} is now a party ({now.role}).")
        elif now is None and was is not None:
            yield Change("tighter", place, f"{was.name} is no longer a party.")
        elif was is not None and now is not None:
            for what in ("name", "role", "ico_registration"):
                if getattr(was, what) != getattr(now, what):
                    sentence = f"{getattr(now, what)} instead of {getattr(was, what)}."
                    yield Change("other", f"{place}.{what}", sentence)
            if was.dspt != now.dspt:
                sentence = f"The toolkit status is {_toolkit(now.dspt)} instead of {_toolkit(was.dspt)}."
                yield Change("other", f"{place}.dspt", sentence)


def _toolkit(dspt: Dspt | None) -> str:
    return "not stated" if dspt is None else f"{dspt.status!r} until {dspt.valid_until}"


def _sign_offs(old: Agreement, new: Agreement) -> Iterable[Change]:
    before, after = set(old.sign_offs), set(new.sign_offs)
    for item in sorted(after - before, key=str):
        sentence = f"{item.name} signed off for {item.party} on {item.on}."
        yield Change("other", f"sign_offs.{item.office}", sentence)
    for item in sorted(before - after, key=str):
        sentence = f"The sign-off by {item.name} for {item.party} on {item.on} was removed."
        yield Change("other", f"sign_offs.{item.office}", sentence)


def _opt_outs(old: Agreement, new: Agreement) -> Iterable[Change]:
    if old.opt_outs.gp_data != new.opt_outs.gp_data:
        change = "is now required" if new.opt_outs.gp_data else "is no longer required"
        sentence = f"The removal of Type 1 opt-outs {change}."
        yield Change("tighter" if new.opt_outs.gp_data else "looser", "opt_outs.gp_data", sentence)
    days = old.opt_outs.maximum_age_days, new.opt_outs.maximum_age_days
    if days[0] != days[1]:
        sentence = f"A check may be {counted(days[1], 'day')} old instead of {days[0]}."
        yield Change("looser" if days[1] > days[0] else "tighter", "opt_outs.maximum_age_days", sentence)
    removed = set(old.opt_outs.checks) - set(new.opt_outs.checks)
    added = set(new.opt_outs.checks) - set(old.opt_outs.checks)
    for item in sorted(added, key=str):
        sentence = f"A check was added: {item.controller}, {item.applied_on} ({item.register})."
        yield Change("other", "opt_outs.checks", sentence)
    for item in sorted(removed, key=str):
        sentence = f"A check was removed: {item.controller}, {item.applied_on} ({item.register})."
        yield Change("other", "opt_outs.checks", sentence)


def _purposes(old: Agreement, new: Agreement) -> Iterable[Change]:
    for name in sorted(set(old.purposes) | set(new.purposes)):
        was, now, place = old.purposes.get(name), new.purposes.get(name), f"purposes.{name}"
        if was is None and now is not None:
            yield Change("looser", place, f"A purpose was added: {now.text} (clause {now.clause}).")
        elif now is None and was is not None:
            yield Change("tighter", place, f"The purpose was removed: {was.text}.")
        elif was is not None and now is not None and was != now:
            texts = (f"{purpose.text!r} (clause {purpose.clause})" for purpose in (now, was))
            yield Change("other", place, f"The purpose is {' instead of '.join(texts)}.")


def _datasets(old: Agreement, new: Agreement) -> Iterable[Change]:
    for table in sorted(set(old.dataset_terms) & set(new.dataset_terms)):
        was, now = old.dataset_terms[table], new.dataset_terms[table]
        for what in ("controller", "clause", "retention"):
            if getattr(was, what) != getattr(now, what):
                sentence = f"{getattr(now, what)} instead of {getattr(was, what)}."
                yield Change("other", f"datasets.{table}.{what}", sentence)


def _review(old: Agreement, new: Agreement) -> Iterable[Change]:
    if old.intruder_review != new.intruder_review:
        review = new.intruder_review
        sentence = (
            "The motivated-intruder review was removed."
            if review is None
            else f"The last motivated-intruder review: {review.on}, {review.by}, of a {review.of}, "
            f"outcome {review.outcome}."
        )
        yield Change("other", "intruder_review", sentence)


def _check_values(old: Agreement, new: Agreement) -> Iterable[Change]:
    if dict(old.linkage_check_values) != dict(new.linkage_check_values):
        yield Change("other", "linkage_key", "The agreed check values of the linkage key have changed.")
