/* SPDX-License-Identifier: MIT */
/* fibres.cc: see fibres.h. */
#include "fibres.h"

#include <algorithm>
#include <atomic>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>

#include <sys/mman.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#define ADDRESS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#include <sanitizer/common_interface_defs.h>
#define ADDRESS_SANITIZER 1
#endif
#endif

#if defined(__x86_64__)
/* Keeps what a function must keep, and changes stacks. */
extern "C" void cuemu_switch (void **from, void *to);
asm(".text\n"
    ".hidden cuemu_switch\n"
    ".type cuemu_switch,@function\n"
    "cuemu_switch:\n"
    "  push %rbp\n  push %rbx\n  push %r12\n  push %r13\n  push %r14\n  push %r15\n"
    "  mov %rsp,(%rdi)\n  mov %rsi,%rsp\n"
    "  pop %r15\n  pop %r14\n  pop %r13\n  pop %r12\n  pop %rbx\n  pop %rbp\n"
    "  ret\n"
    ".size cuemu_switch,.-cuemu_switch\n");
#else
#include <ucontext.h>
#endif

namespace cuemu
{

__thread Block *running;
Kernel *kernels;

/* The scheduler's side of the switch, one per thread of the processor. */
struct Scheduler
{
  void *sp, *fake;
  const void *stack;
  size_t stack_bytes;
};

static thread_local Scheduler scheduler;

#ifdef ADDRESS_SANITIZER
constexpr size_t STACK_BYTES = 512 << 10;
#else
constexpr size_t STACK_BYTES = 128 << 10;
#endif

Kernel::Kernel (const char *kernel, size_t bytes, unsigned most, void (*function) (const void *))
    : name (kernel), argument_bytes (bytes), threads (most), call (function), next (kernels)
{
  kernels = this;
}

void
fail (const char *format, ...)
{
  va_list arguments;

  fflush (stdout);
  if (running != NULL)
    {
      const Block &b = *running;
      fprintf (stderr, "cuemu: %s, block (%u, %u, %u)", b.kernel, b.index.x, b.index.y, b.index.z);
      if (b.current != NULL)
        fprintf (stderr, ", thread (%u, %u, %u)", b.current->thread.x, b.current->thread.y,
                 b.current->thread.z);
      fputs (": ", stderr);
    }
  else
    fputs ("cuemu: ", stderr);
  va_start (arguments, format);
  vfprintf (stderr, format, arguments);
  va_end (arguments);
  fputc ('\n', stderr);
  abort ();
}

/* --- Switching --------------------------------------------------------------------------------*/

static void
switch_stacks (Fibre &fibre, bool into)
{
#if defined(__x86_64__)
  if (into)
    cuemu_switch (&scheduler.sp, fibre.sp);
  else
    cuemu_switch (&fibre.sp, scheduler.sp);
#else
  if (into)
    swapcontext (static_cast<ucontext_t *> (scheduler.sp), static_cast<ucontext_t *> (fibre.sp));
  else
    swapcontext (static_cast<ucontext_t *> (fibre.sp), static_cast<ucontext_t *> (scheduler.sp));
#endif
}

static void
enter_fibre (Fibre &fibre)
{
#ifdef ADDRESS_SANITIZER
  __sanitizer_start_switch_fiber (&scheduler.fake, fibre.stack, STACK_BYTES);
#endif
  switch_stacks (fibre, true);
#ifdef ADDRESS_SANITIZER
  __sanitizer_finish_switch_fiber (scheduler.fake, NULL, NULL);
#endif
}

static void
leave_fibre (Fibre &fibre)
{
#ifdef ADDRESS_SANITIZER
  __sanitizer_start_switch_fiber (fibre.wait == Wait::DONE ? NULL : &fibre.fake, scheduler.stack,
                                  scheduler.stack_bytes);
#endif
  switch_stacks (fibre, false);
#ifdef ADDRESS_SANITIZER
  __sanitizer_finish_switch_fiber (fibre.fake, &scheduler.stack, &scheduler.stack_bytes);
#endif
}

void
pause_fibre (void)
{
  running->paused = true;
  leave_fibre (me ());
}

/* --- Barriers ---------------------------------------------------------------------------------*/

static void
open_barrier_if_full (Block &b, unsigned id)
{
  Barrier &barrier = b.barriers[id];

  if (barrier.arrived == 0
      || barrier.arrived != (barrier.expected != 0 ? barrier.expected : b.live))
    return;
  barrier.arrived = 0;
  barrier.expected = 0;
  barrier.sum_out = barrier.sum;
  barrier.all_out = barrier.all;
  barrier.any_out = barrier.any;
  barrier.sum = 0;
  barrier.all = 1;
  barrier.any = 0;
  for (Fibre &fibre : b.fibres)
    if (fibre.wait == Wait::BARRIER && fibre.barrier == id)
      fibre.wait = Wait::RUN;
}

static void
count_in (unsigned id, unsigned threads, int predicate)
{
  Block &b = block ();

  if (id >= BARRIERS)
    fail ("barrier %u: there are %u", id, BARRIERS);
  if (threads % WARP != 0 || threads > b.fibres.size ())
    fail ("barrier %u for %u threads: of whole warps, and no more than the block has", id, threads);
  Barrier &barrier = b.barriers[id];
  if (barrier.arrived != 0 && barrier.expected != threads)
    fail ("barrier %u is waited at for %u threads and for %u", id, barrier.expected, threads);
  barrier.expected = threads;
  barrier.arrived++;
  barrier.sum += predicate != 0;
  barrier.all &= predicate != 0;
  barrier.any |= predicate != 0;
}

const Barrier &
wait_at_barrier (unsigned id, unsigned threads, int predicate)
{
  Block &b = block ();
  Fibre &fibre = me ();

  count_in (id, threads, predicate);
  fibre.barrier = id;
  fibre.wait = Wait::BARRIER;
  open_barrier_if_full (b, id);
  while (fibre.wait == Wait::BARRIER)
    pause_fibre ();
  return b.barriers[id];
}

void
arrive_at_barrier (unsigned id, unsigned threads)
{
  count_in (id, threads, 0);
  open_barrier_if_full (block (), id);
}

/* --- The lanes of a warp ----------------------------------------------------------------------*/

static void
exchange_if_full (Block &b, unsigned number)
{
  Warp &warp = b.warps[number];

  if (warp.arrived == 0 || warp.arrived != (warp.mask & warp.live))
    return;
  warp.what (warp, warp.mask & warp.live);
  for (unsigned lane = 0; lane < WARP; lane++)
    if (warp.arrived >> lane & 1)
      b.fibres[number * WARP + lane].wait = Wait::RUN;
  warp.arrived = 0;
}

const void *
exchange (unsigned mask, void (*what) (Warp &, unsigned), const void *in, size_t bytes)
{
  Block &b = block ();
  Fibre &fibre = me ();
  Warp &warp = b.warps[fibre.warp];

  if (!(mask >> fibre.lane & 1))
    fail ("a lane takes part in what its mask %08x leaves it out of", mask);
  /* Lanes that went another way have an exchange of their own under way. */
  while (warp.arrived != 0 && (warp.mask & mask) == 0)
    pause_fibre ();
  if (warp.arrived != 0 && (warp.mask != mask || warp.what != what))
    fail ("the lanes of a warp do different things together (masks %08x and %08x)", warp.mask,
          mask);
  memcpy (warp.in[fibre.lane], in, bytes);
  warp.mask = mask;
  warp.what = what;
  warp.arrived |= 1u << fibre.lane;
  fibre.wait = Wait::WARP;
  exchange_if_full (b, fibre.warp);
  while (fibre.wait == Wait::WARP)
    pause_fibre ();
  return warp.out[fibre.lane];
}

/* --- Asynchronous copies ----------------------------------------------------------------------*/

void
copy_late (void *to, const void *from, unsigned bytes)
{
  Block &b = block ();
  const unsigned char *first = static_cast<unsigned char *> (to);

  if (reinterpret_cast<uintptr_t> (to) % bytes != 0
      || (from != NULL && reinterpret_cast<uintptr_t> (from) % bytes != 0))
    fail ("a copy of %u bytes from %p to %p is not aligned", bytes, from, to);
  if (first < b.shared || first + bytes > b.shared + b.shared_bytes)
    fail ("a copy goes to %p, which is not in the %zu bytes of shared memory", to, b.shared_bytes);
  /* What is read before it has arrived is no number. */
  memset (to, 0xff, bytes);
  me ().copies.push_back ({ to, from, bytes, me ().group });
}

void
end_copy_group (void)
{
  me ().group++;
}

void
wait_for_copies (unsigned groups_left)
{
  Fibre &fibre = me ();

  while (!fibre.copies.empty () && fibre.copies.front ().group + groups_left < fibre.group)
    {
      const LateCopy &copy = fibre.copies.front ();
      if (copy.from != NULL)
        memcpy (copy.to, copy.from, copy.bytes);
      else
        memset (copy.to, 0, copy.bytes);
      fibre.copies.pop_front ();
    }
}

/* --- Running ----------------------------------------------------------------------------------*/

static void
fibre_main (void)
{
#ifdef ADDRESS_SANITIZER
  __sanitizer_finish_switch_fiber (NULL, &scheduler.stack, &scheduler.stack_bytes);
#endif
  Block &b = block ();
  Fibre &fibre = me ();

  b.call (b.arguments);
  fibre.wait = Wait::DONE;
  b.live--;
  b.warps[fibre.warp].live &= ~(1u << fibre.lane);
  /* Threads that have returned are no longer waited for. */
  for (unsigned id = 0; id < BARRIERS; id++)
    if (b.barriers[id].expected == 0)
      open_barrier_if_full (b, id);
  exchange_if_full (b, fibre.warp);
  leave_fibre (fibre);
  abort ();
}

static void
prepare_fibre (Fibre &fibre)
{
#if defined(__x86_64__)
  /* As if it had been left at its first instruction: six registers, where to return to, and the
   * return address of fibre_main (), which has none. */
  void **top = reinterpret_cast<void **> (static_cast<char *> (fibre.stack) + STACK_BYTES) - 1;
  *top = NULL;
  *--top = reinterpret_cast<void *> (fibre_main);
  for (int i = 0; i < 6; i++)
    *--top = NULL;
  fibre.sp = top;
#else
  ucontext_t *context = static_cast<ucontext_t *> (fibre.sp);
  getcontext (context);
  context->uc_stack.ss_sp = fibre.stack;
  context->uc_stack.ss_size = STACK_BYTES;
  makecontext (context, fibre_main, 0);
#endif
  fibre.fake = NULL;
}

static void
start_block (Block &b)
{
  b.live = b.fibres.size ();
  b.current = NULL;
  for (Barrier &barrier : b.barriers)
    barrier = { 0, 0, 0, 1, 0, 0, 0, 0 };
  for (Warp &warp : b.warps)
    warp.live = warp.arrived = warp.mask = 0;
  memset (b.shared, 0xff, b.shared_bytes);
  for (unsigned i = 0; i < b.fibres.size (); i++)
    {
      Fibre &fibre = b.fibres[i];
      fibre.thread = { i % b.size.x, i / b.size.x % b.size.y, i / (b.size.x * b.size.y) };
      fibre.lane = i % WARP;
      fibre.warp = i / WARP;
      fibre.wait = Wait::RUN;
      fibre.group = 0;
      fibre.copies.clear ();
      b.warps[fibre.warp].live |= 1u << fibre.lane;
      prepare_fibre (fibre);
    }
}

/* Runs one warp until none of its lanes can go on. */
static bool
run_warp (Block &b, unsigned number)
{
  bool moved = false, again = true;

  while (again)
    {
      again = false;
      for (unsigned i = 0; i < WARP; i++)
        {
          const unsigned at = number * WARP + i;
          if (at >= b.order.size ())
            break;
          Fibre &fibre = b.fibres[b.order[at]];
          if (fibre.wait != Wait::RUN)
            continue;
          b.current = &fibre;
          b.paused = false;
          enter_fibre (fibre);
          moved = true;
          again |= !b.paused;
        }
    }
  b.current = NULL;
  return moved;
}

static void
run_block (Block &b)
{
  start_block (b);
  while (b.live != 0)
    {
      bool moved = false;
      for (unsigned warp = 0; warp < b.warps.size (); warp++)
        moved |= run_warp (b, warp);
      if (!moved && b.live != 0)
        fail ("stuck: %u of %zu threads live, %u at barrier 0", b.live, b.fibres.size (),
              b.barriers[0].arrived);
    }
}

static uint32_t
next_random (uint32_t &state)
{
  state = state * 1664525u + 1013904223u;
  return state >> 8;
}

/* Lanes of a warp stay together, as they do on the card; which of them and which warp comes first
 * is left open there, and is CUEMU_ORDER's here. */
static void
set_order (Block &b)
{
  const char *wanted = getenv ("CUEMU_ORDER");
  const unsigned count = b.fibres.size (), warps = b.warps.size ();
  std::vector<unsigned> warp_order (warps);
  uint32_t state = wanted != NULL ? atoi (wanted) * 2654435761u + 1 : 0;
  const bool random = wanted != NULL && *wanted >= '0' && *wanted <= '9';
  const bool reverse = wanted != NULL && strcmp (wanted, "rev") == 0;

  for (unsigned i = 0; i < warps; i++)
    warp_order[i] = reverse ? warps - 1 - i : i;
  for (unsigned i = warps; random && i > 1; i--)
    std::swap (warp_order[i - 1], warp_order[next_random (state) % i]);
  b.order.clear ();
  for (unsigned warp : warp_order)
    {
      const unsigned lanes = std::min (WARP, count - warp * WARP);
      const size_t first = b.order.size ();
      for (unsigned lane = 0; lane < lanes; lane++)
        b.order.push_back (warp * WARP + (reverse ? lanes - 1 - lane : lane));
      for (unsigned i = lanes; random && i > 1; i--)
        std::swap (b.order[first + i - 1], b.order[first + next_random (state) % i]);
    }
}

/* Stacks and shared memory are kept from grid to grid: making them costs more than running them. */
struct Place
{
  Block block;
  std::vector<void *> stacks, contexts;
  unsigned char *shared = NULL;
  static constexpr size_t SHARED_BYTES = 256 << 10;

