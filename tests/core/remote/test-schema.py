#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""data/providers/schema.json and the reader of descriptors agree.

An independent validator (python3-jsonschema) checks what is shipped, what is broken on purpose, and
descriptors that differ from a good one in one place. What the schema refuses the reader refuses,
too; and what only the reader refuses is of the kinds that no schema can see.

Arguments: the program check-providers, data/providers, tests/data/providers. The validator is slow:
of the thousands of variants some hundreds are tried, always the same; ESP_EVERY=1 tries them all.
"""
import copy
import json
import os
import pathlib
import random
import re
import subprocess
import sys

try:
    import jsonschema
except ImportError:
    print("1..0 # SKIP python3-jsonschema is not installed")
    sys.exit(0)

EVERY = "ESP_EVERY" in os.environ
CHECKER, SHIPPED, FILES = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])

# What only the reader sees: names in templates, addresses, bounds, expressions.
MEANING = re.compile("|".join([
    r"\{\{", r"“\{\{” without", r"is no name like", r"is no address", r"has to begin with https",
    r"in the host only", r"is no origin", r"“\*” may stand", r"is there twice",
    r"is below the minimum", r"is above the maximum", r"it is below", r"is not among the values",
    r"Error while compiling", r"needs the job's id", r"“result”$", r"only the flow “stream”",
    r"only the flow “poll”", r"this is called “negative”", r"“auto” or a size", r"a size like",
    r"regular expression", r"stands nowhere",
]))

VALUES = [[], {}, None, -7, 0.5, "", "x", True, [{}], [[""]], {"x": 1}]


def load(path):
    return json.loads(path.read_text(encoding="utf-8"))


def descriptors(folder):
    return sorted(path for path in folder.glob("*.json") if path.name != "schema.json")


def read(documents):
    """What the reader says of each: "ok" or a message."""
    lines = "".join(json.dumps(document) + "\n" for document in documents)
    result = subprocess.run([CHECKER], input=lines.encode(), stdout=subprocess.PIPE, check=True)
    answers = result.stdout.decode().splitlines()
    assert len(answers) == len(documents), (len(answers), len(documents))
    return answers


def places(node, path=()):
    """The path of every member and element."""
    pairs = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in pairs:
        yield path + (key,)
        yield from places(value, path + (key,))


def variants(document):
    """The document with one thing changed: another value, a member too few or too many."""
    for path in list(places(document)):
        for value in VALUES:
            changed = copy.deepcopy(document)
            parent = changed
            for key in path[:-1]:
                parent = parent[key]
            parent[path[-1]] = value
            yield path, changed
        changed = copy.deepcopy(document)
        parent = changed
        for key in path[:-1]:
            parent = parent[key]
        del parent[path[-1]]
        yield path + ("(removed)",), changed
        changed = copy.deepcopy(document)
        node = changed
        for key in path:
            node = node[key]
        if isinstance(node, dict):
            node["surplus"] = "/x"
            yield path + ("surplus",), changed


class Results:
    def __init__(self):
        self.count = 0
        self.failed = 0

    def check(self, name, problems):
        self.count += 1
        self.failed += bool(problems)
        for problem in problems[:20]:
            print("# " + problem)
        print(f"{'not ok' if problems else 'ok'} {self.count} - {name}", flush=True)


def main():
    schema = load(SHIPPED / "schema.json")
    kind = jsonschema.validators.validator_for(schema)
    kind.check_schema(schema)
    validator = kind(schema)
    results = Results()

    good = descriptors(SHIPPED) + descriptors(FILES)
    results.check("what is shipped is valid", [
        f"{path.name}: {error.json_path}: {error.message}"
        for path in good for error in validator.iter_errors(load(path))])

    problems = []
    n_broken = 0
    for line in (FILES / "broken" / "expected.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            continue
        name, who, _line, _words = line.split("\t")
        if who == "syntax":
            continue
        n_broken += 1
        valid = validator.is_valid(load(FILES / "broken" / f"{name}.json"))
        if valid != (who == "meaning"):
            problems.append(f"{name}: {who}, but {'valid' if valid else 'invalid'} by the schema")
    if n_broken < 30:
        problems.append(f"only {n_broken} broken descriptors")
    results.check("what is broken is refused by those who can see it", problems)

    for path in [FILES / "poll.json", FILES / "events.json", FILES / "small.json",
                 SHIPPED / "comfyui.json", SHIPPED / "runflow-flux-kontext-pro.json"]:
        cases = list(variants(load(path)))
        if not EVERY:
            cases = random.Random(path.name).sample(cases, min(len(cases), 120))
        answers = read([document for _place, document in cases])
        problems = []
        for (place, document), answer in zip(cases, answers):
            valid = validator.is_valid(document)
            where = "/".join(map(str, place))
            if answer == "ok" and not valid:
                error = next(validator.iter_errors(document))
                problems.append(f"{where}: only the schema refuses it: {error.message[:200]}")
            elif answer != "ok" and valid and not MEANING.search(answer):
                problems.append(f"{where}: only the reader refuses it: {answer}")
        results.check(f"{len(cases)} variants of {path.name} are judged alike", problems)

    print(f"1..{results.count}")
    return 1 if results.failed else 0


sys.exit(main())
