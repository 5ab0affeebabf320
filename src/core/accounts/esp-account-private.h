/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-account-private.h: what the list of accounts does to its accounts. */
#pragma once

#include "esp-account.h"

G_BEGIN_DECLS

/* Takes the object, which has been checked (_esp_account_check ()). */
EspAccount *_esp_account_new (JsonObject *members) G_GNUC_WARN_UNUSED_RESULT;

/* Does it have what an account must have? */
gboolean _esp_account_check (JsonNode *node);

/* Every member, those of newer versions, too. Borrowed. */
JsonObject *_esp_account_get_members (EspAccount *self);

/* Takes the object; emits "changed" if it says something else. */
void _esp_account_set_members (EspAccount *self, JsonObject *members);

G_END_DECLS
