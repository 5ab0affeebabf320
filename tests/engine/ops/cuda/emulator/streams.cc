/* SPDX-License-Identifier: MIT */
/* streams.cc: the emulated driver's streams, events and recordings.
 *
 * What is put into a stream happens later than the call, on a card as here; how much later is
 * CUEMU_STREAMS's:
 * - eager: at once, in the order of the calls, which hides a wait that was forgotten;
 * - lazy: when somebody waits for it, and other streams only as far as it waits for them;
 * - ahead: copies as early as their stream allows, kernels lazily;
 * - a number: in an order drawn from it, as streams and events allow.
 */
#include "api.h"
#include "clock.h"
#include "faults.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <set>
#include <string>

using cuemu::current;
using cuemu::driver_lock;
using cuemu::Engine;
using cuemu::Guard;

struct CUstream_st;

/* A place in a stream that was marked by an event. */
struct Mark
{
  CUstream_st *stream;
  bool done;
  uint64_t time;
};

struct Operation
{
  std::function<void ()> run;
  Engine engine;
  uint64_t ns;
  size_t bytes;
  std::string name;
  std::shared_ptr<Mark> waits_for, marks; /* one of them, or neither and `run` */
};

struct Node
{
  Operation operation;
  std::vector<size_t> after;
};

typedef std::vector<Node> Nodes;

struct Capture
{
  CUstream_st *origin;
  std::set<CUstream_st *> streams;
  Nodes nodes;
  bool broken, ended;
};

struct CUstream_st
{
  int device;
  unsigned number;
  std::deque<Operation> queue;
  uint64_t time; /* when what is in it so far would be done */
  std::shared_ptr<Capture> capture;
  std::vector<size_t> tails; /* the nodes that the next one comes after */
};

struct CUevent_st
{
  int device;
  bool timed;
  std::shared_ptr<Mark> mark;
  std::shared_ptr<Capture> capture; /* recorded in a stream that captures */
  std::vector<size_t> tails;
};

struct CUgraph_st
{
  std::shared_ptr<const Nodes> nodes;
};

struct CUgraphExec_st
{
  std::shared_ptr<const Nodes> nodes;
};

static std::set<CUstream_st *> streams;

/* --- When things happen -----------------------------------------------------------------------*/

enum class Mode
{
  EAGER,
  LAZY,
  AHEAD,
  RANDOM,
};

static Mode
mode (void)
{
  const char *wanted = getenv ("CUEMU_STREAMS");

  if (wanted == NULL || *wanted == '\0' || strcmp (wanted, "eager") == 0)
    return Mode::EAGER;
  if (strcmp (wanted, "lazy") == 0)
    return Mode::LAZY;
  if (strcmp (wanted, "ahead") == 0)
    return Mode::AHEAD;
  if (*wanted >= '0' && *wanted <= '9')
    return Mode::RANDOM;
  cuemu::fail ("CUEMU_STREAMS is eager, lazy, ahead or a number, not %s", wanted);
}

/* Below `most`. */
static size_t
draw (size_t most)
{
  static uint64_t state = uint64_t (cuemu::setting ("CUEMU_STREAMS", 0)) * 0x9e3779b97f4a7c15u + 1;

  state = state * 6364136223846793005u + 1442695040888963407u;
  return size_t (state >> 33) % most;
}

static bool
is_ready (const CUstream_st *stream)
{
  return !stream->queue.empty ()
         && (stream->queue.front ().waits_for == NULL || stream->queue.front ().waits_for->done);
}

static void
run_operation (const Operation &operation)
{
  if (!operation.run)
    return;
  cuemu::open_memory ();
  operation.run ();
  cuemu::check_margins ();
  cuemu::close_memory ();
}

static void
run_front (CUstream_st *stream)
{
  const Operation operation = std::move (stream->queue.front ());

  stream->queue.pop_front ();
  run_operation (operation);
  if (operation.marks != NULL)
    operation.marks->done = true;
}

/* What the stream's first operation waits for happens, and then it. */
static void
step (CUstream_st *stream)
{
  const std::shared_ptr<Mark> wanted = stream->queue.front ().waits_for;

  while (wanted != NULL && !wanted->done)
    step (wanted->stream);
  run_front (stream);
}

/* One operation that may happen now, of any stream; false if there is none. */
static bool
step_somewhere (int device)
{
  std::vector<CUstream_st *> ready;

  for (CUstream_st *stream : streams)
    if (stream->device == device && is_ready (stream))
      ready.push_back (stream);
  /* The set's order is that of addresses, which change from run to run. */
  std::sort (ready.begin (), ready.end (),
             [] (const auto *a, const auto *b) { return a->number < b->number; });
  if (ready.empty ())
    return false;
  run_front (ready[draw (ready.size ())]);
  return true;
}

