/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-model-inspection.h: what the engine says of files (docs/worker-protocol.md, `inspect`). */
#pragma once

#include "esp-worker.h"

G_BEGIN_DECLS

/* "GGUF Q4_K", "bf16", "fp8": the format of the part that counts, the transformer if there is one;
 * NULL: it is not told. */
char *esp_inspection_dup_format (JsonObject *inspection) G_GNUC_WARN_UNUSED_RESULT;

/* The format of one part of an answer's `components`. */
char *esp_inspection_dup_part_format (JsonObject *part) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
