# SPDX-License-Identifier: GPL-3.0-or-later
"""What test-program-allocations.py has the command line's program do without memory, and what must hold after each."""
import hashlib
import json
import os
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/cli"))
sys.path.insert(0, str(ROOT / "tests/servers"))
from drive import clean_environment  # noqa: E402
from fakes import Fakes  # noqa: E402
from files import FileServer  # noqa: E402
from offered import MIB, World  # noqa: E402
from scratch import DEMO, pixels, wait_until  # noqa: E402


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else None


class Case:
    """A command, what it needs, and what must hold when it has ended."""

    # Whether a command that says that it failed may have made a result with what went well.
    partial = False

    def prepare(self, s):
        """Makes what the command needs in the scratch folder. Returns its arguments."""
        raise NotImplementedError

    def check(self, s, status):
        """Of what is left."""

    def result(self, s):
        return s.out / "out.png"

    def essence(self, s):
        """What is the same of every result; None: there is none."""
        return digest(self.result(s))

    def end(self):
        pass


class Edit(Case):
    """An edit by the local engine."""

    def prepare(self, s):
        self.photo = s.photo(width=48, height=32)
        return ["edit", self.photo, "-p", "Make it snow", "-o", self.result(s), "--model", DEMO, "--steps", "1",
                "--size", "match", "--seed", "7"]


class Compose(Case):
    """A result put into the photo that it was made from."""

    def prepare(self, s):
        photo = s.photo(width=96, height=64)
        return ["compose", photo, s.photo("result.png", 48, 32), "-o", self.result(s), "--mask-out", s.out / "mask.png", "--json"]


class Turn(Case):
    """A turn of a document."""

    template = None

    def prepare(self, s):
        self.document = s.folder / "tree.espalier"
        if Turn.template is None:
            status, _, errors = s.run("new", self.document, s.photo(width=48, height=32))
            assert status == 0, errors
            Turn.template = self.document.read_bytes()
        self.document.write_bytes(Turn.template)
        return ["run", self.document, "--node", "1", "-p", "Make it snow", "--model", DEMO, "--set", "steps=1", "--set", "size=match",
                "--seed", "7"]

    def check(self, s, status):
        told, out, errors = s.run("verify", self.document)
        assert told == 0, (out, errors)
        told, out, errors = s.run("tree", self.document, "--json")
        assert told == 0, errors
        nodes = json.loads(out)["nodes"]
        assert nodes[0]["id"] == 1 and len(nodes) <= 2, nodes
        if status == 0:
            assert len(nodes) == 2, nodes
        told, _, errors = s.run("export", self.document, "--node", "1", "-o", s.out / "first.png")
        assert told == 0 and (s.out / "first.png").stat().st_size > 0, errors

    def result(self, s):
        return s.out / "nothing"


class Export(Turn):
    """An image of a document as a file."""

    def prepare(self, s):
        super().prepare(s)
        return ["export", self.document, "--node", "1", "-o", self.result(s)]

    def check(self, s, status):
        told, out, errors = s.run("verify", self.document)
        assert told == 0, (out, errors)

    def result(self, s):
        return s.out / "out.webp"


class Paid(Case):
    """An edit by a provider that is paid for it, in a queue."""

    fakes = None

    def prepare(self, s):
        if Paid.fakes is None:
            Paid.fakes = Fakes().__enter__()
        self.world = Paid.fakes.world("bfl", (), max_side=128)
        tmp = s.environment["TMPDIR"]
        s.environment = dict(clean_environment(s.folder), TMPDIR=tmp, LC_ALL="C.UTF-8")
        key = s.folder / "key"
        key.write_text(self.world.key)
        return ["edit", s.photo(width=64, height=48), "-p", "Make it snow", "-o", self.result(s), "--backend", "bfl-flux-kontext-pro",
                "--base-url", self.world.base_url, "--key-file", key, "--set", "seed=7"]

    def check(self, s, status):
        submits = self.world.count()["submits"]
        assert submits <= 1, "paid twice"
        if status == 0 or self.result(s).exists():
            self.world.close()
            return
        told, out, errors = s.run("jobs", "--json")
        assert told == 0, errors
        listed = json.loads(out)["jobs"]
        assert len(listed) == 1 or submits == 0 and not listed, f"{submits} submitted, known: {listed}"
        if listed and listed[0]["state"] not in ("preparing", "submitting", "unknown"):
            told, out, errors = s.run("jobs", "resume", "--json")
            assert told == 0 and self.result(s).exists(), (listed, out, errors)
        assert self.world.count()["submits"] == submits, "paid twice"
        self.world.close()

    def essence(self, s):
        # Its recipe names the job, each time another.
        return hashlib.sha256(repr(pixels(self.result(s))).encode()).hexdigest() if self.result(s).exists() else None

    def end(self):
        Paid.fakes.__exit__()
        Paid.fakes = None