  ~Place ()
  {
    for (void *stack : stacks)
      munmap (stack, STACK_BYTES);
    for (void *context : contexts)
      free (context);
    if (shared != NULL)
      munmap (shared, SHARED_BYTES + 4096);
  }
};

static void *
map_pages (size_t bytes)
{
  void *pages = mmap (NULL, bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

  if (pages == MAP_FAILED)
    fail ("no memory for %zu bytes", bytes);
  return pages;
}

static void
fit_place (Place &place, unsigned threads, size_t shared_bytes)
{
  Block &b = place.block;

  while (place.stacks.size () < threads)
    {
      place.stacks.push_back (map_pages (STACK_BYTES));
#if !defined(__x86_64__)
      place.contexts.push_back (calloc (1, sizeof (ucontext_t)));
#endif
    }
  if (place.shared == NULL)
    {
      place.shared = static_cast<unsigned char *> (map_pages (Place::SHARED_BYTES + 4096));
      mprotect (place.shared + Place::SHARED_BYTES, 4096, PROT_NONE);
    }
  if (shared_bytes > Place::SHARED_BYTES)
    fail ("%zu bytes of shared memory", shared_bytes);
  b.fibres.resize (threads);
  b.warps.resize ((threads + WARP - 1) / WARP);
  for (unsigned i = 0; i < threads; i++)
    {
      b.fibres[i].stack = place.stacks[i];
#if !defined(__x86_64__)
      b.fibres[i].sp = place.contexts[i];
#endif
    }
  b.shared_bytes = (shared_bytes + 1023) / 1024 * 1024;
  b.shared = place.shared + Place::SHARED_BYTES - b.shared_bytes;
  b.shared_bytes = shared_bytes;
}

static Place &
this_place (void)
{
  static thread_local Place place;

  return place;
}

void
run_grid (const Kernel &kernel, dim3 grid, dim3 size, size_t shared_bytes, const void *arguments,
          bool but_the_last)
{
  const char *wanted = getenv ("CUEMU_THREADS");
  const unsigned threads = size.x * size.y * size.z;
  const uint64_t total = uint64_t (grid.x) * grid.y * grid.z - but_the_last;
  std::atomic<uint64_t> next{ 0 };
  const auto work = [&] () {
    Place &place = this_place ();
    Block &b = place.block;
    b.kernel = kernel.name;
    b.call = kernel.call;
    b.arguments = arguments;
    b.size = size;
    b.grid = grid;
    fit_place (place, threads, shared_bytes);
    set_order (b);
#if !defined(__x86_64__)
    ucontext_t own;
    scheduler.sp = &own;
#endif
    running = &b;
    for (uint64_t i; (i = next++) < total;)
      {
        b.index = { unsigned (i % grid.x), unsigned (i / grid.x % grid.y),
                    unsigned (i / (uint64_t (grid.x) * grid.y)) };
        run_block (b);
      }
    running = NULL;
  };
  const int others = (wanted != NULL ? atoi (wanted) : 1) - 1;
  std::vector<std::thread> helpers;

  for (int i = 0; i < others; i++)
    helpers.emplace_back (work);
  work ();
  for (std::thread &helper : helpers)
    helper.join ();
}

}
