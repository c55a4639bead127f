// The YAML reader: yaml-cpp's parser drives a builder that counts what it
// builds, so that no text can make the tree larger than the limits, and decides
// what plain scalars mean as YAML 1.1's safe loaders do.
#include "frontend/Text/TextReader.h"
#include <algorithm>
#include <map>
#include <set>
#include <sstream>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

namespace hetagon {

namespace {

bool isDigit(char c) { return c >= '0' && c <= '9'; }

/// Consumes characters of `set` (and underscores where it lists them) from the
/// front of `text`; returns how many.
size_t take(std::string_view &text, std::string_view set) {
  size_t n = std::min(text.find_first_not_of(set), text.size());
  text.remove_prefix(n);
  return n;
}

void takeSign(std::string_view &text) {
  if (!text.empty() && (text[0] == '-' || text[0] == '+'))
    text.remove_prefix(1);
}

/// One or more ":[0-5]?[0-9]": base-sixty digits.
bool takeSixties(std::string_view &text) {
  bool any = false;
  while (text.size() > 1 && text[0] == ':' && isDigit(text[1])) {
    size_t n = text.size() > 2 && text[1] <= '5' && isDigit(text[2]) ? 3 : 2;
    text.remove_prefix(n);
    any = true;
  }
  return any;
}

bool looksLikeInt(std::string_view text) {
  takeSign(text);
  if (text.starts_with("0b")) {
    text.remove_prefix(2);
    return take(text, "01_") && text.empty();
  }
  if (text.starts_with("0x")) {
    text.remove_prefix(2);
    return take(text, "0123456789abcdefABCDEF_") && text.empty();
  }
  if (text == "0")
    return true;
  if (text.starts_with("0")) {
    text.remove_prefix(1);
    return take(text, "01234567_") && text.empty();
  }
  if (text.empty() || !isDigit(text[0]))
    return false;
  take(text, "0123456789_");
  takeSixties(text);
  return text.empty();
}

bool looksLikeFloat(std::string_view text) {
  std::string_view whole = text;
  takeSign(text);
  if (text == ".inf" || text == ".Inf" || text == ".INF")
    return true;
  if (whole == ".nan" || whole == ".NaN" || whole == ".NAN")
    return true;
  bool leading = !text.empty() && isDigit(text[0]);
  if (leading)
    take(text, "0123456789_");
  bool sixties = leading && takeSixties(text);
  if (text.empty() || text[0] != '.')
    return false;
  text.remove_prefix(1);
  if (!leading && (text.empty() || !isDigit(text[0])))
    return false;
  take(text, "0123456789_");
  if (!sixties && text.size() > 2 && (text[0] == 'e' || text[0] == 'E') &&
      (text[1] == '-' || text[1] == '+')) {
    text.remove_prefix(2);
    return take(text, "0123456789") && text.empty();
  }
  return text.empty();
}

bool looksLikeDate(std::string_view text) {
  auto digits = [&](size_t least, size_t most) {
    size_t n = 0;
    while (n < most && n < text.size() && isDigit(text[n]))
      ++n;
    text.remove_prefix(n);
    return n >= least ? n : 0;
  };
  auto mark = [&](char c) {
    bool there = !text.empty() && text[0] == c;
    text.remove_prefix(there);
    return there;
  };
  if (digits(4, 4) != 4 || !mark('-'))
    return false;
  size_t month = digits(1, 2);
  if (!month || !mark('-'))
    return false;
  size_t day = digits(1, 2);
  if (!day)
    return false;
  if (text.empty())
    return month == 2 && day == 2;
  if (text[0] == 'T' || text[0] == 't')
    text.remove_prefix(1);
  else if (!take(text, " \t"))
    return false;
  if (!digits(1, 2) || !mark(':') || digits(2, 2) != 2 || !mark(':') ||
      digits(2, 2) != 2)
    return false;
  if (mark('.'))
    take(text, "0123456789");
  if (text.empty())
    return true;
  take(text, " \t");
  if (text == "Z")
    return true;
  if (text.empty() || (text[0] != '+' && text[0] != '-'))
    return false;
  text.remove_prefix(1);
  if (!digits(1, 2))
    return false;
  return text.empty() || (mark(':') && digits(2, 2) == 2 && text.empty());
}

/// The booleans of YAML 1.1 in its three spellings: yes, Yes, YES.
std::optional<bool> booleanOf(std::string_view text) {
  static const std::map<std::string_view, bool> words = {
      {"yes", true},  {"Yes", true},    {"YES", true},    {"no", false},
      {"No", false},  {"NO", false},    {"true", true},   {"True", true},
      {"TRUE", true}, {"false", false}, {"False", false}, {"FALSE", false},
      {"on", true},   {"On", true},     {"ON", true},     {"off", false},
      {"Off", false}, {"OFF", false}};
  auto word = words.find(text);
  if (word == words.end())
    return std::nullopt;
  return word->second;
}

void resolvePlain(SourceValue &value) {
  using Kind = SourceValue::Kind;
  std::string_view text = value.text;
  value.kind = Kind::String;
  if (text.empty() || text == "~" || text == "null" || text == "Null" ||
      text == "NULL") {
    value.kind = Kind::Null;
  } else if (std::optional<bool> word = booleanOf(text)) {
    value.kind = Kind::Bool;
    value.boolean = *word;
  } else if (std::string_view("+-.0123456789").find(text[0]) ==
             std::string_view::npos) {
    return;
  } else if (looksLikeInt(text)) {
    value.kind = Kind::Int;
  } else if (looksLikeFloat(text)) {
    value.kind = Kind::Float;
  } else if (looksLikeDate(text)) {
    value.kind = Kind::Date;
  }
}

/// What the builder throws into yaml-cpp's parser to stop it; caught in
/// readYaml, never seen outside.
struct Refusal {
  uint32_t line, column;
  std::string message, mend;
};

class Builder : public YAML::EventHandler {
public:
  Builder(const std::string &file, Diagnostics &diagnostics,
          const TextLimits &limits)
      : file(file), diagnostics(diagnostics), limits(limits) {}

