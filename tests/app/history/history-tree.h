/* SPDX-License-Identifier: GPL-3.0-or-later */
/* history-tree.h: documents with many nodes, for tests, pictures and the benchmark. */
#pragma once

#include "esp-document.h"

/* Grows a tree of about `n` turns below a photo, the same one for the same `seed`: branches,
 * chains, stacks of variations, stars, tags, rejected, failed and waiting turns. With `photo` (a
 * path) the pictures are that one in many tints, else plain colours. */
void history_tree_grow (EspDocument *document, guint n, guint32 seed, const char *photo);
