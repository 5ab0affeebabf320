/* SPDX-License-Identifier: MIT */
/* sanitized.h: whether this build watches itself with a sanitizer that needs more of the system
 * than the program does. */
#pragma once

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define ESP_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)                            \
    || __has_feature(memory_sanitizer)
#define ESP_SANITIZED 1
#endif
#endif

#ifndef ESP_SANITIZED
#define ESP_SANITIZED 0
#endif