static void
finish_stream (CUstream_st *stream)
{
  while (!stream->queue.empty ())
    if (mode () != Mode::RANDOM || !step_somewhere (stream->device))
      step (stream);
  cuemu::host_waits (stream->time);
}

/* After a call: what happens by itself. */
static void
go_on (CUstream_st *stream)
{
  switch (mode ())
    {
    case Mode::EAGER:
      while (!stream->queue.empty ())
        step (stream);
      break;
    case Mode::LAZY:
      break;
    case Mode::AHEAD:
      for (bool moved = true; moved;)
        {
          moved = false;
          for (CUstream_st *other : streams)
            while (is_ready (other) && other->queue.front ().engine != Engine::COMPUTE)
              {
                run_front (other);
                moved = true;
              }
        }
      break;
    case Mode::RANDOM:
      for (size_t i = draw (4); i > 0 && step_somewhere (stream->device); i--)
        ;
      break;
    }
}

namespace cuemu
{

void
finish_device (int device)
{
  for (CUstream_st *stream : streams)
    if (stream->device == device)
      finish_stream (stream);
}

}

/* --- Putting things into streams --------------------------------------------------------------*/

static bool
is_usable (const CUstream_st *stream)
{
  return stream != NULL && current != NULL && stream->device == current->device;
}

static CUresult
put (CUstream_st *stream, Operation operation)
{
  if (stream->capture != NULL)
    {
      Nodes &nodes = stream->capture->nodes;
      nodes.push_back ({ std::move (operation), stream->tails });
      stream->tails = { nodes.size () - 1 };
      return SUCCESS;
    }
  const uint64_t asked = cuemu::host_calls (2000);
  stream->time = cuemu::schedule (stream->device, operation.engine, stream->number,
                                  std::max (stream->time, asked), operation.ns, operation.bytes,
                                  operation.name.c_str ());
  stream->queue.push_back (std::move (operation));
  go_on (stream);
  return SUCCESS;
}

/* Waiting for a stream that captures breaks its recording. */
static bool
breaks_capture (CUstream_st *stream)
{
  if (stream->capture == NULL)
    return false;
  stream->capture->broken = true;
  return true;
}

EXPORT CUresult
cuStreamCreate (CUstream_st **stream, unsigned flags)
{
  const Guard guard (driver_lock);
  static unsigned count;

  if (current == NULL)
    return INVALID_CONTEXT;
  *stream = new CUstream_st{ current->device, ++count, {}, 0, NULL, {} };
  streams.insert (*stream);
  return SUCCESS;
}

EXPORT CUresult
cuStreamDestroy_v2 (CUstream_st *stream)
{
  const Guard guard (driver_lock);

  if (streams.count (stream) == 0)
    return INVALID_HANDLE;
  finish_stream (stream);
  streams.erase (stream);
  delete stream;
  return SUCCESS;
}

EXPORT CUresult
cuStreamSynchronize (CUstream_st *stream)
{
  const Guard guard (driver_lock);

  if (!is_usable (stream))
    return INVALID_HANDLE;
  if (breaks_capture (stream))
    return CAPTURE_UNSUPPORTED;
  finish_stream (stream);
  return cuemu::health (stream->device);
}

EXPORT CUresult
cuCtxSynchronize (void)
{
  const Guard guard (driver_lock);

  if (current == NULL)
    return INVALID_CONTEXT;
  for (CUstream_st *stream : streams)
    if (stream->device == current->device && breaks_capture (stream))
      return CAPTURE_UNSUPPORTED;
  cuemu::finish_device (current->device);
  return cuemu::health (current->device);
}

/* --- Events -----------------------------------------------------------------------------------*/

EXPORT CUresult
cuEventCreate (CUevent_st **event, unsigned flags)
{
  const Guard guard (driver_lock);

  if (current == NULL)
    return INVALID_CONTEXT;
  *event = new CUevent_st{ current->device, (flags & 2) == 0, NULL, NULL, {} };
  return SUCCESS;
}

EXPORT CUresult
cuEventDestroy_v2 (CUevent_st *event)
{
  delete event;
  return SUCCESS;
}

EXPORT CUresult
cuEventRecord (CUevent_st *event, CUstream_st *stream)
{
  const Guard guard (driver_lock);

  if (!is_usable (stream) || event == NULL || event->device != stream->device)
    return INVALID_HANDLE;
  event->capture = stream->capture;
  event->tails = stream->tails;
  if (stream->capture != NULL)
    return SUCCESS;
  event->mark = std::make_shared<Mark> (Mark{ stream, false, stream->time });
  put (stream, { {}, Engine::NONE, 0, 0, "record", NULL, event->mark });
  event->mark->time = stream->time;
  return SUCCESS;
}

