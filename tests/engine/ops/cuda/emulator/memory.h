/* SPDX-License-Identifier: MIT */
/* memory.h: the cards' memory, and the host memory that they can reach.
 *
 * Each allocation has pages of its own between pages that nobody may touch, and is never used
 * again: a kernel that reads beyond one, or after it was freed, ends the process with a message.
 */
#pragma once

#include <cstddef>
#include <cstdint>

namespace cuemu
{

/* The pages of `bytes` bytes on card `device`; 0 when its memory is out. */
uint64_t allocate_on_card (int device, size_t bytes);
/* False if nothing begins there. */
bool free_on_card (uint64_t pointer);
/* With the context; CUEMU_LEAKS=1 says what had been forgotten, CUEMU_LEAKS=fail ends the process.
 */
void free_all_on_card (int device);
size_t used_on_card (int device);

/* Whether the range lies within one allocation that lives; says so on stderr if it does not. */
bool is_on_card (uint64_t pointer, size_t bytes, const char *what);
/* "2 bytes past the end of 512 at …", for a message. */
void describe_address (const void *address, char *text, size_t size);

/* With CUEMU_GUARD the host cannot touch the cards' memory but between these. */
void open_memory (void);
void close_memory (void);
/* Ends the process if something was written behind an allocation's end. */
void check_margins (void);

/* Host memory that the card reaches by itself. */
void *allocate_pinned (size_t bytes);
bool free_pinned (void *pointer);
bool pin (void *pointer, size_t bytes);
bool unpin (void *pointer);
bool is_pinned (const void *pointer, size_t bytes);

}
