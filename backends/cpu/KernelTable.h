/* The ABI between the two halves of the cpu backend: what a kernel object
 * exports and how its entries are called. Plain C; both halves include it.
 *
 * A kernel object is a freestanding x86-64 ELF shared object: read-only and
 * executable segments only, no relocations, no needed libraries, no undefined
 * symbols, no TLS, no constructors. It defines one dynamic symbol,
 * hetagon_cpu_kernels: a constant hetagon_cpu_table, so that a loader can check
 * it before anything is executable.
 */
#ifndef HETAGON_BACKENDS_CPU_KERNELTABLE_H
#define HETAGON_BACKENDS_CPU_KERNELTABLE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HETAGON_CPU_TABLE_VERSION 2u
#define HETAGON_CPU_MAX_BINDINGS 64u
#define HETAGON_CPU_TABLE_SYMBOL "hetagon_cpu_kernels"
#define HETAGON_CPU_FORMAT "elf-x86_64"

/* Bits of required_features. */
#define HETAGON_CPU_AVX2 (1ull << 0)   /* with FMA, F16C, BMI1, BMI2, LZCNT */
#define HETAGON_CPU_AVX512 (1ull << 1) /* F, BW, CD, DQ, VL */
#define HETAGON_CPU_AVX512_VNNI (1ull << 2)
#define HETAGON_CPU_AVX512_BF16 (1ull << 3)

/* Runs part `part` of `parts` of one dispatch. Every part of a dispatch gets
 * the same bindings and constants and a scratch area of its own, 64-byte
 * aligned and not cleared. Returns 0, or 1 when a run-time argument is out of
 * the range for which the kernel was made. */
typedef int32_t (*hetagon_cpu_kernel)(const uint8_t *const *bindings,
                                      const int64_t *constants, int64_t part,
                                      int64_t parts, uint8_t *scratch);

/* Offsets are in bytes from the start of the table, so that the object needs no
 * relocations. */
typedef struct hetagon_cpu_entry {
  int32_t name_offset; /* NUL-terminated */
  int32_t code_offset;
  uint32_t binding_count;
  uint32_t constant_count;
  uint64_t scratch_bytes; /* for each part */
  /* Bit i: the kernel writes binding i; it only reads the others. Two commands
   * of which neither writes what the other touches may run side by side. */
  uint64_t written_bindings;
  /* The function's bytes, and hetagon_cpu_code_digest of them: an entry whose
   * code was taken away or changed is refused at load. */
  uint64_t code_bytes;
  uint64_t code_digest;
} hetagon_cpu_entry;

/* FNV-1a of 64 bits. It finds damage, not forgery: what may run is decided by
 * the plan's SHA-256 and the user's trust. */
static inline uint64_t hetagon_cpu_code_digest(const uint8_t *code,
                                               uint64_t bytes) {
  uint64_t digest = 0xcbf29ce484222325u;
  for (uint64_t i = 0; i < bytes; ++i)
    digest = (digest ^ code[i]) * 0x100000001b3u;
  return digest;
}

typedef struct hetagon_cpu_table {
  uint32_t version; /* HETAGON_CPU_TABLE_VERSION */
  uint32_t entry_count;
  uint64_t required_features;
  hetagon_cpu_entry entries[];
} hetagon_cpu_table;

#ifdef __cplusplus
}
#endif

#endif /* HETAGON_BACKENDS_CPU_KERNELTABLE_H */
