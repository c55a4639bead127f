// The walk follows FlatBuffers' reflection tables, so that the schema is the
// only list of fields; the generated verifier, which knows what is required,
// has the last word.
#include "runtime/plan/Structure.h"
#include "runtime/plan/plan_generated.h"
#include <cstring>
#include <string>

namespace hetagon::plan {

namespace {

using flatbuffers::ElementaryType;
using flatbuffers::TypeCode;
using flatbuffers::TypeTable;

/// Larger plans are refused: FlatBuffers' offsets have 32 bits, and a plan's
/// bulk stands in other sections.
constexpr size_t maxPlanBytes = size_t(256) << 20;

size_t widthOf(ElementaryType type) {
  switch (type) {
  case flatbuffers::ET_UTYPE:
  case flatbuffers::ET_BOOL:
  case flatbuffers::ET_CHAR:
  case flatbuffers::ET_UCHAR:
    return 1;
  case flatbuffers::ET_SHORT:
  case flatbuffers::ET_USHORT:
    return 2;
  case flatbuffers::ET_LONG:
  case flatbuffers::ET_ULONG:
  case flatbuffers::ET_DOUBLE:
    return 8;
  default: // 32-bit numbers, and offsets to tables and strings
    return 4;
  }
}

class Walk {
public:
  Walk(std::span<const uint8_t> bytes, const Place &place)
      : bytes(bytes), place(place), budget(bytes.size()) {}

  Status run() {
    if (bytes.size() > maxPlanBytes)
      return fail(0, "the plan's section has more than 256 MiB");
    if (bytes.size() < 8 || std::memcmp(bytes.data() + 4, "HPLN", 4) != 0)
      return fail(4, "the section does not hold a plan");
    HETAGON_ASSIGN_OR_RETURN(uint64_t root, follow(0));
    return table(root, *fb::PlanTypeTable());
  }

private:
  template <typename T> T read(uint64_t at) const {
    T value;
    std::memcpy(&value, bytes.data() + at, sizeof(T));
    return value;
  }
  bool inside(uint64_t at, uint64_t count) const {
    return at <= bytes.size() && count <= bytes.size() - at;
  }
  Status fail(uint64_t at, const std::string &message) const {
    Place where = place;
    where.offset = place.offset.value_or(0) + at;
    return Status(Code::InvalidArgument,
                  "malformed plan: " + (path.empty() ? "" : path + ": ") +
                      message + "; compile the flow again",
                  where);
  }
  /// Takes an object's bytes from what may still be used.
  Status take(uint64_t at, uint64_t count) {
    if (!inside(at, count))
      return fail(at, "reaches beyond the end of the section");
    if (count > budget)
      return fail(at, "objects overlap or are used twice");
    budget -= count;
    return Status::ok();
  }
  /// The target of the offset stored at `at`.
  StatusOr<uint64_t> follow(uint64_t at) {
    uint64_t target = at + read<uint32_t>(at);
    if (target == at || target % 4 != 0 || !inside(target, 4))
      return fail(at, "the offset points outside the section");
    return target;
  }

  Status string(uint64_t at) {
    uint64_t length = read<uint32_t>(at);
    HETAGON_RETURN_IF_ERROR(take(at, 4 + length + 1));
    const uint8_t *text = bytes.data() + at + 4;
    if (std::memchr(text, 0, length + 1) != text + length)
      return fail(at, "a text that is not terminated, or has a NUL in it");
    return Status::ok();
  }

  Status scalar(uint64_t at, TypeCode code, const TypeTable &type) {
    if (code.base_type == flatbuffers::ET_BOOL && bytes[at] > 1)
      return fail(at, "neither true nor false");
    if (code.sequence_ref < 0)
      return Status::ok();
    const TypeTable &enumeration = *type.type_refs[code.sequence_ref]();
    if (enumeration.st == flatbuffers::ST_ENUM &&
        bytes[at] >= enumeration.num_elems)
      return fail(at, "the enumerator " + std::to_string(bytes[at]) +
                          " is unknown");
    return Status::ok();
  }

