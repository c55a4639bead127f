// Reading devices.yaml.
#include "frontend/Devices/Devices.h"
#include "frontend/Text/TextReader.h"
#include <set>

namespace hetagon {

namespace {

class Reader {
public:
  Reader(const std::string &file, Diagnostics &diagnostics)
      : file(file), diagnostics(diagnostics) {}

  std::vector<DeviceEntry> read(const SourceValue &root) {
    std::vector<DeviceEntry> entries;
    if (!checkMap(root, "the file", {"devices"}))
      return entries;
    const SourceValue *list = root.find("devices");
    if (!list || !list->isList()) {
      error(list ? *list : root, "expected 'devices', a list",
            "write devices: with one entry, beginning with '-', for each");
      return entries;
    }
    std::set<std::string> ids;
    for (const SourceValue &item : list->items)
      if (std::optional<DeviceEntry> entry = readEntry(item)) {
        if (!ids.insert(entry->id).second)
          error(item, "a second device with the id '" + entry->id + "'",
                "give each device an id of its own");
        entries.push_back(std::move(*entry));
      }
    return entries;
  }

private:
  void error(const SourceValue &at, std::string message, std::string mend) {
    diagnostics.error(at.place(file), std::move(message), std::move(mend));
  }

  bool checkMap(const SourceValue &map, const std::string &what,
                std::vector<std::string_view> known) {
    if (!map.isMap()) {
      error(map, what + " must be a map, not " + map.describe(),
            "known keys: " + joined(known));
      return false;
    }
    bool good = true;
    for (size_t i = 0; i < map.pairs(); ++i) {
      const std::string &key = map.key(i).text;
      if (std::find(known.begin(), known.end(), key) != known.end())
        continue;
      error(map.key(i),
            "unknown key '" + key + "' in " + what + didYouMean(key, known),
            "known keys: " + joined(known));
      good = false;
    }
    return good;
  }

  /// The text under `key`; false after an error.
  bool text(const SourceValue &map, const char *key, std::string &target,
            bool required) {
    const SourceValue *value = map.find(key);
    if (!value && !required)
      return true;
    if (!value || !value->isString() || value->text.empty()) {
      error(value ? *value : map,
            std::string("'") + key + "' must be a text that is not empty",
            std::string("write ") + key + ": TEXT");
      return false;
    }
    target = value->text;
    return true;
  }

  bool price(const SourceValue &map, const char *key, double &target) {
    const SourceValue *value = map.find(key);
    if (!value)
      return true;
    std::optional<double> number =
        value->isNumber() ? value->asDouble() : std::nullopt;
    if (!number || !(*number >= 0 && *number < 1e9)) {
      error(*value,
            std::string("'") + key +
                "' must be dollars per million "
                "tokens, at least 0",
            "write a number");
      return false;
    }
    target = *number;
    return true;
  }

  std::optional<DeviceEntry> readEntry(const SourceValue &map) {
    if (!checkMap(map, "a device",
                  {"id", "backend", "zone", "trust", "config", "endpoint"}))
      return std::nullopt;
    DeviceEntry entry;
    entry.place = map.place(file);
    bool good = text(map, "id", entry.id, true);
    good &= text(map, "backend", entry.backend, true);
    good &= text(map, "zone", entry.zone, false);
    good &= text(map, "trust", entry.trust, false);
    if (const SourceValue *config = map.find("config")) {
      if (config->isMap())
        entry.config = printJson(config->json());
      else
        error(*config, "'config' must be a map", "see the backend's page");
    }
    if (const SourceValue *endpoint = map.find("endpoint")) {
      EndpointEntry read;
      if (!checkMap(*endpoint, "an endpoint",
                    {"url", "model", "secret", "price_per_million_input",
                     "price_per_million_output"}))
        return std::nullopt;
      good &= text(*endpoint, "url", read.url, true);
      good &= text(*endpoint, "model", read.model, true);
      good &= text(*endpoint, "secret", read.secret, false);
      good &= price(*endpoint, "price_per_million_input",
                    read.pricePerMillionInput);
      good &= price(*endpoint, "price_per_million_output",
                    read.pricePerMillionOutput);
      if (good && !read.url.starts_with("http://") &&
          !read.url.starts_with("https://")) {
        error(*endpoint->find("url"),
              "'" + read.url + "' is no http:// or https:// address",
              "write the address up to and with /v1");
        good = false;
      }
      entry.endpoint = std::move(read);
    }
    return good ? std::optional(std::move(entry)) : std::nullopt;
  }

  const std::string &file;
  Diagnostics &diagnostics;
};

} // namespace

std::vector<DeviceEntry> readDevices(const std::string &path,
                                     Diagnostics &diagnostics) {
  std::optional<SourceValue> root = readTextFile(path, diagnostics);
  if (!root)
    return {};
  return Reader(path, diagnostics).read(*root);
}

} // namespace hetagon
