/* SPDX-License-Identifier: MIT */
/* memory.cc: see memory.h. */
#include "api.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>

#include <sys/mman.h>

namespace cuemu
{

constexpr size_t PAGE = 4096;
constexpr size_t ALIGNMENT = 256;
constexpr unsigned char MARGIN = 0xa5;

struct Allocation
{
  size_t bytes;
  unsigned char *pages;
  size_t page_bytes;
  int device;
  bool live;
};

/* Freed ones stay listed: whoever touches them is told what it was. */
static std::map<uint64_t, Allocation> allocations;
static std::map<uint64_t, size_t> pinned, registered;
static std::map<int, size_t> used;
static std::recursive_mutex lock;

static bool
is_guarded (void)
{
  const char *wanted = getenv ("CUEMU_GUARD");

  return wanted != NULL && *wanted == '1';
}

uint64_t
allocate_on_card (int device, size_t bytes)
{
  const std::lock_guard<std::recursive_mutex> guard (lock);
  const size_t whole = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  const size_t page_bytes = (whole + PAGE - 1) / PAGE * PAGE;
  unsigned char *pages = static_cast<unsigned char *> (mmap (
      NULL, page_bytes + 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));

  if (pages == MAP_FAILED)
    return 0;
  pages += PAGE;
  unsigned char *first = pages + page_bytes - whole;
  mprotect (pages, page_bytes, PROT_READ | PROT_WRITE);
  if (computes ())
    {
      /* What was never written is no number. */
      memset (first, 0xff, bytes);
      memset (first + bytes, MARGIN, whole - bytes);
    }
  if (is_guarded ())
    mprotect (pages, page_bytes, PROT_NONE);
  const uint64_t pointer = reinterpret_cast<uintptr_t> (first);
  allocations[pointer] = { bytes, pages, page_bytes, device, true };
  used[device] += whole;
  return pointer;
}

bool
free_on_card (uint64_t pointer)
{
  const std::lock_guard<std::recursive_mutex> guard (lock);
  const auto at = allocations.find (pointer);

  if (at == allocations.end () || !at->second.live)
    return false;
  Allocation &allocation = at->second;
  allocation.live = false;
  used[allocation.device] -= (allocation.bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  /* The addresses stay taken, without memory behind them. */
  mmap (allocation.pages, allocation.page_bytes, PROT_NONE,
        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
  return true;
}

void
free_all_on_card (int device)
{
  const std::lock_guard<std::recursive_mutex> guard (lock);
  const char *wanted = getenv ("CUEMU_LEAKS");
  size_t count = 0, bytes = 0;

  for (const auto &[pointer, allocation] : allocations)
    if (allocation.live && allocation.device == device)
      {
        count++;
        bytes += allocation.bytes;
        free_on_card (pointer);
      }
  if (count == 0 || wanted == NULL)
    return;
  fprintf (stderr, "cuemu: the context goes with %zu bytes in %zu allocations\n", bytes, count);
  if (strcmp (wanted, "fail") == 0)
    abort ();
}

size_t
used_on_card (int device)
{
  const std::lock_guard<std::recursive_mutex> guard (lock);

  return used[device];
}

/* The allocation that `pointer` is in, or whose neighbourhood. */
static const Allocation *
find_allocation (uint64_t pointer, uint64_t *first)
{
  auto at = allocations.upper_bound (pointer);

  if (at == allocations.begin ())
    return NULL;
  --at;
  *first = at->first;
  return &at->second;
}

void
describe_address (const void *address, char *text, size_t size)
{
  uint64_t first = 0;
  const uint64_t pointer = reinterpret_cast<uintptr_t> (address);
  const Allocation *found = find_allocation (pointer, &first);

  if (found == NULL || pointer > first + found->bytes + (1 << 20))
    snprintf (text, size, "%p, which is no memory of the card", address);
  else if (!found->live)
    snprintf (text, size, "%p, byte %zu of %zu freed ones", address, size_t (pointer - first),
              found->bytes);
  else if (pointer >= first + found->bytes)
    snprintf (text, size, "%p, %zu bytes past the end of %zu", address,
              size_t (pointer - first - found->bytes), found->bytes);
  else
    snprintf (text, size, "%p, byte %zu of %zu on the card", address, size_t (pointer - first),
              found->bytes);
}

bool
is_on_card (uint64_t pointer, size_t bytes, const char *what)
{
  const std::lock_guard<std::recursive_mutex> guard (lock);
  uint64_t first = 0;
  const Allocation *found = find_allocation (pointer, &first);
  char where[160];

  if (found != NULL && found->live && pointer - first <= found->bytes
      && bytes <= found->bytes - (pointer - first))
    return true;
  describe_address (reinterpret_cast<const void *> (pointer), where, sizeof where);
  fprintf (stderr, "cuemu: %s of %zu bytes at %s\n", what, bytes, where);
  return false;
}

static void
protect_all (int protection)
{
  if (!is_guarded ())
    return;
  for (const auto &[pointer, allocation] : allocations)
    if (allocation.live)
      mprotect (allocation.pages, allocation.page_bytes, protection);
}

void
open_memory (void)
{
  lock.lock ();
  protect_all (PROT_READ | PROT_WRITE);
}

void
close_memory (void)
{
  protect_all (PROT_NONE);
  lock.unlock ();
}

void
check_margins (void)
{
  const std::lock_guard<std::recursive_mutex> guard (lock);

  if (!computes ())
    return;
  for (const auto &[pointer, allocation] : allocations)
    if (allocation.live && allocation.bytes % ALIGNMENT != 0)
      {
        const unsigned char *end
            = reinterpret_cast<const unsigned char *> (pointer) + allocation.bytes;
        for (size_t i = 0; i < ALIGNMENT - allocation.bytes % ALIGNMENT; i++)
          if (end[i] != MARGIN)
            fail ("something was written %zu bytes past the end of %zu at %p", i, allocation.bytes,
                  reinterpret_cast<void *> (pointer));
      }
}

/* --- Host memory ------------------------------------------------------------------------------*/

void *
allocate_pinned (size_t bytes)
{
  const std::lock_guard<std::recursive_mutex> guard (lock);
  void *pointer = NULL;

  if (posix_memalign (&pointer, PAGE, bytes) != 0)
    return NULL;
  pinned[reinterpret_cast<uintptr_t> (pointer)] = bytes;
  return pointer;
}

bool
free_pinned (void *pointer)
{
  const std::lock_guard<std::recursive_mutex> guard (lock);

  if (pinned.erase (reinterpret_cast<uintptr_t> (pointer)) == 0)
    return false;
  free (pointer);
  return true;
}

bool
pin (void *pointer, size_t bytes)
{
  const std::lock_guard<std::recursive_mutex> guard (lock);

  if (is_pinned (pointer, 1))
    return false;
  registered[reinterpret_cast<uintptr_t> (pointer)] = bytes;
  return true;
}

bool
unpin (void *pointer)
{
  const std::lock_guard<std::recursive_mutex> guard (lock);

  return registered.erase (reinterpret_cast<uintptr_t> (pointer)) != 0;
}

bool
is_pinned (const void *pointer, size_t bytes)
{
  const std::lock_guard<std::recursive_mutex> guard (lock);
  const uint64_t from = reinterpret_cast<uintptr_t> (pointer);

  for (const auto *ranges : { &pinned, &registered })
    {
      auto at = ranges->upper_bound (from);
      if (at != ranges->begin () && (--at, from - at->first < at->second)
          && bytes <= at->second - (from - at->first))
        return true;
    }
  return false;
}

}
