/* The device ABI: the plain C contract between Hetagon's runtime and the device
 * half of a backend.
 *
 * A device half is a shared object that exports hetagon_device_query(). The
 * runtime drives it with whole command buffers; the device may have its own
 * address space, may finish asynchronously, and never creates compute threads
 * of its own: it borrows the host's executor. Anything that both sides do not
 * know is refused with a text that says what was found.
 *
 * Conventions
 *  - Every function returns a hetagon_code; on failure it fills *error when
 * error is not null. Nothing aborts.
 *  - Handles are opaque, belong to one device, and are destroyed by their
 * creator. 0 is never a valid handle.
 *  - Sizes and offsets are in bytes, times in nanoseconds. Functions are
 * thread-safe unless they say otherwise.
 *  - Structures start with struct_size = sizeof of the version the filler was
 * built with; a reader uses only the fields inside it. Function pointers marked
 * OPTIONAL may be null.
 */
#ifndef HETAGON_DEVICE_H
#define HETAGON_DEVICE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Raised with every incompatible change; both sides must be equal. */
#define HETAGON_DEVICE_ABI_VERSION 1u

/* Equal to hetagon::Code, value by value. */
typedef int32_t hetagon_code;
enum {
  HETAGON_OK = 0,
  HETAGON_INVALID_ARGUMENT = 1,
  HETAGON_NOT_FOUND = 2,
  HETAGON_UNSUPPORTED = 3,
  HETAGON_OUT_OF_RANGE = 4,
  HETAGON_RESOURCE_EXHAUSTED = 5,
  HETAGON_DEVICE_LOST = 6,
  HETAGON_CANCELLED = 7,
  HETAGON_DEADLINE_EXCEEDED = 8,
  HETAGON_PERMISSION_DENIED = 9,
  HETAGON_DATA_LOSS = 10,
  HETAGON_UNAVAILABLE = 11,
  HETAGON_INTERNAL = 12
};

typedef struct hetagon_error {
  hetagon_code code;
  char message[508]; /* NUL-terminated UTF-8 */
} hetagon_error;

/* What the host lends to a device. Lives longer than every device opened with
 * it. */
typedef struct hetagon_host {
  uint32_t struct_size;
  uint32_t abi_version;
  void *context;
  /* Compute threads that run_team can use at once; at least 1. */
  uint32_t worker_count;
  /* Calls body(argument, part, parts) once for each part in [0, parts), all at
   * the same time on different threads (so that the parts may meet at
   * barriers), and returns when all have returned. parts is at most
   * worker_count; one team runs at a time, later callers wait. The calling
   * thread may be one of the team. */
  void (*run_team)(void *context, uint32_t parts,
                   void (*body)(void *argument, uint32_t part, uint32_t parts),
                   void *argument);
  /* Runs task(argument) soon on some host thread; for completing submissions
   * asynchronously. The task may call run_team. */
  void (*post)(void *context, void (*task)(void *argument), void *argument);
} hetagon_host;

typedef struct hetagon_device hetagon_device; /* owned by the device half */
typedef uint64_t hetagon_buffer;
typedef uint64_t hetagon_executable;
typedef uint64_t hetagon_commands;
typedef uint64_t hetagon_queue;
typedef uint64_t hetagon_fence;

/* What a device is, filled by describe(). Strings live as long as the device.
 */
typedef struct hetagon_device_info {
  uint32_t struct_size;
  uint32_t own_address_space; /* 1: host pointers mean nothing to it; use write,
                                 read and copies */
  const char *name;           /* for people: "AMD EPYC", "llvmpipe" */
  const char *architecture;   /* what executables must be made for:
                                 "x86_64+avx512vnni", "spirv1.5" */
  uint64_t memory_bytes;      /* 0: unknown */
  uint64_t max_buffer_bytes;  /* 0: no limit but memory */
  uint32_t buffer_alignment;  /* offsets of bindings must be multiples of it; at
                                 least 1 */
  uint32_t max_in_flight; /* submissions a queue accepts before submit blocks;
                             at least 1 */
  uint32_t preference;    /* which device to take first where no time of any is
                             known: the higher; 0 when there is no opinion,
                             HETAGON_PREFERENCE_NEVER for what computes nothing
                             and is there only for those who ask for it */
  uint32_t reserved;
} hetagon_device_info;

#define HETAGON_PREFERENCE_NEVER UINT32_MAX

typedef struct hetagon_binding {
  hetagon_buffer buffer;
  uint64_t offset; /* bytes */
  uint64_t size;   /* bytes visible to the kernel */
} hetagon_binding;

/* The device's own account of its work since it was opened: filled by the
 * device, not derived by the host. */
typedef struct hetagon_counters {
  uint32_t struct_size;
  uint32_t reserved;
  uint64_t submits;
  uint64_t dispatches;
  uint64_t bytes_to_device;
  uint64_t bytes_from_device;
  uint64_t busy_ns;
  uint64_t bytes_allocated;
} hetagon_counters;

