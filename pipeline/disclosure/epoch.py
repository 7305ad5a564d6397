"""P6, epochs: published values stay byte-identical night to night until their epoch ends.

Whoever knows on which night a household moved in reads its attributes from the change
in the cells. So an epoch, a quarter by default, is part of every value's name. What was wrong is
corrected by a new epoch with a reason, at whose boundary the same rules hold.
"""

from datetime import date

from pipeline.project import Project


def epoch_of(reference_date: date, length: str) -> str:
    """Return the name of the epoch a date lies in: "2026", "2026-Q1" or "2026-03".

    length: "year", "quarter" or "month". Names of one length sort as time does.
    """
    if length == "year":
        return f"{reference_date.year:04d}"
    if length == "quarter":
        return f"{reference_date.year:04d}-Q{(reference_date.month + 2) // 3}"
    if length == "month":
        return f"{reference_date.year:04d}-{reference_date.month:02d}"
    raise ValueError(f"no epoch of length {length}")


def epoch_of_project(project: Project, length: str) -> str:
    """Return the epoch a run publishes in; a correction has an epoch of its own after the corrected one.

    "2026-Q1" is followed by "2026-Q1-correction-01" and then by "2026-Q2". A correction of an epoch that
    has passed no longer matters.
    """
    epoch = epoch_of(project.reference_date, length)
    correction = project.correction
    if correction is None or correction.epoch != epoch:
        return epoch
    return f"{epoch}-correction-{correction.number:02d}"
