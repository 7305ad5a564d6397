"""What people state beside the numbers, compared: DPIA, parties, sign-offs, opt-outs, reviews, purposes."""

from collections.abc import Iterable

from governance.agreement.agreement import Agreement
from governance.agreement.change import Change
from governance.agreement.terms import Dspt


def attestation_changes(old: Agreement, new: Agreement) -> list[Change]:
    """Return every change of what is stated, as sentences."""
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
        yield Change("other", "agreement.title", f"It is called {new.title!r}, before {old.title!r}.")


def _dpia(old: Agreement, new: Agreement) -> Iterable[Change]:
    if old.dpia == new.dpia:
        return
    if new.dpia is None or old.dpia is None:
        told = "no DPIA any more" if new.dpia is None else f"DPIA {new.dpia.reference}, before none"
        yield Change("looser" if new.dpia is None else "tighter", "dpia", f"It rests on {told}.")
        return
    if old.dpia.reference != new.dpia.reference:
        sentence = f"It rests on {new.dpia.reference}, before on {old.dpia.reference}."
        yield Change("other", "dpia.reference", sentence)
    if old.dpia.approved_on != new.dpia.approved_on:
        sentence = f"It was approved on {new.dpia.approved_on}, before on {old.dpia.approved_on}."
        yield Change("other", "dpia.approved_on", sentence)
    if old.dpia.review_by != new.dpia.review_by:
        later = new.dpia.review_by > old.dpia.review_by
        told = "later" if later else "earlier"
        sentence = f"Its review is due by {new.dpia.review_by}, {told} than {old.dpia.review_by}."
        yield Change("looser" if later else "tighter", "dpia.review_by", sentence)


def _parties(old: Agreement, new: Agreement) -> Iterable[Change]:
    before = {party.id: party for party in old.parties}
    after = {party.id: party for party in new.parties}
    for name in sorted(set(before) | set(after)):
        was, now, place = before.get(name), after.get(name), f"parties.{name}"
        if was is None and now is not None:
            yield Change("looser", place, f"{now.name} is a party, as {now.role}.")
        elif now is None and was is not None:
            yield Change("tighter", place, f"{was.name} is no party any more.")
        elif was is not None and now is not None:
            for what in ("name", "role", "ico_registration"):
                if getattr(was, what) != getattr(now, what):
                    sentence = f"It is {getattr(now, what)}, before {getattr(was, what)}."
                    yield Change("other", f"{place}.{what}", sentence)
            if was.dspt != now.dspt:
                sentence = f"Its toolkit is {_toolkit(now.dspt)}, before {_toolkit(was.dspt)}."
                yield Change("other", f"{place}.dspt", sentence)


def _toolkit(dspt: Dspt | None) -> str:
    return "not stated" if dspt is None else f"{dspt.status!r} until {dspt.valid_until}"


def _sign_offs(old: Agreement, new: Agreement) -> Iterable[Change]:
    before, after = set(old.sign_offs), set(new.sign_offs)
    for item in sorted(after - before, key=str):
        sentence = f"{item.name} signed it off for {item.party} on {item.on}."
        yield Change("other", f"sign_offs.{item.office}", sentence)
    for item in sorted(before - after, key=str):
        sentence = f"The sign-off of {item.name} for {item.party} of {item.on} is gone."
        yield Change("other", f"sign_offs.{item.office}", sentence)


def _opt_outs(old: Agreement, new: Agreement) -> Iterable[Change]:
    if old.opt_outs.gp_data != new.opt_outs.gp_data:
        told = "is asked for again" if new.opt_outs.gp_data else "is no longer asked for"
        sentence = f"Removal of Type 1 opt-outs {told}."
        yield Change("tighter" if new.opt_outs.gp_data else "looser", "opt_outs.gp_data", sentence)
    days = old.opt_outs.maximum_age_days, new.opt_outs.maximum_age_days
    if days[0] != days[1]:
        sentence = f"A check may be {days[1]} days old instead of {days[0]}."
        yield Change("looser" if days[1] > days[0] else "tighter", "opt_outs.maximum_age_days", sentence)
    gone = set(old.opt_outs.checks) - set(new.opt_outs.checks)
    added = set(new.opt_outs.checks) - set(old.opt_outs.checks)
    for item in sorted(added, key=str):
        sentence = f"{item.controller} states a check of {item.applied_on} ({item.register})."
        yield Change("other", "opt_outs.checks", sentence)
    for item in sorted(gone, key=str):
        sentence = f"The check of {item.controller} of {item.applied_on} ({item.register}) is gone."
        yield Change("other", "opt_outs.checks", sentence)


def _purposes(old: Agreement, new: Agreement) -> Iterable[Change]:
    for name in sorted(set(old.purposes) | set(new.purposes)):
        was, now, place = old.purposes.get(name), new.purposes.get(name), f"purposes.{name}"
        if was is None and now is not None:
            yield Change("looser", place, f"A purpose is added: {now.text} (clause {now.clause}).")
        elif now is None and was is not None:
            yield Change("tighter", place, f"The purpose is gone: {was.text}.")
        elif was is not None and now is not None and was != now:
            told = (f"{purpose.text!r} (clause {purpose.clause})" for purpose in (now, was))
            sentence = f"It reads {', before '.join(told)}."
            yield Change("other", place, sentence)


def _datasets(old: Agreement, new: Agreement) -> Iterable[Change]:
    for table in sorted(set(old.dataset_terms) & set(new.dataset_terms)):
        was, now = old.dataset_terms[table], new.dataset_terms[table]
        for what in ("controller", "clause", "retention"):
            if getattr(was, what) != getattr(now, what):
                sentence = f"It is {getattr(now, what)}, before {getattr(was, what)}."
                yield Change("other", f"datasets.{table}.{what}", sentence)


def _review(old: Agreement, new: Agreement) -> Iterable[Change]:
    if old.intruder_review != new.intruder_review:
        review = new.intruder_review
        told = "none is stated" if review is None else f"of {review.on} by {review.by}: {review.outcome}"
        yield Change("other", "intruder_review", f"Motivated-intruder review: {told}.")


def _check_values(old: Agreement, new: Agreement) -> Iterable[Change]:
    if dict(old.linkage_check_values) != dict(new.linkage_check_values):
        yield Change("other", "linkage_key", "The agreed check values of the linkage key changed.")
