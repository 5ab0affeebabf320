#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every place in the command line's program that asks for memory has none, once: nothing is lost, nothing is left, nothing is paid twice.

    test-program-allocations.py [--all | --sample N] [--case NAME] [--verbose]

As test-engine-allocations.py does with the worker, but a program that is out of memory may end: GLib ends it where it asks for memory
itself. Whatever it was,

- it says one sentence and its status is that of a failure, or GLib's message is there, or what came out is what always comes out;
- a result is there whole or not at all, and what it was made from is as it was;
- a document is whole, and has what it had;
- no process and no file stays;
- what a provider was asked for once is not asked for again, and can be had.

Without --all (or FAULTS=all) some of the places are tried.
"""

import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

import allocations
from program_cases import CASES, digest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/cli"))
from scratch import CLI, Scratch, wait_until  # noqa: E402

PATIENCE = 120  # seconds for a command
SAMPLE = 10  # places of a case, without --all
FRAMES = 7
TRAP, ABORT = 5, 6

# What is not asked: a thread's own variables, in the dynamic linker. GLib then has one thread less, and what was to run in it waits for
# the next thread that is made.
LEFT_OUT = ("ld-linux",)

# Which libraries may crash by themselves where they were given nothing: lcms 2.14 and fontconfig 2.14 use what they did not get, and
# GLib what PCRE did not.
CRASHES = ("liblcms2.so", "libpcre2", "libfontconfig.so")


def processes_of(folder):
    """Which still have the scratch folder in their environment."""
    found = []
    for place in pathlib.Path("/proc").iterdir():
        if place.name.isdigit() and place.name != str(os.getpid()):
            try:
                if str(folder).encode() in (place / "environ").read_bytes():
                    found.append((place / "cmdline").read_bytes().replace(b"\0", b" ").decode())
            except OSError:
                pass
    return found


class Trial:
    """A case again and again, with one place after the other that has no memory."""

    def __init__(self, case, page, folder):
        self.case, self.page, self.folder = case, page, folder
        self.number = 0
        self.expected = None

    def scratch(self):
        self.number += 1
        place = self.folder / str(self.number)
        place.mkdir()
        return Scratch(place)

    def run(self, s, arm):
        arguments = self.case.prepare(s)
        inputs = {path: digest(path) for path in s.folder.iterdir() if path.suffix == ".png"}
        environment = dict(self.page.environment(s.environment), FAIL_ALLOCATIONS_PROGRAM=pathlib.Path(CLI).name, G_SLICE="always-malloc")
        arm()
        process = s.start(*arguments, env=environment)
        try:
            _, errors = process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise AssertionError("it does not end") from None
        finally:
            self.page.off()
        assert {path: digest(path) for path in inputs} == inputs, "what it was made from has changed"
        return process.returncode, errors.decode(errors="replace")

    def places(self):
        s = self.scratch()
        status, errors = self.run(s, self.page.record)
        assert status == 0, errors
        sites = self.page.sites()
        self.expected = self.case.essence(s)
        self.case.check(s, status)
        self.clean(s, status)
        return sites

    def attempt(self, site, moment):
        s = self.scratch()
        status, errors = self.run(s, lambda: self.page.fail(site.number, moment))
        struck = self.page.struck
        if status < 0:
            known = "failed to allocate" in errors or "Cannot allocate memory" in errors or "rror creating thread" in errors
            crashed = any(name.startswith(CRASHES) for name, _ in site.calls[:1])
            assert crashed or -status in (TRAP, ABORT) and known, f"signal {-status}: {errors}"
        elif status > 0:
            lines = errors.strip().splitlines()
            assert lines and any(line.startswith("espalier-cli: ") for line in lines), f"status {status}: {errors!r}"
        made = self.case.essence(s)
        assert made in (None, self.expected) or status > 0 and self.case.partial, "the result is not what it always is"
        assert status != 0 or made == self.expected, "it says that all is well, and there is no result"
        self.case.check(s, status)
        self.clean(s, status)
        return "unreached" if not struck else "worked" if status == 0 else "told" if status > 0 else "ended"

    def clean(self, s, status):
        assert wait_until(lambda: not processes_of(s.folder), 30), f"still there: {processes_of(s.folder)}"
        left = sorted(path.name for path in s.tmp.iterdir())
        assert not left, f"left in TMPDIR: {left}"
        odd = [path.name for folder in (s.out, s.folder) for path in folder.iterdir() if path.name.startswith(".")]
        assert not odd or status < 0, f"left: {odd}"
        shutil.rmtree(s.folder)


def run_case(trial, everything, sample, verbose):
    sites = trial.places()
    asked = [site for site in sites if not site.calls[0][0].startswith(LEFT_OUT)]
    tried = asked if everything else asked[::max(1, len(asked) // sample)]
    moments = [(site, moment) for site in tried for moment in sorted({1, site.count} if everything else {1})]
    count = {"told": 0, "worked": 0, "unreached": 0, "ended": 0}
    failures = []
    for number, (site, moment) in enumerate(moments):
        try:
            count[trial.attempt(site, moment)] += 1
        except (AssertionError, KeyError, ValueError) as wrong:
            where = allocations.describe(site, {"program": CLI})
            failures.append(f"{where}\n{moment} of {site.count}: {type(wrong).__name__} {wrong}")
            print("# " + failures[-1].replace("\n", "\n#   "), flush=True)
        if verbose:
            print(f"# {number} of {len(moments)}", flush=True)
    return sites, moments, count, failures


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--all", action="store_true", default=os.environ.get("FAULTS") == "all")
    parser.add_argument("--sample", type=int, default=SAMPLE, help="how many places of each case")
    parser.add_argument("--case", action="append")
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    chosen = options.case or list(CASES)
    failed = 0
    print(f"1..{len(chosen)}", flush=True)
    with tempfile.TemporaryDirectory(prefix="allocations-") as folder:
        for number, name in enumerate(chosen, 1):
            place = pathlib.Path(folder) / name
            place.mkdir()
            page = allocations.Allocations(place / "page", os.environ["FAIL_ALLOCATIONS_LIBRARY"], FRAMES)
            case = CASES[name]()
            start = time.monotonic()
            sites, moments, count, failures = run_case(Trial(case, page, place), options.all, options.sample,
                                                        options.verbose)
            case.end()
            print(f"# {name}: {len(sites)} places, {len(moments)} failures: {count['told']} told, {count['worked']} done without, "
                  f"{count['ended']} ended, {count['unreached']} not reached; {time.monotonic() - start:.0f} s")
            print(f"{'not ok' if failures else 'ok'} {number} - {name}", flush=True)
            failed += bool(failures)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
