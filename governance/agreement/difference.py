"""Two versions of an agreement in words: what became looser, what tighter, what is merely other."""

from dataclasses import fields
from typing import Any

from governance.agreement.agreement import EPOCHS, Agreement
from governance.agreement.attestation_difference import attestation_changes
from governance.agreement.change import Change


def differences(old: Agreement, new: Agreement) -> tuple[Change, ...]:
    """Return every change from `old` to `new`: looser ones first, for they are what an officer reads for."""
    changes = [
        *_terms(old, new),
        *_numbers("thresholds", old.thresholds, new.thresholds),
        *_numbers("disclosure", old.disclosure, new.disclosure),
        *_columns(old, new),
        *_outputs(old, new),
        *_retention(old, new),
        *_people(old, new),
        *attestation_changes(old, new),
    ]
    order = {"looser": 0, "tighter": 1, "other": 2}
    return tuple(sorted(changes, key=lambda change: (order[change.direction], change.place)))


def _terms(old: Agreement, new: Agreement) -> list[Change]:
    changes: list[Change] = []
    if old.id != new.id:
        changes.append(Change("other", "agreement.id", f"It is another agreement: {old.id}, now {new.id}."))
    if old.period != new.period:
        changes.append(
            Change(
                "other", "agreement.period", f"Keys are derived for {new.period}, before for {old.period}."
            )
        )
    if old.expires != new.expires:
        later = new.expires > old.expires
        changes.append(
            Change(
                "looser" if later else "tighter",
                "agreement.expires",
                f"It runs until {new.expires}, {'longer' if later else 'shorter'} than {old.expires}.",
            )
        )
    if old.starts != new.starts:
        earlier = new.starts < old.starts
        changes.append(
            Change(
                "looser" if earlier else "tighter",
                "agreement.starts",
                f"It begins on {new.starts}, before on {old.starts}.",
            )
        )
    if old.version >= new.version and old.digest != new.digest:
        changes.append(
            Change("other", "agreement.version", f"It is not raised: {new.version}, before {old.version}.")
        )
    if old.model_digest != new.model_digest:
        model = "no model" if new.model_digest is None else f"model {new.model_digest[:16]}"
        changes.append(Change("other", "linkage_model", f"It approves {model}."))
    for name in ("article_6", "article_9", "dpa_schedule_1"):
        before, after = getattr(old.lawful_bases, name), getattr(new.lawful_bases, name)
        if before != after:
            stated = ", ".join(after) or "nothing"
            changes.append(
                Change("other", f"lawful_basis.{name}", f"It states {stated}; before {', '.join(before)}.")
            )
    if old.confidentiality != new.confidentiality:
        before, after = (
            f"{route.route} until {route.expires or 'further notice'}"
            for route in (old.confidentiality, new.confidentiality)
        )
        changes.append(Change("other", "confidentiality", f"The route is {after}, before {before}."))
    return changes


def _numbers(section: str, old: Any, new: Any) -> list[Change]:
    changes: list[Change] = []
    for item in fields(old):
        before, after = getattr(old, item.name), getattr(new, item.name)
        if before == after:
            continue
        if item.name == "epoch":
            often = EPOCHS.index(after) < EPOCHS.index(before)
            told = "more often" if often else "less often"
            sentence = f"Values may change every {after} instead of every {before}: {told}."
            changes.append(Change("looser" if often else "tighter", f"{section}.epoch", sentence))
            continue
        tighter = item.metadata.get("tighter")
        if tighter is None:
            changes.append(Change("other", f"{section}.{item.name}", f"It is {after}, before {before}."))
            continue
        is_tighter = (after > before) == (tighter == "higher")
        changes.append(
            Change(
                "tighter" if is_tighter else "looser",
                f"{section}.{item.name}",
                f"{after:g} instead of {before:g}: {item.metadata['what']}.",
            )
        )
    return changes


def _columns(old: Agreement, new: Agreement) -> list[Change]:
    before = {(t, c): p for t, columns in old.datasets.items() for c, p in columns.items()}
    after = {(t, c): p for t, columns in new.datasets.items() for c, p in columns.items()}
    changes: list[Change] = []
    for table, column in sorted(after.keys() - before.keys()):
        purpose = new.purposes[after[(table, column)]].text
        changes.append(
            Change("looser", f"datasets.{table}.{column}", f"The column may be used, to: {purpose}.")
        )
    for table, column in sorted(before.keys() - after.keys()):
        changes.append(Change("tighter", f"datasets.{table}.{column}", "The column may no longer be used."))
    for table, column in sorted(before.keys() & after.keys()):
        if before[(table, column)] != after[(table, column)]:
            changes.append(
                Change(
                    "other",
                    f"datasets.{table}.{column}",
                    f"Its purpose is {after[(table, column)]}, before {before[(table, column)]}.",
                )
            )
    return changes


def _outputs(old: Agreement, new: Agreement) -> list[Change]:
    return [
        *(
            Change("looser", f"outputs.{item}", "The table may be published.")
            for item in sorted(set(new.outputs) - set(old.outputs))
        ),
        *(
            Change("tighter", f"outputs.{item}", "The table may no longer be published.")
            for item in sorted(set(old.outputs) - set(new.outputs))
        ),
    ]


def _retention(old: Agreement, new: Agreement) -> list[Change]:
    changes: list[Change] = []
    for name in sorted(set(old.retention) | set(new.retention)):
        before, after = old.retention.get(name), new.retention.get(name)
        if before is None or after is None:
            told = "is new" if before is None else "is gone"
            changes.append(Change("other", f"retention.{name}", f"The class {told}."))
        elif before.days != after.days:
            longer = after.days > before.days
            changes.append(
                Change(
                    "looser" if longer else "tighter",
                    f"retention.{name}",
                    f"Kept {after.days} days instead of {before.days}.",
                )
            )
    return changes


def _people(old: Agreement, new: Agreement) -> list[Change]:
    before = {person.id: person for person in old.principals}
    after = {person.id: person for person in new.principals}
    changes: list[Change] = []
    for name in sorted(set(before) | set(after)):
        was, now = before.get(name), after.get(name)
        place = f"principals.{name}"
        if was is None and now is not None:
            changes.append(Change("looser", place, f"{now.name} may act as {', '.join(now.roles)}."))
        elif now is None and was is not None:
            changes.append(Change("tighter", place, f"{was.name} may no longer act."))
        elif was is not None and now is not None:
            if was.public_key != now.public_key:
                changes.append(
                    Change("other", place, f"{now.name} has another key: compare its fingerprint.")
                )
            if gained := sorted(set(now.roles) - set(was.roles)):
                changes.append(Change("looser", place, f"{now.name} may also act as {', '.join(gained)}."))
            if lost := sorted(set(was.roles) - set(now.roles)):
                changes.append(Change("tighter", place, f"{now.name} is no longer {', '.join(lost)}."))
    return changes