  Status vector(uint64_t at, TypeCode code, const TypeTable &type) {
    auto element = ElementaryType(code.base_type);
    uint64_t count = read<uint32_t>(at), width = widthOf(element);
    HETAGON_RETURN_IF_ERROR(take(at, 4 + count * width));
    if ((at + 4) % width != 0)
      return fail(at, "a list that is not aligned");
    if (element != flatbuffers::ET_STRING &&
        element != flatbuffers::ET_SEQUENCE)
      return Status::ok();
    size_t stem = path.size();
    for (uint64_t i = 0; i < count; ++i) {
      path += "[" + std::to_string(i) + "]";
      HETAGON_ASSIGN_OR_RETURN(uint64_t target, follow(at + 4 + 4 * i));
      HETAGON_RETURN_IF_ERROR(
          element == flatbuffers::ET_STRING
              ? string(target)
              : table(target, *type.type_refs[code.sequence_ref]()));
      path.resize(stem);
    }
    return Status::ok();
  }

  Status field(uint64_t at, TypeCode code, const TypeTable &type) {
    auto element = ElementaryType(code.base_type);
    bool indirect = code.is_repeating || element == flatbuffers::ET_STRING ||
                    element == flatbuffers::ET_SEQUENCE;
    if (!indirect)
      return scalar(at, code, type);
    HETAGON_ASSIGN_OR_RETURN(uint64_t target, follow(at));
    if (code.is_repeating)
      return vector(target, code, type);
    if (element == flatbuffers::ET_STRING)
      return string(target);
    return table(target, *type.type_refs[code.sequence_ref]());
  }

  /// The schema has no recursive table, so its own depth bounds the recursion.
  Status table(uint64_t at, const TypeTable &type) {
    if (at % 4 != 0 || !inside(at, 4))
      return fail(at, "a table outside the section");
    int64_t vtable = int64_t(at) - read<int32_t>(at);
    if (vtable < 0 || vtable % 2 != 0 || !inside(uint64_t(vtable), 4))
      return fail(at, "a table's layout lies outside the section");
    uint64_t layout = uint64_t(vtable);
    uint64_t layoutBytes = read<uint16_t>(layout);
    uint64_t tableBytes = read<uint16_t>(layout + 2);
    if (layoutBytes < 4 || layoutBytes % 2 != 0 ||
        !inside(layout, layoutBytes) || tableBytes < 4)
      return fail(layout, "a table's layout has an impossible size");
    HETAGON_RETURN_IF_ERROR(take(at, tableBytes));
    size_t stem = path.size();
    for (uint64_t i = 0; i < (layoutBytes - 4) / 2; ++i) {
      uint64_t offset = read<uint16_t>(layout + 4 + 2 * i);
      if (offset == 0)
        continue;
      if (i >= type.num_elems)
        return fail(layout + 4 + 2 * i, "a field that this version lacks");
      path += (path.empty() ? "" : ".") + std::string(type.names[i]);
      TypeCode code = type.type_codes[i];
      uint64_t width =
          code.is_repeating ? 4 : widthOf(ElementaryType(code.base_type));
      if (offset < 4 || offset + width > tableBytes ||
          (at + offset) % width != 0)
        return fail(layout + 4 + 2 * i, "lies outside its table");
      HETAGON_RETURN_IF_ERROR(field(at + offset, code, type));
      path.resize(stem);
    }
    return Status::ok();
  }

  std::span<const uint8_t> bytes;
  const Place &place;
  uint64_t budget;
  std::string path;
};

} // namespace

Status checkStructure(std::span<const uint8_t> bytes, const Place &place) {
  HETAGON_RETURN_IF_ERROR(Walk(bytes, place).run());
  flatbuffers::Verifier::Options options;
  options.max_depth = 16;
  options.max_tables = flatbuffers::uoffset_t(bytes.size() / 4);
  flatbuffers::Verifier verifier(bytes.data(), bytes.size(), options);
  if (!fb::VerifyPlanBuffer(verifier))
    return Status(Code::InvalidArgument,
                  "malformed plan: a field that must be there is missing; "
                  "compile the flow again",
                  place);
  return Status::ok();
}

} // namespace hetagon::plan
