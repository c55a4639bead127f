// Typed access to members of JSON objects.
#include "frontend/Models/Readers.h"
#include <cmath>

namespace hetagon {

Status JsonObject::wrong(const char *key, const char *wanted) const {
  if (!has(key))
    return Status(Code::NotFound,
                  std::string("no member '") + key + "', which must be " +
                      wanted,
                  Place{file, 0, 0, {}});
  return Status(Code::InvalidArgument,
                std::string("member '") + key + "' must be " + wanted,
                Place{file, 0, 0, {}});
}

bool JsonObject::has(const char *key) const {
  return json.is_object() && json.contains(key) && !json[key].is_null();
}

StatusOr<uint32_t> JsonObject::size(const char *key) const {
  if (!has(key) || !json[key].is_number_unsigned() ||
      json[key].get<uint64_t>() == 0 ||
      json[key].get<uint64_t>() >= (uint64_t(1) << 31))
    return wrong(key, "a positive integer below 2^31");
  return uint32_t(json[key].get<uint64_t>());
}

StatusOr<uint32_t> JsonObject::sizeOr(const char *key, uint32_t missing) const {
  return has(key) ? size(key) : missing;
}

StatusOr<double> JsonObject::number(const char *key) const {
  if (!has(key) || !json[key].is_number() ||
      !std::isfinite(json[key].get<double>()))
    return wrong(key, "a number");
  return json[key].get<double>();
}

StatusOr<std::string> JsonObject::text(const char *key) const {
  if (!has(key) || !json[key].is_string())
    return wrong(key, "a string");
  return json[key].get<std::string>();
}

StatusOr<std::string> JsonObject::textOr(const char *key,
                                         const char *missing) const {
  return has(key) ? text(key) : std::string(missing);
}

StatusOr<bool> JsonObject::flagOr(const char *key, bool missing) const {
  if (!has(key))
    return missing;
  if (!json[key].is_boolean())
    return wrong(key, "true or false");
  return json[key].get<bool>();
}

} // namespace hetagon
