/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-journal-private.h: what records and the images beside them share. */
#pragma once

#include "esp-journal.h"

G_BEGIN_DECLS

char *_esp_journal_dup_folder (void);
char *_esp_journal_dup_path (const char *id, const char *suffix);

/* Through `temporary`; `durable`: on the disk before it has its name. */
gboolean _esp_journal_write_file (const char *temporary, const char *path, const char *text,
                                  gsize length, gboolean durable, GError **error);

/* All images of a turn (esp-journal-images.c). */
void _esp_journal_remove_images (const char *id);
/* What stands in the folder without a record, if it is old. */
void _esp_journal_remove_orphan (const char *name);

G_END_DECLS
