"""P6, epochs: published values do not change until their epoch ends, however often a run is made.

Someone who saw a household move in could infer its attributes from values that change at that time. So every
value belongs to an epoch, a quarter by default. Errors are corrected by a new epoch with a stated reason; the
same rules apply to the change from one to the other.
"""

from datetime import date

from pipeline.project import Project


def epoch_of(reference_date: date, length: str) -> str:
    """Return the name of the epoch that contains a date: "2026", "2026-Q1" or "2026-03".

    length: "year", "quarter" or "month". Names of one length are in order of time when sorted.
    """
    if length == "year":
        return f"{reference_date.year:04d}"
    if length == "quarter":
        return f"{reference_date.year:04d}-Q{(reference_date.month + 2) // 3}"
    if length == "month":
        return f"{reference_date.year:04d}-{reference_date.month:02d}"
    raise ValueError(f"no epoch of length {length}")


def epoch_of_project(project: Project, length: str) -> str:
    """Return the epoch in which a run publishes. A correction is a separate epoch, after the corrected one.

    "2026-Q1" is followed by "2026-Q1-correction-01" and then by "2026-Q2". A correction of an earlier epoch
    has no effect.
    """
    epoch = epoch_of(project.reference_date, length)
    correction = project.correction
    if correction is None or correction.epoch != epoch:
        return epoch
    return f"{epoch}-correction-{correction.number:02d}"
