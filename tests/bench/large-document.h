/* SPDX-License-Identifier: GPL-3.0-or-later */
/* large-document.h: a document of thousands of nodes for the benchmarks, made in seconds. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Writes a document of `n_nodes` turns with an image of `image_size` bytes each (a photo of noise,
 * no two alike), thumbnails included. Every node but the first is a child of one before it, mostly
 * of one not far before it, as trees of people are. */
gboolean large_document_write (const char *path, guint n_nodes, gsize image_size, GError **error);

G_END_DECLS