typedef struct hetagon_device_api {
  uint32_t struct_size;
  uint32_t abi_version;
  const char
      *backend; /* "cpu": equals the name in the file name and in plans */

  /* --- the device
   * ------------------------------------------------------------------------------------------------
   */
  /* config is a JSON object ("{}" when there is nothing to say); unknown keys
   * are refused. */
  hetagon_code (*open)(const hetagon_host *host, const char *config,
                       hetagon_device **device, hetagon_error *error);
  /* Waits for what is in flight. */
  void (*close)(hetagon_device *device);
  hetagon_code (*describe)(hetagon_device *device, hetagon_device_info *info,
                           hetagon_error *error);
  /* HETAGON_OK, or HETAGON_DEVICE_LOST with the reason; once lost, a device
   * stays lost. */
  hetagon_code (*status)(hetagon_device *device, hetagon_error *error);
  uint64_t (*clock_ns)(hetagon_device *device);
  hetagon_code (*counters)(hetagon_device *device, hetagon_counters *counters,
                           hetagon_error *error);

  /* --- memory
   * ----------------------------------------------------------------------------------------------------
   */
  /* Zeroed memory, aligned for any kernel of this device. */
  hetagon_code (*allocate)(hetagon_device *device, uint64_t size,
                           hetagon_buffer *buffer, hetagon_error *error);
  /* OPTIONAL. Wraps host memory that stays mapped and unchanged until release;
   * read-only to kernels. A device that cannot returns HETAGON_UNSUPPORTED and
   * the caller allocates and writes instead. */
  hetagon_code (*import_host)(hetagon_device *device, const void *data,
                              uint64_t size, hetagon_buffer *buffer,
                              hetagon_error *error);
  void (*release)(hetagon_device *device, hetagon_buffer buffer);
  /* Immediate transfers; the caller has waited for submissions that touch the
   * range. */
  hetagon_code (*write)(hetagon_device *device, hetagon_buffer buffer,
                        uint64_t offset, const void *data, uint64_t size,
                        hetagon_error *error);
  hetagon_code (*read)(hetagon_device *device, hetagon_buffer buffer,
                       uint64_t offset, void *data, uint64_t size,
                       hetagon_error *error);

  /* --- executables
   * -----------------------------------------------------------------------------------------------
   */
  /* payload is opaque to the runtime: what the lowering half of the same
   * backend emitted under this format name. It is copied or mapped; the caller
   * may free it on return. */
  hetagon_code (*load)(hetagon_device *device, const char *format,
                       const void *payload, uint64_t size,
                       hetagon_executable *executable, hetagon_error *error);
  void (*unload)(hetagon_device *device, hetagon_executable executable);
  /* The index of an entry by name; binding_count and constant_count are what
   * each dispatch of it must give. */
  hetagon_code (*entry)(hetagon_device *device, hetagon_executable executable,
                        const char *name, uint32_t *index,
                        uint32_t *binding_count, uint32_t *constant_count,
                        hetagon_error *error);

  /* --- command buffers: recorded by one thread, then submitted any number of
   * times --------------------------------- */
  hetagon_code (*create_commands)(hetagon_device *device,
                                  hetagon_commands *commands,
                                  hetagon_error *error);
  void (*destroy_commands)(hetagon_device *device, hetagon_commands commands);
  /* Each command sees the memory effects of all before it. Constants are
   * copied. */
  hetagon_code (*record_dispatch)(
      hetagon_device *device, hetagon_commands commands,
      hetagon_executable executable, uint32_t entry,
      const hetagon_binding *bindings, uint32_t binding_count,
      const int64_t *constants, uint32_t constant_count, hetagon_error *error);
  hetagon_code (*record_copy)(hetagon_device *device, hetagon_commands commands,
                              hetagon_buffer source, uint64_t source_offset,
                              hetagon_buffer target, uint64_t target_offset,
                              uint64_t size, hetagon_error *error);

  /* --- queues and timeline fences
   * ----------------------------------------------------------------------------------
   */
  hetagon_code (*create_queue)(hetagon_device *device, hetagon_queue *queue,
                               hetagon_error *error);
  void (*destroy_queue)(hetagon_device *device, hetagon_queue queue);
  /* A fence holds a value that only grows, 0 at first. */
  hetagon_code (*create_fence)(hetagon_device *device, hetagon_fence *fence,
                               hetagon_error *error);
  void (*destroy_fence)(hetagon_device *device, hetagon_fence fence);
  /* Starts when wait_fence (0: none) has reached wait_value; on completion
   * raises signal_fence, which there must be, to signal_value. The command
   * buffer must live until then. A failure during execution makes the fence's
   * wait and query return it. */
  hetagon_code (*submit)(hetagon_device *device, hetagon_queue queue,
                         hetagon_commands commands, hetagon_fence wait_fence,
                         uint64_t wait_value, hetagon_fence signal_fence,
                         uint64_t signal_value, hetagon_error *error);
  hetagon_code (*query_fence)(hetagon_device *device, hetagon_fence fence,
                              uint64_t *value, hetagon_error *error);
  /* HETAGON_DEADLINE_EXCEEDED after timeout_ns; UINT64_MAX waits for ever, but
   * never past the device's loss. */
  hetagon_code (*wait_fence)(hetagon_device *device, hetagon_fence fence,
                             uint64_t value, uint64_t timeout_ns,
                             hetagon_error *error);
  /* OPTIONAL. Drops what has not started; fences of dropped submissions fail
   * with HETAGON_CANCELLED. */
  hetagon_code (*cancel)(hetagon_device *device, hetagon_queue queue,
                         hetagon_error *error);
} hetagon_device_api;

/* The one symbol that a device half exports. Returns null and fills *error when
 * host_abi_version is not its own. */
typedef const hetagon_device_api *(*hetagon_device_query_fn)(
    uint32_t host_abi_version, hetagon_error *error);
#define HETAGON_DEVICE_QUERY_SYMBOL "hetagon_device_query"

#ifdef __cplusplus
}
#endif

#endif /* HETAGON_DEVICE_H */
