/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-sealed-memory.h: memory that goes from one process to another as a descriptor
 * (memfd_create(2)) and that nobody can change any more, not even who made it: the reader's pages
 * neither vanish nor become others under its hands. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* A new piece of such memory of `size` bytes, not sealed yet; the caller closes it. -1 and errno.
 */
int esp_sealed_memory_new (const char *label, gsize size) G_GNUC_WARN_UNUSED_RESULT;

/* Ends all changes. No shared writable mapping of it may be left. FALSE and errno. */
gboolean esp_sealed_memory_seal (int fd);

/* Whether it is memory (no file, no huge pages, which can be missing when they are looked at),
 * sealed, and of just `size` bytes. */
gboolean esp_sealed_memory_check (int fd, gsize size);

/* A sealed copy of `data`. -1 and errno. */
int esp_sealed_memory_copy (const char *label, const void *data,
                            gsize size) G_GNUC_WARN_UNUSED_RESULT;

/* Its contents, mapped; the descriptor may be closed then. NULL: no address space. */
GBytes *esp_sealed_memory_map (int fd, gsize size) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