EXPORT CUresult
cuEventSynchronize (CUevent_st *event)
{
  const Guard guard (driver_lock);

  if (event->capture != NULL)
    return CAPTURED_EVENT;
  if (event->mark == NULL)
    return SUCCESS;
  while (!event->mark->done)
    if (mode () != Mode::RANDOM || !step_somewhere (event->device))
      step (event->mark->stream);
  cuemu::host_waits (event->mark->time);
  return SUCCESS;
}

/* Asking lets a little happen, as time does on a card. */
EXPORT CUresult
cuEventQuery (CUevent_st *event)
{
  const Guard guard (driver_lock);

  if (event->capture != NULL)
    return CAPTURED_EVENT;
  if (event->mark != NULL && !event->mark->done)
    step (event->mark->stream);
  if (event->mark != NULL && !event->mark->done)
    return NOT_READY;
  return cuemu::health_now (event->device);
}

EXPORT CUresult
cuEventElapsedTime (float *milliseconds, CUevent_st *start, CUevent_st *end)
{
  const Guard guard (driver_lock);

  if (!start->timed || !end->timed || start->mark == NULL || end->mark == NULL)
    return INVALID_HANDLE;
  if (!start->mark->done || !end->mark->done)
    return NOT_READY;
  *milliseconds = float ((double (end->mark->time) - double (start->mark->time)) / 1e6);
  return SUCCESS;
}

EXPORT CUresult
cuStreamWaitEvent (CUstream_st *stream, CUevent_st *event, unsigned flags)
{
  const Guard guard (driver_lock);

  if (!is_usable (stream) || event == NULL)
    return INVALID_HANDLE;
  if (event->capture != NULL)
    {
      /* It marks a place in a recording, not in a stream. */
      if (event->capture->ended)
        return INVALID_VALUE;
      if (stream->capture != NULL && stream->capture != event->capture)
        return CAPTURE_ISOLATION;
      if (stream->capture == NULL)
        stream->tails.clear ();
      stream->capture = event->capture;
      stream->capture->streams.insert (stream);
      for (size_t tail : event->tails)
        if (std::find (stream->tails.begin (), stream->tails.end (), tail) == stream->tails.end ())
          stream->tails.push_back (tail);
      return SUCCESS;
    }
  if (stream->capture != NULL)
    {
      stream->capture->broken = true;
      return CAPTURE_ISOLATION;
    }
  if (event->mark == NULL)
    return SUCCESS;
  stream->time = std::max (stream->time, event->mark->time);
  return put (stream, { {}, Engine::NONE, 0, 0, "wait", event->mark, NULL });
}

/* --- Copies -----------------------------------------------------------------------------------*/

/* A range that was free when it was asked for may be gone when it is used. */
static void
check_still_there (CUdeviceptr pointer, size_t bytes, const char *what)
{
  if (!cuemu::is_on_card (pointer, bytes, what))
    cuemu::fail ("%s of memory that is no longer there", what);
}

EXPORT CUresult
cuMemcpyHtoDAsync_v2 (CUdeviceptr to, const void *from, size_t bytes, CUstream_st *stream)
{
  const Guard guard (driver_lock);
  const bool pinned = cuemu::is_pinned (from, bytes);

  if (!is_usable (stream))
    return INVALID_HANDLE;
  if (!cuemu::is_on_card (to, bytes, "a copy"))
    return INVALID_VALUE;
  if (!pinned && breaks_capture (stream))
    return CAPTURE_UNSUPPORTED;
  /* From memory that may be paged out the driver takes the bytes before it returns. */
  const std::string copied (pinned || !cuemu::computes () ? "" : static_cast<const char *> (from),
                            pinned || !cuemu::computes () ? 0 : bytes);
  const CUresult result = put (
      stream, { [=] () {
                 check_still_there (to, bytes, "a copy");
                 if (cuemu::computes ())
                   memcpy (reinterpret_cast<void *> (to), pinned ? from : copied.data (), bytes);
               },
                Engine::TO_CARD, cuemu::copy_time (Engine::TO_CARD, bytes), bytes,
                pinned ? "copy" : "copy from unpinned memory", NULL, NULL });
  if (!pinned)
    cuemu::host_waits (stream->time);
  return result;
}

