// The tools that Hetagon itself provides (BuiltinTool with a tool_type that
// begins with "hetagon."): their configuration and their ports.
#include "frontend/AgentSpec/Workflow.h"
#include <algorithm>

namespace hetagon {

namespace {

/// Reads the map `configuration` of one tool key by key.
class Configuration {
public:
  Configuration(const Component &tool, Diagnostics &diagnostics,
                std::vector<std::string_view> known)
      : tool(tool), diagnostics(diagnostics), map(tool.value("configuration")) {
    if (!map) {
      error(tool.place,
            tool.label() + " (" + tool.text("tool_type") +
                ") has no configuration",
            "give it " + joined(known));
      return;
    }
    for (size_t i = 0; i < map->pairs(); ++i)
      if (std::find(known.begin(), known.end(), map->key(i).text) ==
          known.end())
        error(map->key(i).place(tool.place.file),
              "unknown key " + map->key(i).describe() +
                  " in the configuration of " + tool.text("tool_type") +
                  didYouMean(map->key(i).text, known),
              "allowed: " + joined(known));
  }

  bool good = true;

  std::string text(const char *key) {
    const SourceValue *value = map ? map->find(key) : nullptr;
    if (value && value->isString() && !value->text.empty())
      return value->text;
    report(key, value, "a string that is not empty");
    return {};
  }

  /// A number between the bounds; `otherwise` when the key is absent.
  double number(const char *key, double least, double most, double otherwise,
                bool integer) {
    const SourceValue *value = map ? map->find(key) : nullptr;
    if (!value)
      return otherwise;
    std::optional<double> found = value->asDouble();
    bool fits = found && *found >= least && *found <= most &&
                (!integer || value->is(SourceValue::Kind::Int));
    if (fits)
      return *found;
    auto shown = [&](double bound) {
      return integer ? std::to_string(int64_t(bound))
                     : std::to_string(bound).substr(0, 4);
    };
    report(key, value,
           std::string(integer ? "an integer" : "a number") + " from " +
               shown(least) + " to " + shown(most));
    return otherwise;
  }

  void needPort(const std::vector<Port> &ports, const char *side,
                const char *title, bool isList) {
    for (const Port &port : ports) {
      if (port.title != title)
        continue;
      bool list = port.isOfType("array");
      if (list != isList)
        error(port.place,
              "the " + std::string(side) + " '" + title + "' of " +
                  tool.text("tool_type") + " must be " +
                  (isList ? "an array" : "a string"),
              isList ? "write 'type: array'" : "write 'type: string'");
      return;
    }
    error(tool.placeOf(std::string(side) + "s"),
          tool.text("tool_type") + " needs the " + side + " '" + title + "'",
          std::string("add {title: ") + title +
              ", type: " + (isList ? "array" : "string") + "}");
  }

  void allowPorts(const std::vector<Port> &ports, const char *side,
                  const std::vector<std::string_view> &known) {
    for (const Port &port : ports)
      if (std::find(known.begin(), known.end(), port.title) == known.end())
        error(port.place,
              tool.text("tool_type") + " has no " + side + " '" + port.title +
                  "'" + didYouMean(port.title, known),
              "it has: " + joined(known));
  }

private:
  const Component &tool;
  Diagnostics &diagnostics;
  const SourceValue *map;

  void error(Place place, std::string message, std::string mend) {
    good = false;
    diagnostics.error(std::move(place), std::move(message), std::move(mend));
  }

  void report(const char *key, const SourceValue *value,
              std::string_view wanted) {
    if (!map)
      return;
    error(value ? value->place(tool.place.file) : map->place(tool.place.file),
          "'" + std::string(key) + "' of " + tool.text("tool_type") +
              (value ? " is " + value->describe() : " is missing"),
          "it must be " + std::string(wanted));
  }
};

} // namespace

std::optional<RetrieveConfig> readRetrieve(const Component &tool,
                                           Diagnostics &diagnostics) {
  Configuration read(tool, diagnostics,
                     {"documents", "embedding_model", "top_k"});
  RetrieveConfig config;
  config.documents = read.text("documents");
  config.embeddingModel = read.text("embedding_model");
  config.topK = int64_t(read.number("top_k", 1, 1000, 3, true));
  read.needPort(tool.inputs, "input", "question", false);
  read.allowPorts(tool.inputs, "input", {"question", "rewritten"});
  read.needPort(tool.outputs, "output", "passages", true);
  read.allowPorts(tool.outputs, "output", {"passages"});
  return read.good ? std::optional(config) : std::nullopt;
}

std::optional<AttributeConfig> readAttribute(const Component &tool,
                                             Diagnostics &diagnostics) {
  Configuration read(tool, diagnostics, {"embedding_model", "threshold"});
  AttributeConfig config;
  config.embeddingModel = read.text("embedding_model");
  config.threshold = read.number("threshold", -1, 1, 0.5, false);
  read.needPort(tool.inputs, "input", "answer", false);
  read.needPort(tool.inputs, "input", "passages", true);
  read.allowPorts(tool.inputs, "input", {"answer", "passages"});
  read.needPort(tool.outputs, "output", "citations", true);
  read.allowPorts(tool.outputs, "output", {"citations"});
  return read.good ? std::optional(config) : std::nullopt;
}

} // namespace hetagon
