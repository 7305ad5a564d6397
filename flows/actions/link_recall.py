"""`hearth link recall`: what the last run's links probably miss, estimated without the truth."""

from flows.actions.link_explanation import model_of_links, reader, record_read, stored_links
from pipeline.link.recall.report import TABLES, RecallReport, recall_report
from pipeline.project import Project


def link_recall(project: Project) -> RecallReport:
    """Return the report on the last run. Raises Refused if no key is an operator's, Fault without links."""
    actor = reader(project)
    with stored_links(project) as links:
        model = model_of_links(project, links)
        links.load(TABLES)
        report = recall_report(links.connection, model.scorecards["recorded"])
        estimate = None if report.recall is None else round(report.recall.value, 4)
        record_read(project, links, actor, "recall estimated", {"recall": estimate})
    return report