EXPORT CUresult
cuMemcpyDtoHAsync_v2 (void *to, CUdeviceptr from, size_t bytes, CUstream_st *stream)
{
  const Guard guard (driver_lock);
  const bool pinned = cuemu::is_pinned (to, bytes);

  if (!is_usable (stream))
    return INVALID_HANDLE;
  if (!cuemu::is_on_card (from, bytes, "a copy"))
    return INVALID_VALUE;
  if (!pinned && breaks_capture (stream))
    return CAPTURE_UNSUPPORTED;
  const CUresult result
      = put (stream, { [=] () {
                        check_still_there (from, bytes, "a copy");
                        if (cuemu::computes ())
                          memcpy (to, reinterpret_cast<const void *> (from), bytes);
                        else
                          memset (to, 0, bytes);
                      },
                       Engine::TO_HOST, cuemu::copy_time (Engine::TO_HOST, bytes), bytes,
                       pinned ? "copy" : "copy to unpinned memory", NULL, NULL });
  if (!pinned)
    finish_stream (stream);
  return result;
}

EXPORT CUresult
cuMemcpyDtoDAsync_v2 (CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream_st *stream)
{
  const Guard guard (driver_lock);

  if (!is_usable (stream))
    return INVALID_HANDLE;
  if (!cuemu::is_on_card (to, bytes, "a copy") || !cuemu::is_on_card (from, bytes, "a copy"))
    return INVALID_VALUE;
  return put (stream, { [=] () {
                         check_still_there (to, bytes, "a copy");
                         check_still_there (from, bytes, "a copy");
                         if (cuemu::computes ())
                           memmove (reinterpret_cast<void *> (to),
                                    reinterpret_cast<const void *> (from), bytes);
                       },
                        Engine::COMPUTE, cuemu::copy_time (Engine::COMPUTE, 2 * bytes), bytes,
                        "copy on the card", NULL, NULL });
}

EXPORT CUresult
cuMemsetD8Async (CUdeviceptr to, unsigned char value, size_t bytes, CUstream_st *stream)
{
  const Guard guard (driver_lock);

  if (!is_usable (stream))
    return INVALID_HANDLE;
  if (!cuemu::is_on_card (to, bytes, "a fill"))
    return INVALID_VALUE;
  return put (stream, { [=] () {
                         check_still_there (to, bytes, "a fill");
                         if (cuemu::computes ())
                           memset (reinterpret_cast<void *> (to), value, bytes);
                       },
                        Engine::COMPUTE, cuemu::copy_time (Engine::COMPUTE, bytes), bytes, "fill",
                        NULL, NULL });
}

/* --- Kernels ----------------------------------------------------------------------------------*/

EXPORT CUresult
cuLaunchKernel (CUfunc_st *function, unsigned grid_x, unsigned grid_y, unsigned grid_z,
                unsigned block_x, unsigned block_y, unsigned block_z, unsigned shared_bytes,
                CUstream_st *stream, void **parameters, void **extra)
{
  const Guard guard (driver_lock);
  const uint64_t threads = uint64_t (block_x) * block_y * block_z;

  if (current == NULL)
    return INVALID_CONTEXT;
  if (function == NULL || !is_usable (stream) || function->device != stream->device)
    return INVALID_HANDLE;
  if (grid_x == 0 || grid_y == 0 || grid_z == 0 || grid_x > 0x7fffffff || grid_y > 65535
      || grid_z > 65535 || threads == 0 || threads > 1024 || block_z > 64 || extra != NULL
      || shared_bytes > function->shared_limit)
    return INVALID_VALUE;
  const cuemu::Kernel *kernel = function->kernel;
  if (threads > kernel->threads)
    return LAUNCH_OUT_OF_RESOURCES;
  const cuemu::Fault fault = cuemu::fault_of (kernel->name);
  const int device = stream->device;
  const dim3 grid (grid_x, grid_y, grid_z), size (block_x, block_y, block_z);
  /* The parameter is taken now, and lies as aligned as any structure of it. */
  const std::string arguments (static_cast<const char *> (parameters[0]), kernel->argument_bytes);
  return put (stream, { [=] () {
                         if (cuemu::computes ())
                           {
                             struct alignas (64) Aligned
                             {
                               unsigned char bytes[64];
                             };
                             std::vector<Aligned> copied (arguments.size () / 64 + 1);
                             memcpy (static_cast<void *> (copied.data ()), arguments.data (),
                                     arguments.size ());
                             cuemu::run_grid (*kernel, grid, size, shared_bytes, copied.data (),
                                              fault == cuemu::Fault::WRONG);
                           }
                         cuemu::suffer (device, fault);
                       },
                        Engine::COMPUTE, cuemu::kernel_time (uint64_t (grid_x) * grid_y * grid_z),
                        0, kernel->name, NULL, NULL });
}

