// The first look into a plan's FlatBuffer: a walk along the schema that bounds
// every offset and length before any generated code touches them.
#ifndef HETAGON_RUNTIME_PLAN_STRUCTURE_H
#define HETAGON_RUNTIME_PLAN_STRUCTURE_H

#include "runtime/base/Status.h"
#include <cstdint>
#include <span>

namespace hetagon::plan {

/// Checks that `bytes` holds a well-formed Plan of this schema: identifier,
/// offsets, lengths and alignment in bounds, required fields present, strings
/// terminated and free of NUL, enumerators known, no field that this schema
/// lacks. Objects may not overlap or be shared: their sizes together are at
/// most the buffer's, so that the time taken here and the memory taken by
/// unpacking are linear in it. `place` is the buffer's place in the file;
/// failures carry the offset in the file and the path of the field.
Status checkStructure(std::span<const uint8_t> bytes, const Place &place);

} // namespace hetagon::plan

#endif // HETAGON_RUNTIME_PLAN_STRUCTURE_H
