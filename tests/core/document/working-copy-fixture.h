/* SPDX-License-Identifier: GPL-3.0-or-later */
/* working-copy-fixture.h: a small database in a scratch folder, and what is done to it in the tests
 * of working copies. */
#pragma once

#include <gio/gio.h>
#include <sqlite3.h>

#include "esp-working-copy.h"

typedef struct
{
  char *folder;
  char *path;
  GFile *file;
} Fixture;

sqlite3 *open_database (const char *path);
gint64 ask (sqlite3 *database, const char *sql);

/* The sum of the values in a file that must be whole, a database by itself, without a log. */
gint64 sum (const char *path);
void run (sqlite3 *database, const char *sql);
void make_file (const char *path, int value);

/* 1: a file by itself, 2: with a log. */
int header_mode (const char *path);

/* A value more in the working database. */
void add (EspWorkingCopy *copy, int value);
void remove_tree (const char *path);
char *dup_base (void);
guint count_entries (const char *path);
void assert_nothing_left (void);
void set_up (Fixture *fixture, gconstpointer data);
void tear_down (Fixture *fixture, gconstpointer data);

EspWorkingCopy *open_copy (GFile *file);
void publish (EspWorkingCopy *copy);

/* What a kill leaves. */
void crash (EspWorkingCopy *copy);

#define ADD(name, function)                                                                        \
  g_test_add ("/working-copy/" name, Fixture, NULL, set_up, function, tear_down)
