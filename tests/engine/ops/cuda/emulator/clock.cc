/* SPDX-License-Identifier: MIT */
/* clock.cc: see clock.h. */
#include "clock.h"

#include "api.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>

namespace cuemu
{

static uint64_t host_time;
static std::map<std::pair<int, Engine>, uint64_t> free_from;

uint64_t
copy_time (Engine engine, size_t bytes)
{
  /* Copies within the card are as fast as its memory. */
  const long rate = engine == Engine::COMPUTE ? setting ("CUEMU_MEMORY_GBPS", 500)
                                              : setting ("CUEMU_COPY_GBPS", 25);

  return 1000 + uint64_t (bytes) / uint64_t (std::max (rate, 1L));
}

uint64_t
kernel_time (uint64_t blocks)
{
  const uint64_t at_once = std::max (setting ("CUEMU_MULTIPROCESSORS", 4), 1L);

  return (blocks + at_once - 1) / at_once * uint64_t (setting ("CUEMU_NS_PER_BLOCK", 1000));
}

uint64_t
host_calls (uint64_t ns)
{
  return host_time += ns;
}

void
host_waits (uint64_t until)
{
  host_time = std::max (host_time, until);
}

static void
write_trace (int device, Engine engine, unsigned stream, uint64_t start, uint64_t end, size_t bytes,
             const char *name)
{
  static const char *const engines[] = { "none", "compute", "to-card", "to-host" };
  static FILE *file;
  const char *path = getenv ("CUEMU_TRACE");

  if (path == NULL || *path == '\0')
    return;
  if (file == NULL)
    {
      file = fopen (path, "w");
      if (file == NULL)
        fail ("%s cannot be written", path);
      setlinebuf (file);
    }
  fprintf (file, "%d:%s,%u,%llu,%llu,%zu,%s\n", device, engines[int (engine)], stream,
           static_cast<unsigned long long> (start), static_cast<unsigned long long> (end), bytes,
           name);
}

uint64_t
schedule (int device, Engine engine, unsigned stream, uint64_t ready, uint64_t ns, size_t bytes,
          const char *name)
{
  uint64_t start = ready;

  if (engine == Engine::NONE)
    return ready;
  uint64_t &engine_free = free_from[{ device, engine }];
  start = std::max (start, engine_free);
  engine_free = start + ns;
  write_trace (device, engine, stream, start, start + ns, bytes, name);
  return start + ns;
}

}
