/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-database-open.h: how SQLite opens files. */
#pragma once

/* Lets SQLite open files that the document portal hands into a sandbox. To be called before a
 * database is opened; from any thread, as often as one likes. */
void _esp_database_open_prepare (void);
