// JSON: parsing through nlohmann's event interface, so that depth and repeated
// keys are checked as the text is read.
#include "runtime/base/Json.h"
#include <set>

namespace hetagon {

namespace {

Place placeOfByte(std::string_view text, size_t byte, const std::string &file) {
  Place place{file, 1, 1, byte};
  for (size_t i = 0; i < byte && i < text.size(); ++i) {
    if (text[i] == '\n') {
      ++place.line;
      place.column = 1;
    } else {
      ++place.column;
    }
  }
  return place;
}

} // namespace

StatusOr<Json> parseJson(std::string_view text, const std::string &file,
                         size_t maxDepth) {
  using Event = Json::parse_event_t;
  std::vector<std::set<std::string>> keys;
  std::string refusal;
  auto watch = [&](int, Event event, Json &parsed) {
    if (event == Event::object_start || event == Event::array_start) {
      keys.emplace_back();
      if (keys.size() > maxDepth && refusal.empty())
        refusal =
            "nested more than " + std::to_string(maxDepth) + " levels deep";
    } else if (event == Event::object_end || event == Event::array_end) {
      keys.pop_back();
    } else if (event == Event::key &&
               !keys.back()
                    .insert(parsed.get_ref<const std::string &>())
                    .second &&
               refusal.empty()) {
      refusal = "the key '" + parsed.get_ref<const std::string &>() +
                "' stands twice in one object";
    }
    return refusal.empty();
  };
  try {
    Json value =
        Json::parse(text.begin(), text.end(), watch, /*allow_exceptions=*/true);
    if (!refusal.empty())
      return Status(Code::InvalidArgument, "JSON " + refusal,
                    Place{file, 0, 0, {}});
    return value;
  } catch (const nlohmann::json::parse_error &error) {
    return Status(Code::InvalidArgument, "not valid JSON",
                  placeOfByte(text, error.byte ? error.byte - 1 : 0, file));
  } catch (const nlohmann::json::exception &error) {
    return Status(Code::InvalidArgument,
                  std::string("not valid JSON: ") + error.what(),
                  Place{file, 0, 0, {}});
  }
}

std::string printJson(const Json &value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

} // namespace hetagon
