# SPDX-License-Identifier: GPL-3.0-or-later
"""The page that libfail-allocations.so and a test share (fail-allocations.h): who asks for memory, and who gets none."""

import mmap
import pathlib
import struct
import subprocess
import typing

SITES, FRAMES, FILES, NAME = 16384, 12, 64, 64
HEADER = struct.Struct("=IIQIIIIII")
SITE = struct.Struct(f"=QII{FRAMES}H{FRAMES}Q")
SITES_AT = HEADER.size + FILES * NAME
SIZE = SITES_AT + SITES * SITE.size
OFF, RECORD, ONCE, KILL = range(4)


class Site(typing.NamedTuple):
    """A place that asks for memory: how often it did, and the calls that lead there, the nearest first."""
    number: int
    count: int
    calls: tuple  # of (file, address)

    @property
    def asker(self):
        """The file whose code asked, through however much of the C library."""
        for name, _ in self.calls:
            if not name.startswith(("libc.so", "libc-")):
                return name
        return self.calls[0][0] if self.calls else ""


class Allocations:
    """The page in the file `path`; `frames` calls tell two places apart."""

    def __init__(self, path, library, frames=8):
        self.path, self.library = pathlib.Path(path), library
        self.path.write_bytes(bytes(SIZE))
        with open(self.path, "r+b") as file:
            self.page = mmap.mmap(file.fileno(), SIZE)
        self.frames = frames

    def environment(self, base):
        """For a program that is to be looked at."""
        preload = " ".join(filter(None, [self.library, base.get("LD_PRELOAD")]))
        return {**base, "LD_PRELOAD": preload, "FAIL_ALLOCATIONS": str(self.path),
                "ASAN_OPTIONS": "verify_asan_link_order=0:" + base.get("ASAN_OPTIONS", "")}

    def _set(self, mode, site=0, moment=0):
        # The mode last: what it is about is there by then.
        files = HEADER.unpack_from(self.page)[7]
        HEADER.pack_into(self.page, 0, OFF, self.frames, site, moment, 0, 0, 0, files, 0)
        struct.pack_into("=I", self.page, 0, mode)

    def off(self):
        struct.pack_into("=I", self.page, 0, OFF)

    def record(self):
        self.page[SITES_AT:] = bytes(SITES * SITE.size)
        self._set(RECORD)

    def fail(self, site, moment=1):
        """The moment-th allocation of the site has no memory; of any if site is 0."""
        self._set(ONCE, site, moment)

    def kill(self, site, moment=1):
        self._set(KILL, site, moment)

    @property
    def struck(self):
        return HEADER.unpack_from(self.page)[4]

    def sites(self):
        """What has been recorded."""
        self.off()
        names = [self.page[HEADER.size + n * NAME:HEADER.size + (n + 1) * NAME].split(b"\0")[0].decode()
                 for n in range(FILES)]
        assert HEADER.unpack_from(self.page)[6] == 0, "more places than there is room for"
        found = []
        for slot in range(SITES):
            number, count, depth, *rest = SITE.unpack_from(self.page, SITES_AT + slot * SITE.size)
            if number:
                calls = tuple((names[rest[i]], rest[FRAMES + i]) for i in range(depth))
                found.append(Site(number, count, calls))
        return sorted(found)


def describe(site, files):
    """The calls of a site for people; `files` has the paths of programs by their names."""
    lines = []
    for name, address in site.calls:
        if name in files:
            done = subprocess.run(["addr2line", "-spfe", files[name], hex(address - 1)], capture_output=True, text=True,
                                  check=False)
            lines.append(done.stdout.strip())
        else:
            lines.append(f"{name}+{address:#x}")
    return " < ".join(lines)
