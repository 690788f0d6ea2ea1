#!/usr/bin/env python3
"""The list of results: outcome and name, one a line.

    results.py junit LIST FILE PREFIX    add the test cases of a JUnit file
    results.py gotest LIST FILE PREFIX   add those of `go test -json`
    results.py total LIST                print the failures, then the sum

The sum is the last line, `N passed, N failed` (`, N skipped` when there were),
and the exit code is 0 only if something passed and nothing failed."""

import json
import sys
import xml.etree.ElementTree


def junit(path):
    """(outcome, name) of each case; a file that is missing or broken is a
    failure of its own, so that a runner that died is not taken for success."""
    try:
        tree = xml.etree.ElementTree.parse(path)
    except (OSError, xml.etree.ElementTree.ParseError) as why:
        yield "failed", f"{path}: {why}"
        return
    for suite in tree.iter("testsuite"):
        for case in suite.findall("testcase"):
            outcome = "passed"
            if case.find("failure") is not None or \
                    case.find("error") is not None:
                outcome = "failed"
            elif case.find("skipped") is not None:
                outcome = "skipped"
            place = case.get("classname") or ""
            name = f"{place.split(' / ')[-1]} {case.get('name').split(' / ')[-1]}"
            yield outcome, name.strip()


def gotest(path):
    words = {"pass": "passed", "fail": "failed", "skip": "skipped"}
    for line in open(path, encoding="utf-8"):
        try:
            event = json.loads(line)
        except json.JSONDecodeError:
            continue
        if event.get("Action") in words and event.get("Test"):
            yield words[event["Action"]], f"{event['Package']} {event['Test']}"


def add(kind, target, path, prefix):
    reader = {"junit": junit, "gotest": gotest}[kind]
    with open(target, "a", encoding="utf-8") as out:
        for outcome, name in reader(path):
            name = " ".join(name.split())
            out.write(f"{outcome}\t{prefix}: {name}\n")


def total(path):
    count = {"passed": 0, "failed": 0, "skipped": 0}
    failures = []
    for line in open(path, encoding="utf-8"):
        outcome, _, name = line.rstrip("\n").partition("\t")
        count[outcome] += 1
        if outcome == "failed":
            failures.append(name)
    print()
    for name in failures:
        print(f"FAILED {name}")
    skipped = f", {count['skipped']} skipped" if count["skipped"] else ""
    print(f"{count['passed']} passed, {count['failed']} failed{skipped}")
    return 0 if count["passed"] and not count["failed"] else 1


if __name__ == "__main__":
    if len(sys.argv) == 5 and sys.argv[1] in ("junit", "gotest"):
        add(*sys.argv[1:])
    elif len(sys.argv) == 3 and sys.argv[1] == "total":
        sys.exit(total(sys.argv[2]))
    else:
        sys.exit(__doc__)
