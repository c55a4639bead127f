// JSON from FlatBuffers' reflection tables, so that no field can be forgotten.
#include "runtime/plan/Explain.h"
#include <cstring>

namespace hetagon::plan {

namespace {

using flatbuffers::TypeCode;
using flatbuffers::TypeTable;

template <typename T> T read(const uint8_t *at) {
  return flatbuffers::ReadScalar<T>(at);
}

const uint8_t *follow(const uint8_t *at) {
  return at + read<flatbuffers::uoffset_t>(at);
}

Json toJson(const uint8_t *table, const TypeTable &type);

Json text(const uint8_t *at) {
  auto *string = reinterpret_cast<const flatbuffers::String *>(at);
  return std::string(string->c_str(), string->size());
}

Json scalar(const uint8_t *at, TypeCode code, const TypeTable &type) {
  if (code.sequence_ref >= 0) {
    const TypeTable &enumeration = *type.type_refs[code.sequence_ref]();
    return enumeration.names[*at];
  }
  switch (code.base_type) {
  case flatbuffers::ET_BOOL:
    return *at != 0;
  case flatbuffers::ET_UCHAR:
    return *at;
  case flatbuffers::ET_INT:
    return read<int32_t>(at);
  case flatbuffers::ET_UINT:
    return read<uint32_t>(at);
  case flatbuffers::ET_LONG:
    return read<int64_t>(at);
  case flatbuffers::ET_ULONG:
    return read<uint64_t>(at);
  case flatbuffers::ET_DOUBLE:
    return read<double>(at);
  default:
    return nullptr;
  }
}

size_t widthOf(TypeCode code) {
  switch (code.base_type) {
  case flatbuffers::ET_BOOL:
  case flatbuffers::ET_UCHAR:
    return 1;
  case flatbuffers::ET_LONG:
  case flatbuffers::ET_ULONG:
  case flatbuffers::ET_DOUBLE:
    return 8;
  default:
    return 4;
  }
}

Json element(const uint8_t *at, TypeCode code, const TypeTable &type) {
  if (code.base_type == flatbuffers::ET_STRING)
    return text(follow(at));
  if (code.base_type == flatbuffers::ET_SEQUENCE)
    return toJson(follow(at), *type.type_refs[code.sequence_ref]());
  return scalar(at, code, type);
}

Json vector(const uint8_t *at, TypeCode code, const TypeTable &type) {
  auto count = read<flatbuffers::uoffset_t>(at);
  at += 4;
  if (code.base_type == flatbuffers::ET_UCHAR) { // a digest
    std::string digits;
    for (uint32_t i = 0; i < count; ++i)
      digits += std::string(1, "0123456789abcdef"[at[i] >> 4]) +
                "0123456789abcdef"[at[i] & 15];
    return digits;
  }
  Json list = Json::array();
  for (uint32_t i = 0; i < count; ++i)
    list.push_back(element(at + i * widthOf(code), code, type));
  return list;
}

/// What stands for a field that is not there; scalars always are.
Json absent(TypeCode code) {
  if (code.is_repeating && code.base_type != flatbuffers::ET_UCHAR)
    return Json::array();
  if (code.is_repeating || code.base_type == flatbuffers::ET_STRING)
    return "";
  return nullptr;
}

Json toJson(const uint8_t *at, const TypeTable &type) {
  auto *table = reinterpret_cast<const flatbuffers::Table *>(at);
  Json object = Json::object();
  for (size_t i = 0; i < type.num_elems; ++i) {
    TypeCode code = type.type_codes[i];
    const uint8_t *field = table->GetAddressOf(flatbuffers::FieldIndexToOffset(
        static_cast<flatbuffers::voffset_t>(i)));
    object[type.names[i]] = !field ? absent(code)
                            : code.is_repeating
                                ? vector(follow(field), code, type)
                                : element(field, code, type);
  }
  return object;
}

} // namespace

Json explainJson(const PlanFile &plan, std::string_view trust) {
  const Container &file = plan.container();
  Json sections = Json::array();
  for (size_t i = 0; i < file.sections().size(); ++i) {
    const Section &section = file.sections()[i];
    sections.push_back({{"name", sectionName(section.kind, i)},
                        {"offset", section.offset},
                        {"bytes", section.size},
                        {"alignment", section.alignment},
                        {"sha256", hex(section.digest)}});
  }
  // Packed again, with defaults written out, whatever the writer left out.
  std::unique_ptr<fb::PlanT> unpacked(plan.plan().UnPack());
  flatbuffers::FlatBufferBuilder builder;
  builder.ForceDefaults(true);
  builder.Finish(fb::Plan::Pack(builder, unpacked.get()));
  const uint8_t *root = follow(builder.GetBufferPointer());
  return {{"file", plan.name()},
          {"bytes", file.fileBytes()},
          {"format", std::to_string(file.versionMajor()) + "." +
                         std::to_string(file.versionMinor())},
          {"required_features", file.features()},
          {"digest", hex(plan.digest())},
          {"trust", std::string(trust)},
          {"sections", std::move(sections)},
          {"plan", toJson(root, *fb::PlanTypeTable())}};
}

} // namespace hetagon::plan