/* --- Recordings -------------------------------------------------------------------------------*/

EXPORT CUresult
cuStreamBeginCapture_v2 (CUstream_st *stream, int mode)
{
  const Guard guard (driver_lock);

  if (!is_usable (stream))
    return INVALID_HANDLE;
  if (stream->capture != NULL)
    return INVALID_VALUE;
  stream->capture = std::make_shared<Capture> (Capture{ stream, { stream }, {}, false, false });
  stream->tails.clear ();
  return SUCCESS;
}

/* Whether all that was recorded comes before what the first stream would do next. */
static bool
is_joined (const Capture &capture)
{
  std::vector<bool> before (capture.nodes.size (), false);

  for (size_t tail : capture.origin->tails)
    before[tail] = true;
  for (size_t i = capture.nodes.size (); i-- > 0;)
    if (before[i])
      for (size_t node : capture.nodes[i].after)
        before[node] = true;
  return std::find (before.begin (), before.end (), false) == before.end ();
}

EXPORT CUresult
cuStreamEndCapture (CUstream_st *stream, CUgraph_st **graph)
{
  const Guard guard (driver_lock);

  *graph = NULL;
  if (!is_usable (stream) || stream->capture == NULL)
    return INVALID_VALUE;
  const std::shared_ptr<Capture> capture = stream->capture;
  if (capture->origin != stream)
    {
      capture->broken = true;
      return CAPTURE_UNMATCHED;
    }
  const bool joined = is_joined (*capture);
  capture->ended = true;
  for (CUstream_st *each : capture->streams)
    {
      each->capture = NULL;
      each->tails.clear ();
    }
  if (capture->broken)
    return CAPTURE_INVALIDATED;
  if (!joined)
    return CAPTURE_UNJOINED;
  *graph = new CUgraph_st{ std::make_shared<const Nodes> (std::move (capture->nodes)) };
  return SUCCESS;
}

EXPORT CUresult
cuGraphInstantiateWithFlags (CUgraphExec_st **executable, CUgraph_st *graph,
                             unsigned long long flags)
{
  *executable = new CUgraphExec_st{ graph->nodes };
  return SUCCESS;
}

/* Which of the nodes that may happen now does: the last one recorded where order is adverse. */
static size_t
choose_node (const std::vector<size_t> &ready)
{
  switch (mode ())
    {
    case Mode::EAGER:
      return 0;
    case Mode::RANDOM:
      return draw (ready.size ());
    default:
      return ready.size () - 1;
    }
}

static void
run_nodes (const Nodes &nodes)
{
  std::vector<bool> done (nodes.size (), false);

  for (size_t count = 0; count < nodes.size (); count++)
    {
      std::vector<size_t> ready;
      for (size_t i = 0; i < nodes.size (); i++)
        if (!done[i]
            && std::all_of (nodes[i].after.begin (), nodes[i].after.end (),
                            [&] (size_t node) { return done[node]; }))
          ready.push_back (i);
      const size_t next = ready[choose_node (ready)];
      run_operation (nodes[next].operation);
      done[next] = true;
    }
}

EXPORT CUresult
cuGraphLaunch (CUgraphExec_st *executable, CUstream_st *stream)
{
  const Guard guard (driver_lock);
  const std::shared_ptr<const Nodes> nodes = executable->nodes;

  if (!is_usable (stream))
    return INVALID_HANDLE;
  if (breaks_capture (stream))
    return CAPTURE_UNSUPPORTED;
  const uint64_t start = std::max (stream->time, cuemu::host_calls (5000));
  std::vector<uint64_t> ends;
  stream->time = start;
  for (const Node &node : *nodes)
    {
      uint64_t ready = start;
      for (size_t before : node.after)
        ready = std::max (ready, ends[before]);
      ends.push_back (cuemu::schedule (stream->device, node.operation.engine, stream->number, ready,
                                       node.operation.ns, node.operation.bytes,
                                       node.operation.name.c_str ()));
      stream->time = std::max (stream->time, ends.back ());
    }
  stream->queue.push_back (
      { [nodes] () { run_nodes (*nodes); }, Engine::COMPUTE, 0, 0, "graph", NULL, NULL });
  go_on (stream);
  return SUCCESS;
}

EXPORT CUresult
cuGraphDestroy (CUgraph_st *graph)
{
  delete graph;
  return SUCCESS;
}

EXPORT CUresult
cuGraphExecDestroy (CUgraphExec_st *executable)
{
  delete executable;
  return SUCCESS;
}