  SourceValue root;
  bool failed = false;

  void OnDocumentStart(const YAML::Mark &) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark &mark, YAML::anchor_t anchor) override {
    SourceValue value = start(mark);
    finish(std::move(value), anchor);
  }

  void OnScalar(const YAML::Mark &mark, const std::string &tag,
                YAML::anchor_t anchor, const std::string &text) override {
    SourceValue value = start(mark);
    value.text = text;
    value.kind = SourceValue::Kind::String;
    std::string_view name = standardTag(tag);
    if (tag == "?")
      resolvePlain(value);
    else if (name == "int" || name == "float" || name == "bool" ||
             name == "null")
      resolveAs(value, name);
    else if (tag != "!" && name != "str")
      refuseTag(value, tag);
    finish(std::move(value), anchor);
  }

  void OnAlias(const YAML::Mark &mark, YAML::anchor_t anchor) override {
    auto target = anchors.find(anchor);
    if (target == anchors.end())
      throw Refusal{line(mark), column(mark),
                    "an alias stands inside the value that it names",
                    "an Agent Spec document is a tree; write the value out"};
    charge(target->second, mark);
    SourceValue copy = target->second;
    copy.line = line(mark);
    copy.column = column(mark);
    finish(std::move(copy), 0);
  }

  void OnSequenceStart(const YAML::Mark &mark, const std::string &tag,
                       YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(mark, tag, "seq", anchor, SourceValue::Kind::List);
  }
  void OnMapStart(const YAML::Mark &mark, const std::string &tag,
                  YAML::anchor_t anchor, YAML::EmitterStyle::value) override {
    open(mark, tag, "map", anchor, SourceValue::Kind::Map);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapEnd() override {
    mergeKeys(stack.back().value);
    if (!checkKeys(stack.back().value, file, diagnostics))
      failed = true;
    close();
  }

private:
  struct Open {
    SourceValue value;
    YAML::anchor_t anchor;
  };
  const std::string &file;
  Diagnostics &diagnostics;
  const TextLimits &limits;
  std::vector<Open> stack;
  std::map<YAML::anchor_t, SourceValue> anchors;
  size_t count = 0, copiedBytes = 0;

  static uint32_t line(const YAML::Mark &mark) {
    return uint32_t(mark.line + 1);
  }
  static uint32_t column(const YAML::Mark &mark) {
    return uint32_t(mark.column + 1);
  }

  static std::string_view standardTag(std::string_view tag) {
    constexpr std::string_view prefix = "tag:yaml.org,2002:";
    return tag.starts_with(prefix) ? tag.substr(prefix.size())
                                   : std::string_view();
  }

  [[noreturn]] void refuseTag(const SourceValue &value, std::string_view tag) {
    throw Refusal{value.line, value.column,
                  "the tag '" + std::string(tag.substr(0, 80)) +
                      "' is not one of !!str, !!int, !!float, !!bool, !!null, "
                      "!!seq and !!map",
                  "remove the tag"};
  }

  void resolveAs(SourceValue &value, std::string_view name) {
    resolvePlain(value);
    using Kind = SourceValue::Kind;
    bool fits = name == "int"     ? value.is(Kind::Int)
                : name == "float" ? value.isNumber()
                : name == "bool"  ? value.is(Kind::Bool)
                                  : true;
    if (!fits)
      throw Refusal{value.line, value.column,
                    value.describe() + " does not fit its tag !!" +
                        std::string(name),
                    "remove the tag or mend the value"};
    if (name == "float")
      value.kind = Kind::Float;
    else if (name == "null")
      value.kind = Kind::Null;
  }

  void countOne(uint32_t atLine, uint32_t atColumn) {
    if (++count > limits.values)
      throw Refusal{atLine, atColumn,
                    "the document holds more than " +
                        std::to_string(limits.values) +
                        " values (aliases counted as often as they are used)",
                    "split the workflow into several files"};
  }

  /// Counts what copying `value` costs.
  void charge(const SourceValue &value, const YAML::Mark &mark) {
    countOne(line(mark), column(mark));
    copiedBytes += value.text.size();
    if (copiedBytes > limits.bytes)
      throw Refusal{line(mark), column(mark),
                    "the document's aliases expand to more than " +
                        std::to_string(limits.bytes) + " bytes",
                    "write the value once and use $component_ref"};
    for (const SourceValue &item : value.items)
      charge(item, mark);
  }

  SourceValue start(const YAML::Mark &mark) {
    SourceValue value;
    value.line = line(mark);
    value.column = column(mark);
    countOne(value.line, value.column);
    return value;
  }

  void open(const YAML::Mark &mark, const std::string &tag,
            std::string_view expected, YAML::anchor_t anchor,
            SourceValue::Kind kind) {
    SourceValue value = start(mark);
    value.kind = kind;
    if (!tag.empty() && tag != "?" && tag != "!" &&
        standardTag(tag) != expected)
      refuseTag(value, tag);
    if (stack.size() >= limits.depth)
      throw Refusal{value.line,
                    value.column,
                    "nested more than " + std::to_string(limits.depth) +
                        " levels deep",
                    {}};
    stack.push_back({std::move(value), anchor});
  }

  void close() {
    Open done = std::move(stack.back());
    stack.pop_back();
    finish(std::move(done.value), done.anchor);
  }

  void finish(SourceValue value, YAML::anchor_t anchor) {
    if (anchor) {
      YAML::Mark mark;
      mark.line = int(value.line) - 1;
      mark.column = int(value.column) - 1;
      charge(value, mark);
      anchors[anchor] = value;
    }
    if (stack.empty()) {
      root = std::move(value);
      return;
    }
    SourceValue &parent = stack.back().value;
    bool isKey = parent.isMap() && parent.items.size() % 2 == 0;
    if (isKey && (value.isMap() || value.isList()))
      throw Refusal{value.line,
                    value.column,
                    "a key must be a scalar, but " +
                        std::string(value.kindName()) + " stands here",
                    {}};
    parent.items.push_back(std::move(value));
  }

  /// "<<": the pairs of the map (or maps) it names, where the key is not given
  /// already.
  void mergeKeys(SourceValue &map) {
    const SourceValue *merge = map.findKey("<<");
    if (!merge || !merge->isString())
      return;
    size_t at = size_t(merge - map.items.data());
    SourceValue source = std::move(map.items[at + 1]);
    map.items.erase(map.items.begin() + at, map.items.begin() + at + 2);
    std::vector<SourceValue> maps;
    if (source.isList())
      maps = std::move(source.items);
    else
      maps.push_back(std::move(source));
    std::set<std::string> known;
    for (size_t i = 0; i < map.pairs(); ++i)
      known.insert(map.key(i).text);
    for (SourceValue &merged : maps) {
      if (!merged.isMap())
        throw Refusal{merged.line,
                      merged.column,
                      "'<<' merges maps, but " +
                          std::string(merged.kindName()) + " stands here",
                      {}};
      for (size_t i = 0; i < merged.pairs(); ++i) {
        if (!known.insert(merged.key(i).text).second)
          continue;
        map.items.push_back(merged.key(i));
        map.items.push_back(merged.value(i));
      }
    }
  }
};

/// yaml-cpp keeps every token of a flow collection that might turn out to be a
/// key until it is closed, which takes some 200 bytes for each bracket or
/// comma. The place of the first one too many, if there is one.
std::optional<Place> tooManyFlowTokens(std::string_view text,
                                       const std::string &file,
                                       const TextLimits &limits) {
  size_t left = limits.values + text.size() / 64;
  uint32_t line = 1, column = 1;
  for (char c : text) {
    if ((c == '[' || c == '{' || c == ',') && left-- == 0)
      return Place{file, line, column, {}};
    ++column;
    if (c == '\n') {
      ++line;
      column = 1;
    }
  }
  return std::nullopt;
}

} // namespace

std::optional<SourceValue> readYaml(std::string_view text,
                                    const std::string &file,
                                    Diagnostics &diagnostics,
                                    const TextLimits &limits) {
  auto refuse = [&](uint32_t line, uint32_t column, std::string message,
                    std::string mend) -> std::optional<SourceValue> {
    diagnostics.error(Place{file, line, column, {}}, std::move(message),
                      std::move(mend));
    return std::nullopt;
  };
  if (text.size() > limits.bytes)
    return refuse(0, 0,
                  "the text has " + std::to_string(text.size()) +
                      " bytes; at most " + std::to_string(limits.bytes) +
                      " are read",
                  {});
  if (!checkCharacters(text, file, diagnostics))
    return std::nullopt;
  if (std::optional<Place> place = tooManyFlowTokens(text, file, limits))
    return refuse(
        place->line, place->column,
        "the text holds more brackets and commas than a document of " +
            std::to_string(limits.values) + " values can need",
        "split the document into several files");
  Builder builder(file, diagnostics, limits);
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    if (!parser.HandleNextDocument(builder))
      return refuse(1, 1, "the file is empty", "write a document into it");
    SourceValue root = std::move(builder.root);
    if (builder.failed)
      return std::nullopt;
    if (parser.HandleNextDocument(builder))
      return refuse(builder.root.line, builder.root.column,
                    "a second document begins here",
                    "keep one document per file (remove the '---' between "
                    "them)");
    return root;
  } catch (const Refusal &refusal) {
    return refuse(refusal.line, refusal.column, refusal.message, refusal.mend);
  } catch (const YAML::Exception &error) {
    return refuse(uint32_t(error.mark.line + 1),
                  uint32_t(error.mark.column + 1),
                  "not valid YAML: " + error.msg, {});
  } catch (const std::exception &error) {
    return refuse(0, 0, std::string("not readable as YAML: ") + error.what(),
                  {});
  }
}

} // namespace hetagon
