/* SPDX-License-Identifier: MIT */
/* clock.h: when things would happen on a card: a clock that only the driver's calls move.
 *
 * A card computes with one engine and copies with one in each direction; each does one thing after
 * the other. Work begins when its stream has come so far, its engine is free and the host has asked
 * for it. CUEMU_TRACE=FILE lists it all, a line each: engine,stream,start,end,bytes,name, in ns.
 */
#pragma once

#include <cstddef>
#include <cstdint>

namespace cuemu
{

enum class Engine
{
  NONE,
  COMPUTE,
  TO_CARD,
  TO_HOST,
};

/* What a copy (CUEMU_COPY_GBPS, 25 unless said otherwise) and a kernel (CUEMU_NS_PER_BLOCK, 1000,
 * on each multiprocessor) would take, in ns. */
uint64_t copy_time (Engine engine, size_t bytes);
uint64_t kernel_time (uint64_t blocks);

/* The host has called the driver, which takes it a while; what time it is then. */
uint64_t host_calls (uint64_t ns);
/* The host waits until then. */
void host_waits (uint64_t until);

/* Something that may begin at `ready`; when it ends. */
uint64_t schedule (int device, Engine engine, unsigned stream, uint64_t ready, uint64_t ns,
                   size_t bytes, const char *name);

}
