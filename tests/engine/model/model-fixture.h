/* SPDX-License-Identifier: MIT */
/* model-fixture.h: copies of the demo model in which one file is other than it should be. */
#pragma once

#include <stddef.h>

/* A fresh folder in which every file of the model `source` (its sub-folders one level deep) is a
 * symbolic link to the original. The caller removes it with fixture_free(). NULL when that fails.
 */
char *fixture_new (const char *source);

/* Removes the folder and frees the name. */
void fixture_free (char *folder);

/* Replaces the link `name` ("transformer/config.json") by a file with these bytes. */
int fixture_write (const char *folder, const char *name, const void *bytes, size_t length);

/* Replaces it by a copy in which the first `before` is `after` (texts of any length). 0 when there
 * was none. */
int fixture_edit (const char *folder, const char *name, const char *before, const char *after);

/* Replaces it by a copy of its first `length` bytes. */
int fixture_truncate (const char *folder, const char *name, size_t length);

/* Overwrites two bytes of tensor `tensor` at element 5 (16-bit formats) in a copy of the
 * safetensors file. */
int fixture_poison (const char *folder, const char *name, const char *tensor, unsigned short bits);

/* Removes the file. */
int fixture_remove (const char *folder, const char *name);
