"""Mutation testing: change the code in small ways and see whether a test fails.

    python tests/mutation/mutate.py [FOLDER ...] [--sample N] [--jobs N] [--survivors] [--list]

Python is changed by the operators of Cosmic Ray, SQL by `sql_mutants.py`; both are tried in the same way,
against the tests that `targets.toml` names for a folder. Results are in `mutants/`, one line a mutant.
"""

import argparse
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

from mutant import HERE, ROOT, Mutant, equivalence
from python_mutants import python_mutants
from sql_mutants import sql_mutants
from trial import copy_repository, measured, preload, tests_of, try_mutant

RESULTS = ROOT / "mutants"
NOTICED = ("killed", "timeout")
UNNOTICED = ("survived", "no test")


def main() -> int:
    """Run, print the score of each folder, return 1 where a mutant survived."""
    targets = tomllib.loads((HERE / "targets.toml").read_text("utf-8"))
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="*", choices=[*targets, []], metavar="FOLDER")
    parser.add_argument("--sample", type=int, help="try so many mutants of a folder, drawn with --seed")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1, help="processes (default 1)")
    parser.add_argument("--survivors", action="store_true", help="only those that survived the last run")
    parser.add_argument("--only", default="", help="only files whose path has this text")
    options = parser.parse_args()
    RESULTS.mkdir(exist_ok=True)
    lines = []
    for folder in options.folders or list(targets):
        everything = mutants_of(folder, options.only)
        chosen = choose(everything, folder, options)
        kept = [r for r in read_results(folder) if r["outcome"] not in UNNOTICED] if options.survivors else []
        results = kept + run(folder, targets[folder], chosen, options.jobs)
        write_results(folder, results)
        lines.append(summary(folder, len(everything), results))
        show_unnoticed(results)
    print("\n| Folder | Mutants | Tried | Equivalent | Noticed | Unnoticed | Score |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    print("\n".join(line for line, _ in lines))
    return int(any(left for _, left in lines))


def mutants_of(folder: str, only: str = "") -> list[Mutant]:
    """Return every mutant of a folder, in the order of its files and lines."""
    found: dict[tuple[str, int, str], Mutant] = {}
    for path in sorted((ROOT / folder).rglob("*")):
        if path.suffix not in (".py", ".sql") or only not in str(path):
            continue
        name, text = str(path.relative_to(ROOT)), path.read_text("utf-8")
        made = [*sql_mutants(name, text), *(python_mutants(name, text) if path.suffix == ".py" else ())]
        for mutant in made:
            found.setdefault((name, mutant.line, mutant.text), mutant)
    return sorted(found.values(), key=lambda m: (m.path, m.line, m.operator))


def choose(everything: list[Mutant], folder: str, options: argparse.Namespace) -> list[Mutant]:
    """Return the mutants to try."""
    chosen = everything
    if options.survivors:
        last = {tuple(r["key"]) for r in read_results(folder) if r["outcome"] in UNNOTICED}
        chosen = [m for m in everything if m.key in last]
    if options.sample is not None and options.sample < len(chosen):
        # in the order drawn, so that a run that is cut short has tried a fair sample too
        chosen = random.Random(options.seed).sample(chosen, options.sample)
    return chosen


def run(
    folder: str, settings: dict[str, list[str]], mutants: list[Mutant], jobs: int
) -> list[dict[str, Any]]:
    """Try the mutants; returns one result each."""
    target = results_file(folder)
    target.unlink(missing_ok=True)
    private = Path(tempfile.mkdtemp(prefix="hearth-mutants-"))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    workers: list[int] = []
    try:
        copy_repository(private / "copy-0")
        record_file = private / "record.json"
        measured(private / "copy-0", folder, settings["tests"], record_file)
        record = json.loads(record_file.read_text("utf-8"))
        if record["failed"]:
            raise SystemExit(f"{len(record['failed'])} tests fail without any mutant: {record['failed'][:3]}")
        for number in range(max(1, jobs)):
            copy = private / f"copy-{number}"
            if number:
                shutil.copytree(private / "copy-0", copy)
            child = os.fork()
            if child == 0:
                signal.signal(signal.SIGTERM, signal.SIG_DFL)
                preload(copy, folder, record["modules"], settings.get("warm", []))
                work(copy, mutants[number :: max(1, jobs)], record, target)
                os._exit(0)
            workers.append(child)
        while workers:
            os.waitpid(workers[-1], 0)
            workers.pop()
    finally:
        for child in workers:  # left where the run was ended
            os.kill(child, signal.SIGKILL)
        shutil.rmtree(private, ignore_errors=True)
    return read_results(folder)


def work(copy: Path, mutants: list[Mutant], record: dict[str, Any], target: Path) -> None:
    """Try a share of the mutants, one after the other, on a copy of the repository of its own."""
    log = copy.with_suffix(".trial.log")
    for mutant in mutants:
        why, began = equivalence(mutant), time.monotonic()
        tests = tests_of(mutant, (copy / mutant.path).read_text("utf-8"), record)
        seconds = sum(record["seconds"][test] for test in tests)
        outcome = f"equivalent: {why}" if why else try_mutant(copy, mutant, tests, seconds, log)
        result = {
            "key": mutant.key,
            "line": mutant.line,
            "operator": mutant.operator,
            "outcome": outcome,
            "tests": len(tests),
            "seconds": round(time.monotonic() - began, 2),
        }
        with target.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(result) + "\n")


def results_file(folder: str) -> Path:
    """Return where a folder's results are."""
    return RESULTS / f"{folder.replace('/', '-')}.jsonl"


def read_results(folder: str) -> list[dict[str, Any]]:
    """Return the results of a folder's last run."""
    path = results_file(folder)
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.is_file() else []


def write_results(folder: str, results: list[dict[str, Any]]) -> None:
    """Write the results of a folder in the order of their places."""
    ordered = sorted(results, key=lambda r: (r["key"][0], r["line"], r["operator"]))
    results_file(folder).write_text("".join(json.dumps(r) + "\n" for r in ordered), "utf-8")


def summary(folder: str, everything: int, results: list[dict[str, Any]]) -> tuple[str, int]:
    """Return a row of the table, and how many mutants went unnoticed."""
    outcomes = Counter(result["outcome"].split(":")[0] for result in results)
    noticed = sum(outcomes[name] for name in NOTICED)
    unnoticed = sum(outcomes[name] for name in UNNOTICED)
    score = noticed / (noticed + unnoticed) if noticed + unnoticed else 1.0
    row = (
        f"| {folder} | {everything} | {len(results)} | {outcomes['equivalent']} | {noticed} | {unnoticed} "
        f"| {score:.1%} |"
    )
    return row, unnoticed


def show_unnoticed(results: list[dict[str, Any]]) -> None:
    """Print the mutants that no test noticed."""
    for result in sorted(results, key=lambda r: (r["key"][0], r["line"])):
        if result["outcome"] in UNNOTICED:
            path, before, after = result["key"]
            print(f"{path}:{result['line']}: {result['outcome']} ({result['operator']})")
            print(f"    - {before}\n    + {after}")


if __name__ == "__main__":
    sys.exit(main())
