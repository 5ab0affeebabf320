# SPDX-License-Identifier: GPL-3.0-or-later
"""Mutants of a C file: the same file with small mistakes in it, all at once, of which one is chosen at run time.

Each place where a mistake is made becomes `(esp_mutant_is (N) ? mistake : original)`, so that a program is compiled once
and run with ESP_MUTANT=N in its environment. With ESP_MUTANT_TRACE=FILE it sets the N-th byte of that file for each that it comes by.

Where the places are is libclang's word, not that of patterns: only in functions, and only what stands in the file itself
(what a macro makes of its arguments is left alone).

What mistakes are made:
  boundary   < for <=, >= for >, and the other way round
  equality   == for !=, and the other way round
  logic      && for ||, and the other way round
  negation   ! is left out
  arithmetic + for -, and the other way round
  condition  an `if` without `else` never does what it says: a check, or a step, is forgotten
  statement  a call or an assignment is left out (not those that only free memory or log: a leak shows no other result,
             and is what the sanitizers look for)
  return     FALSE for TRUE, and the other way round
"""
import dataclasses
import pathlib
import re

from clang import cindex
from clang.cindex import CursorKind, TypeKind

SWAPS = {
    b'<': ('boundary', b'<='), b'<=': ('boundary', b'<'), b'>': ('boundary', b'>='), b'>=': ('boundary', b'>'),
    b'==': ('equality', b'!='), b'!=': ('equality', b'=='), b'&&': ('logic', b'||'), b'||': ('logic', b'&&'),
    b'+': ('arithmetic', b'-'), b'-': ('arithmetic', b'+'),
}
NUMBERS = {TypeKind.INT, TypeKind.UINT, TypeKind.LONG, TypeKind.ULONG, TypeKind.LONGLONG, TypeKind.ULONGLONG,
           TypeKind.SHORT, TypeKind.USHORT, TypeKind.UCHAR, TypeKind.CHAR_S, TypeKind.FLOAT, TypeKind.DOUBLE}
# Calls whose absence changes no result.
SILENT = re.compile(r'free|unref|_clear|destroy|close$|g_debug|g_message|g_info|prefault|sqlite3_finalize|madvise|'
                    r'posix_fadvise|g_test_|add_weak|remove_weak|set_name$|set_source_tag|set_priority')

# What is come by is noted in a file that is mapped, a byte for each: tests let calls on files fail.
SUPPORT = b'''
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
static int
esp_mutant_is (int number)
{
  static int active = -1;
  static unsigned char *trace;
  if (active < 0)
    {
      const char *text = getenv ("ESP_MUTANT");
      const char *file = getenv ("ESP_MUTANT_TRACE");
      int fd = file != NULL ? open (file, O_RDWR | O_CLOEXEC) : -1;
      struct stat info;
      if (fd >= 0)
        {
          void *map = fstat (fd, &info) == 0
            ? mmap (NULL, (size_t) info.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) : MAP_FAILED;
          if (map != MAP_FAILED)
            trace = map;
          syscall (SYS_close, fd);
        }
      active = text != NULL ? atoi (text) : 0;
    }
  if (trace != NULL)
    trace[number] = 1;
  return active == number;
}
'''


@dataclasses.dataclass(eq=False)
class Mutant:
    number: int
    file: str
    line: int
    kind: str
    before: str  # what stands there, on one line
    after: str   # what stands there instead

    def __str__(self):
        return f'{self.file}:{self.line}: {self.kind}: {self.before}  →  {self.after}'


@dataclasses.dataclass(eq=False)
class Edit:
    """`render` makes the new text of [start, end) from what the edits inside have made of its parts."""
    start: int
    end: int
    mutants: list  # (kind, mistake as bytes)
    statement: bool = False


