/* SPDX-License-Identifier: GPL-3.0-or-later */
/* window-application.h: the application for tests of its windows. */
#pragma once

#include "esp-application.h"

/* Registered, and alone: it neither asks for nor meets another process. */
EspApplication *window_application_new (void);
