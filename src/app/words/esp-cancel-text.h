/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-cancel-text.h: what cancelling a turn can do, said before it is done. */
#pragma once

#include "esp-backend.h"
#include "esp-node.h"

G_BEGIN_DECLS

/* A sentence, or NULL where there is nothing to say (turns of this computer). `backend` may be
 * NULL: one that has gone. */
const char *esp_cancel_text_get (EspBackend *backend, const EspNodeProgress *progress);

G_END_DECLS