class Sweep(Turn):
    """Two cells of a sweep, kept in a document. The sheet shows a cell that failed as one."""

    partial = True

    def prepare(self, s):
        super().prepare(s)
        self.command = ["sweep", self.document, "--node", "1", "-p", "Make it snow", "--model", DEMO, "--steps", "1", "--set",
                        "size=match", "--seed", "7", "--axis", "guidance=1,2", "-o", self.result(s)]
        return self.command

    def check(self, s, status):
        told, out, errors = s.run("verify", self.document)
        assert told == 0, (out, errors)
        # The same command makes what is missing.
        told, _, errors = s.run(*self.command)
        assert told == 0, errors
        told, out, errors = s.run("tree", self.document, "--json")
        assert told == 0 and len(json.loads(out)["nodes"]) == 3, (out, errors)

    def result(self, s):
        return s.out / "sheet.png"

    def essence(self, s):
        # FreeType leaves out letters for which it has no memory, and tells nobody.
        return pixels(self.result(s))[:2] if self.result(s).exists() else None


class Import(Turn):
    """Photos put into a document."""

    def prepare(self, s):
        super().prepare(s)
        return ["import", self.document, s.photo("two.png", 32, 48), s.photo("three.png", 48, 48)]

    def check(self, s, status):
        told, out, errors = s.run("verify", self.document)
        assert told == 0, (out, errors)
        told, out, errors = s.run("tree", self.document, "--json")
        count = len(json.loads(out)["nodes"])
        assert told == 0 and 1 <= count <= 3 and (status != 0 or count == 3), (count, errors)


class Convert(Case):
    """A model's file in another number format."""

    def prepare(self, s):
        return ["models", "convert", DEMO / "text_encoder_2", self.result(s), "--type", "q8_0"]

    def result(self, s):
        return s.out / "out.gguf"


class Settings(Case):
    """A model made of files, and what this computer remembers of its person's choices."""

    def prepare(self, s):
        s.environment["XDG_CONFIG_HOME"] = str(s.folder / "home/config")
        self.models = s.folder / "home/share/espalier/models"
        status, _, errors = s.run("models", "add", DEMO, "--name", "First", "--default")
        assert status == 0, errors
        return ["models", "add", DEMO, "--name", "Second", "--default", "--json"]

    def check(self, s, status):
        told, out, errors = s.run("models", "--json")
        assert told == 0, errors
        models = {model["id"]: model for model in json.loads(out)["models"] if model["kind"] != "none"}
        assert "First" in models and not any(model["problem"] for model in models.values()), models
        chosen = [name for name, model in models.items() if model["default"]]
        assert chosen == ["Second"] if status == 0 else len(chosen) == 1 and chosen[0] in ("First", "Second"), chosen
        if "Second" not in models:
            told, _, errors = s.run("models", "add", DEMO, "--name", "Second", "--default")
            assert told == 0, errors
        # What it was at goes when surely nobody is at it any more.
        left = [path for path in self.models.iterdir() if path.name.startswith(".adding-")]
        assert status != 0 or not left, left
        for path in left:
            os.utime(path, (0, 0))
        assert wait_until(lambda: s.run("models")[0] == 0 and sorted(path.name for path in self.models.iterdir()) == ["First", "Second"]), \
            list(self.models.iterdir())

    def essence(self, s):
        return None


class Download(Case):
    """A model from a server, in pieces."""

    server = None

    def prepare(self, s):
        if Download.server is None:
            Download.server = FileServer().__enter__()
        self.world = World(s, Download.server, size=2 * MIB + 5)
        return self.world.command()

    def check(self, s, status):
        if not self.world.target.exists():
            assert status != 0, "it says that all is well, and there is no model"
            self.world.expect_none()
            told, _, errors = self.world.run()
            assert told == 0, errors
        # That it was downloaded is noted no longer than until somebody looks for models.
        assert wait_until(lambda: self.world.listed() and not self.world.state.parent.exists()), "the download left something"
        self.world.expect_whole()

    def essence(self, s):
        return None

    def end(self):
        Download.server.__exit__()
        Download.server = None


CASES = {"edit": Edit, "turn": Turn, "export": Export, "compose": Compose, "paid": Paid, "sweep": Sweep, "import": Import,
         "convert": Convert, "settings": Settings, "download": Download}