class File:
    def __init__(self, path, name, arguments):
        self.source = pathlib.Path(path).read_bytes()
        self.name = name
        self.edits = []
        self.unit = cindex.Index.create().parse(str(path), args=arguments)
        self.path = str(path)
        for cursor in self.unit.cursor.get_children():
            if cursor.kind == CursorKind.FUNCTION_DECL and cursor.is_definition() and self.is_here(cursor):
                for child in cursor.get_children():
                    if child.kind == CursorKind.COMPOUND_STMT:
                        self.visit(child, None)

    # --- Places

    def is_here(self, cursor):
        return cursor.location.file is not None and cursor.location.file.name == self.path

    def text(self, cursor):
        return self.source[cursor.extent.start.offset:cursor.extent.end.offset]

    def add(self, cursor, mutants, statement=False):
        self.edits.append(Edit(cursor.extent.start.offset, cursor.extent.end.offset, mutants, statement))

    def visit(self, cursor, parent):
        children = list(cursor.get_children())
        if cursor.kind == CursorKind.BINARY_OPERATOR:
            self.binary(cursor, children, parent)
        elif cursor.kind == CursorKind.UNARY_OPERATOR:
            self.negation(cursor, children)
        elif cursor.kind == CursorKind.IF_STMT and len(children) == 2:
            self.condition(children[0])
        elif cursor.kind == CursorKind.CALL_EXPR and is_statement(cursor, parent):
            self.call(cursor)
        elif cursor.kind == CursorKind.RETURN_STMT and children:
            self.returned(children[0])
        for child in children:
            if not self.is_constant(cursor, child, children):
                self.visit(child, cursor)

    def is_constant(self, cursor, child, children):
        """Where C wants a constant: labels, the size of an array, what is static."""
        if cursor.kind == CursorKind.CASE_STMT:
            return child == children[0]
        if cursor.kind == CursorKind.VAR_DECL:
            between = self.source[cursor.location.offset:child.extent.start.offset]
            return b'=' not in between or cursor.storage_class.name == 'STATIC'
        return False

    def binary(self, cursor, children, parent):
        if len(children) != 2:
            return
        left, right = children
        operator = self.source[left.extent.end.offset:right.extent.start.offset].strip()
        if not self.source[left.extent.start.offset:right.extent.end.offset] == self.text(cursor):
            return
        if operator == b'=' and is_statement(cursor, parent):
            self.add(cursor, [('statement', b'')], True)
        elif operator in SWAPS:
            kind, other = SWAPS[operator]
            if kind == 'arithmetic' and not all(child.type.get_canonical().kind in NUMBERS for child in children):
                return
            self.add(cursor, [(kind, b'(%s) %s (%s)' % (self.text(left), other, self.text(right)))])

    def negation(self, cursor, children):
        text = self.text(cursor)
        if text.startswith(b'!') and len(children) == 1 and text.endswith(self.text(children[0])) \
           and len(self.text(children[0])) + 1 == len(text):
            self.add(cursor, [('negation', b'!!' + self.text(children[0]))])

    def condition(self, cursor):
        if self.text(cursor) and self.source[:cursor.extent.start.offset].rstrip().endswith(b'('):
            self.add(cursor, [('condition', b'0')])

    def call(self, cursor):
        name = cursor.spelling
        if name and self.text(cursor).startswith(name.encode()) and self.text(cursor).endswith(b')') \
           and not SILENT.search(name):
            self.add(cursor, [('statement', b'')], True)

    def returned(self, cursor):
        other = {b'TRUE': b'FALSE', b'FALSE': b'TRUE', b'true': b'false', b'false': b'true'}.get(self.text(cursor))
        if other:
            self.add(cursor, [('return', other)])

    # --- The new file

    def mutate(self, first):
        """(the new text, the mutants), which are numbered from `first`."""
        edits = {}
        for edit in self.edits:  # one and the same place twice: a condition that is a comparison
            known = edits.setdefault((edit.start, edit.end), edit)
            if known is not edit:
                known.mutants += edit.mutants
        ordered = sorted(edits.values(), key=lambda edit: (edit.start, -edit.end))
        self.mutants, self.first = [], first
        text = self.render(0, len(self.source), ordered)
        if not self.mutants:
            return self.source, []
        place = [match.end() for match in re.finditer(rb'^#include .*\n', text, re.MULTILINE)
                 if b'\n{' not in text[:match.start()]][-1]
        return text[:place] + SUPPORT + text[place:], self.mutants

    def render(self, start, end, edits):
        parts, at = [], start
        while edits:
            edit = edits[0]
            inner = [other for other in edits[1:] if other.start < edit.end]
            edits = edits[1 + len(inner):]
            if any(other.end > edit.end for other in inner):
                raise ValueError(f'{self.name}: places overlap')
            parts.append(self.source[at:edit.start])
            numbers = [self.note(edit, kind, mistake) for kind, mistake in edit.mutants]
            original = self.render(edit.start, edit.end, inner)
            parts.append(self.choice(edit, numbers, original))
            at = edit.end
        parts.append(self.source[at:end])
        return b''.join(parts)

    def note(self, edit, kind, mistake):
        line = self.source.count(b'\n', 0, edit.start) + 1
        before = ' '.join(self.source[edit.start:edit.end].decode().split())
        after = ' '.join(mistake.decode().split()) or 'nothing'
        self.mutants.append(Mutant(self.first + len(self.mutants), self.name, line, kind, before, after))
        return self.mutants[-1].number

    @staticmethod
    def choice(edit, numbers, original):
        if edit.statement:
            return b'(esp_mutant_is (%d) ? (void) 0 : (void) (%s))' % (numbers[0], original)
        text = b'(%s)' % original
        for number, (_, mistake) in zip(numbers, edit.mutants):
            text = b'(esp_mutant_is (%d) ? (%s) : %s)' % (number, mistake, text)
        return text


def is_statement(cursor, parent):
    """Whether nobody uses its value."""
    if parent is None or parent.kind == CursorKind.COMPOUND_STMT:
        return True
    if parent.kind in (CursorKind.IF_STMT, CursorKind.FOR_STMT, CursorKind.WHILE_STMT):
        children = list(parent.get_children())
        return cursor != children[0] and (parent.kind != CursorKind.FOR_STMT or cursor == children[-1])
    return parent.kind in (CursorKind.CASE_STMT, CursorKind.DEFAULT_STMT)
