/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-download-resume.h: going on with a download, with the access token that the person keeps. */
#pragma once

#include "esp-model-download.h"

G_BEGIN_DECLS

/* Fetches the token from the key store where the source wants one, then goes on. */
void esp_download_resume (EspModelDownload *download);

G_END_DECLS
