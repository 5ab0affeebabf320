#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Builds the engine for aarch64 and runs its operations' tests and a whole edit under QEMU. Prints TAP.

    run-aarch64.py --source FOLDER --build FOLDER --compare COMPARE-DUMP

ESPALIER_AARCH64 says what to run: "short" (operations with dot products, block formats, adapters, an edit) or
"all" (the other operations, too); without it everything is skipped, as where a tool or a library is missing.
ESPALIER_AARCH64_ROOT is the folder with the libraries that make-sysroot.sh has filled; `./dev test --aarch64`
sees to all of it.
"""

import argparse
import concurrent.futures
import os
import pathlib
import shutil
import subprocess
import sys

TOOLS = ("aarch64-linux-gnu-gcc", "qemu-aarch64", "meson", "ninja", "pkg-config")
LIBC = "/usr/aarch64-linux-gnu"
SHORT = [["test-ops", "dotprod"], ["test-block-products"], ["test-adapters"]]
ALL = SHORT + [["test-ops", "baseline"], ["test-convolutions", "baseline"], ["test-linear-batch"]]
EDIT = "demo-one-step"


class Tap:
    def __init__(self):
        self.count = self.failures = 0

    def report(self, ok, name):
        self.count += 1
        self.failures += not ok
        print(f"{'ok' if ok else 'not ok'} {self.count} - {name}", flush=True)

    def relay(self, name, done):
        """The cases of another program's TAP, and whether it came to its end."""
        cases = 0
        for line in done.stdout.splitlines():
            result, separator, text = line.partition(" - ")
            if separator and result.startswith(("ok ", "not ok ")):
                cases += 1
                self.report(result.startswith("ok "), f"{name}: {text}")
            elif line.startswith("# "):
                print(line)
        if done.returncode not in (0, 1) or cases == 0:
            print("\n".join(f"# {line}" for line in (done.stdout + done.stderr).splitlines()[-20:]))
            self.report(False, f"{name} ended with status {done.returncode} after {cases} cases")


def missing(root):
    for tool in TOOLS:
        if shutil.which(tool) is None:
            return f"{tool} is not there"
    if not (pathlib.Path(root) / "usr/lib/aarch64-linux-gnu/libdnnl.so").exists():
        return "there is no oneDNN for aarch64"
    return None


def emulator(root):
    return ["qemu-aarch64", "-L", LIBC, "-E", f"LD_LIBRARY_PATH={root}/usr/lib/aarch64-linux-gnu"]


def build(options, root, targets):
    """False, with what was said, when it does not compile."""
    places = options.build / "places.ini"
    meson = "/usr/bin/meson" if os.access("/usr/bin/meson", os.X_OK) else "meson"
    options.build.mkdir(parents=True, exist_ok=True)
    places.write_text(f"[constants]\nsysroot = '{root}'\nemulator = {emulator(root)!r}\n")
    folder = options.build / "engine"
    commands = [["ninja", "-C", folder, *targets]]
    if not (folder / "build.ninja").exists():
        cross = pathlib.Path(__file__).resolve().parent / "cross.ini"
        commands.insert(0, [meson, "setup", folder, options.source, "--cross-file", places, "--cross-file", cross,
                            "-Dengine_only=true", "-Dcuda=disabled", "-Dwerror=true"])
    for command in commands:
        done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, check=False)
        if done.returncode != 0:
            print("\n".join(f"# {line}" for line in done.stdout.splitlines()[-30:]))
            return False
    return True


def engine_of(options, root):
    """A program that runs the engine under QEMU, for scripts that start one."""
    script = options.build / "espalier-engine"
    words = " ".join(f"'{word}'" for word in [*emulator(root), options.build / "engine/src/engine/worker/espalier-engine"])
    script.write_text(f"#!/bin/sh\nexec {words} \"$@\"\n")
    script.chmod(0o755)
    return script


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--source", type=pathlib.Path, required=True)
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--compare", required=True)
    options = parser.parse_args()
    which = os.environ.get("ESPALIER_AARCH64", "")
    root = os.environ.get("ESPALIER_AARCH64_ROOT", "")
    if which not in ("short", "all"):
        print("1..0 # SKIP ./dev test --aarch64 runs it")
        return 0
    reason = missing(root)
    if reason is not None:
        print(f"1..0 # SKIP {reason}: gcc-aarch64-linux-gnu, qemu-user and Debian's archive are needed")
        return 0
    tap, programs = Tap(), SHORT if which == "short" else ALL
    targets = sorted({f"tests/engine/ops/{program[0]}" for program in programs})
    if not build(options, root, [*targets, "src/engine/worker/espalier-engine"]):
        tap.report(False, "the engine compiles for aarch64")
        print("1..1")
        return 1
    tap.report(True, "the engine compiles for aarch64")
    commands = [(" ".join(program), [*emulator(root), str(options.build / "engine/tests/engine/ops" / program[0]),
                                     *program[1:]]) for program in programs]
    commands.append((EDIT, [sys.executable, str(options.source / "tests/engine/model/run-edit-case.py"),
                            "--engine", str(engine_of(options, root)), "--compare", options.compare,
                            "--models", str(options.build / "models"),
                            str(options.source / "tests/data/edits/cases" / EDIT)]))
    # Emulated threads that wait must not spin.
    environment = {**os.environ, "OMP_WAIT_POLICY": "passive"}
    environment.pop("GOMP_SPINCOUNT", None)

    def run(command):
        return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)

    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for name, done in zip([name for name, _ in commands],
                              pool.map(run, [command for _, command in commands])):
            tap.relay(name, done)
    print(f"1..{tap.count}")
    return tap.failures != 0


if __name__ == "__main__":
    sys.exit(main())
