/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-key-private.h: the key store, for those who wait for it. */
#pragma once

#include "esp-key-store.h"

G_BEGIN_DECLS

/* NULL: it has none, or is not there. */
EspKey *_esp_key_store_load_sync (const char *account) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
