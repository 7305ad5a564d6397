"""The changes between two versions of an agreement, in words: looser, tighter or neither."""

from dataclasses import fields
from typing import Any

from governance.agreement.agreement import EPOCHS, Agreement
from governance.agreement.attestation_difference import attestation_changes
from governance.agreement.change import Change
from governance.agreement.column_limits import limit_changes
from governance.counted import counted


def differences(old: Agreement, new: Agreement) -> tuple[Change, ...]:
    """Return every change from `old` to `new`; looser ones first, because officers need them first."""
    changes = [
        *_terms(old, new),
        *_numbers("thresholds", old.thresholds, new.thresholds),
        *_numbers("disclosure", old.disclosure, new.disclosure),
        *_columns(old, new),
        *limit_changes(*({n: t.limits for n, t in a.dataset_terms.items()} for a in (old, new))),
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
        changes.append(
            Change("other", "agreement.id", f"This is a different agreement: {new.id} instead of {old.id}.")
        )
    if old.period != new.period:
        changes.append(
            Change(
                "other",
                "agreement.period",
                f"Keys are derived for period {new.period} instead of {old.period}.",
            )
        )
    if old.expires != new.expires:
        later = new.expires > old.expires
        changes.append(
            Change(
                "looser" if later else "tighter",
                "agreement.expires",
                f"The agreement ends on {new.expires}, {'later' if later else 'earlier'} than {old.expires}.",
            )
        )
    if old.starts != new.starts:
        earlier = new.starts < old.starts
        changes.append(
            Change(
                "looser" if earlier else "tighter",
                "agreement.starts",
                f"The agreement starts on {new.starts}, {'earlier' if earlier else 'later'} than "
                f"{old.starts}.",
            )
        )
    if old.version >= new.version and old.digest != new.digest:
        changes.append(
            Change(
                "other",
                "agreement.version",
                f"The content has changed, but version {new.version} is not higher than {old.version}.",
            )
        )
    if old.model_digest != new.model_digest:
        sentence = (
            "No linkage model is approved any longer."
            if new.model_digest is None
            else f"The approved linkage model is {new.model_digest[:16]}."
        )
        changes.append(Change("other", "linkage_model", sentence))
    if old.review_of_both_sides != new.review_of_both_sides:
        is_looser = new.review_of_both_sides is not None
        may = f"may ({new.review_of_both_sides})" if is_looser else "may no longer"
        sentence = f"Reviewers of links {may} see the clear data of both controllers."
        changes.append(Change("looser" if is_looser else "tighter", "clerical_review", sentence))
    for code in sorted(set(new.code_digests) - set(old.code_digests)):
        changes.append(Change("looser", "code.approved", f"Code {code[:16]} may run in production."))
    for code in sorted(set(old.code_digests) - set(new.code_digests)):
        changes.append(
            Change("tighter", "code.approved", f"Code {code[:16]} may no longer run in production.")
        )
    for name in ("article_6", "article_9", "dpa_schedule_1"):
        before, after = getattr(old.lawful_bases, name), getattr(new.lawful_bases, name)
        if before != after:
            now, then = ", ".join(after) or "none", ", ".join(before) or "none"
            changes.append(
                Change("other", f"lawful_basis.{name}", f"The stated basis is {now} instead of {then}.")
            )
    if old.confidentiality != new.confidentiality:
        before, after = (
            f"{route.route} ({route.reference}) "
            f"{f'until {route.expires}' if route.expires else 'without an end date'}"
            for route in (old.confidentiality, new.confidentiality)
        )
        changes.append(Change("other", "confidentiality", f"The route is {after} instead of {before}."))
    return changes


def _numbers(section: str, old: Any, new: Any) -> list[Change]:
    changes: list[Change] = []
    for item in fields(old):
        before, after = getattr(old, item.name), getattr(new, item.name)
        if before == after:
            continue
        if item.name == "epoch":
            is_more_often = EPOCHS.index(after) < EPOCHS.index(before)
            comparison = "more often" if is_more_often else "less often"
            sentence = f"Values may change every {after} instead of every {before} ({comparison})."
            changes.append(Change("looser" if is_more_often else "tighter", f"{section}.epoch", sentence))
            continue
        tighter = item.metadata.get("tighter")
        if tighter is None:
            changes.append(Change("other", f"{section}.{item.name}", f"{after} instead of {before}."))
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
            Change("looser", f"datasets.{table}.{column}", f"The column may be used. Purpose: {purpose}.")
        )
    for table, column in sorted(before.keys() - after.keys()):
        changes.append(Change("tighter", f"datasets.{table}.{column}", "The column may no longer be used."))
    for table, column in sorted(before.keys() & after.keys()):
        if before[(table, column)] != after[(table, column)]:
            changes.append(
                Change(
                    "other",
                    f"datasets.{table}.{column}",
                    f"The purpose is {after[(table, column)]} instead of {before[(table, column)]}.",
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
            sentence = "The class was added." if before is None else "The class was removed."
            changes.append(Change("other", f"retention.{name}", sentence))
        elif before.days != after.days:
            longer = after.days > before.days
            changes.append(
                Change(
                    "looser" if longer else "tighter",
                    f"retention.{name}",
                    f"Kept for {counted(after.days, 'day')} instead of {before.days:,}.",
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
                    Change(
                        "other", place, f"{now.name} has a different key. Compare its fingerprint with them."
                    )
                )
            if gained := sorted(set(now.roles) - set(was.roles)):
                changes.append(Change("looser", place, f"{now.name} may also act as {', '.join(gained)}."))
            if lost := sorted(set(was.roles) - set(now.roles)):
                changes.append(
                    Change("tighter", place, f"{now.name} may no longer act as {', '.join(lost)}.")
                )
    return changes
