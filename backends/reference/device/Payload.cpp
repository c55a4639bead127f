// Reads the line format of docs/reference-backend.md. Everything a line says
// is checked here, so that what runs later can rely on it.
#include "backends/reference/device/Op.h"
#include <cmath>
#include <cstdlib>
#include <initializer_list>
#include <set>

namespace hetagon::reference {

namespace {

constexpr size_t maxPayloadBytes = size_t(16) << 20;
constexpr size_t maxEntries = 100'000;
constexpr int64_t maxSize = (int64_t(1) << 31) - 1;

struct OpcodeInfo {
  std::string_view word;
  Opcode code;
  std::initializer_list<std::string_view> keys, optionalKeys;
};

#define HETAGON_KV_KEYS                                                        \
  "layers", "kv_heads", "head_dim", "page_tokens", "format"

const OpcodeInfo opcodes[] = {
    {"embedding", Opcode::Embedding, {"vocab", "d", "format"}, {}},
    {"linear", Opcode::Linear, {"k", "n", "format"}, {"bias"}},
    {"rms_norm", Opcode::RmsNorm, {"d", "g", "eps"}, {"format"}},
    {"layer_norm", Opcode::LayerNorm, {"d", "eps"}, {"format"}},
    {"rope",
     Opcode::Rope,
     {"heads", "head_dim", "rotary", "pairing"},
     {"scale"}},
    {"kv_append", Opcode::KvAppend, {HETAGON_KV_KEYS, "layer"}, {}},
    {"attention",
     Opcode::Attention,
     {HETAGON_KV_KEYS, "layer", "heads", "scale"},
     {"window"}},
    {"segment_attention",
     Opcode::SegmentAttention,
     {"heads", "head_dim", "scale"},
     {}},
    {"add", Opcode::Add, {"d"}, {"broadcast", "format"}},
    {"mul", Opcode::Mul, {"d"}, {"broadcast", "format"}},
    {"activation", Opcode::Activation, {"d", "kind"}, {}},
    {"glu", Opcode::Glu, {"d", "kind"}, {}},
    {"scale", Opcode::Scale, {"d", "factor"}, {}},
    {"gather_rows", Opcode::GatherRows, {"d"}, {}},
    {"pool", Opcode::Pool, {"d", "kind"}, {}},
    {"l2_normalize", Opcode::L2Normalize, {"d"}, {}},
};

#undef HETAGON_KV_KEYS

bool contains(std::initializer_list<std::string_view> list,
              std::string_view key) {
  for (std::string_view entry : list)
    if (entry == key)
      return true;
  return false;
}

std::optional<int64_t> parseInteger(std::string_view text, int64_t least) {
  if (text.empty() || text.size() > 10)
    return std::nullopt;
  int64_t value = 0;
  for (char c : text) {
    if (c < '0' || c > '9')
      return std::nullopt;
    value = value * 10 + (c - '0');
  }
  if (value < least || value > maxSize)
    return std::nullopt;
  return value;
}

std::optional<float> parseFloat(const std::string &text) {
  if (text.empty() || text.size() > 64 ||
      text.find_first_not_of("+-.0123456789abcdefABCDEFxXpP") !=
          std::string::npos)
    return std::nullopt;
  char *end = nullptr;
  float value = std::strtof(text.c_str(), &end);
  if (*end != 0 || !std::isfinite(value))
    return std::nullopt;
  return value;
}

std::optional<Format> parseFormat(std::string_view word) {
  constexpr std::string_view words[] = {"f32",  "f16",  "bf16", "q8_0",
                                        "q4_0", "q4_1", "q4_k", "q6_k"};
  for (size_t i = 0; i < std::size(words); ++i)
    if (words[i] == word)
      return Format(i);
  return std::nullopt;
}

/// Takes the fields of one line apart.
class Line {
public:
  Line(std::string_view text, Op &op) : rest(text), op(op) {}

  /// Empty on success, else what is wrong.
  std::string parse() {
    std::string_view name = next(), word = next();
    if (name.empty() || name.size() > 200 ||
        name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstu"
                               "vwxyz0123456789_.-") != std::string_view::npos)
      return "'" + std::string(name.substr(0, 40)) + "' is no entry's name";
    op.name = name;
    for (const OpcodeInfo &candidate : opcodes)
      if (candidate.word == word)
        info = &candidate;
    if (!info)
      return "the opcode '" + std::string(word.substr(0, 40)) +
             "' is not known";
    op.code = info->code;
    while (!rest.empty()) {
      std::string_view field = next();
      size_t equals = field.find('=');
      if (equals == std::string_view::npos)
        return "'" + std::string(field.substr(0, 40)) + "' is not key=value";
      std::string_view key = field.substr(0, equals);
      std::string value(field.substr(equals + 1));
      if (!contains(info->keys, key) && !contains(info->optionalKeys, key))
        return "'" + std::string(key.substr(0, 40)) + "' is no key of " +
               std::string(word);
      if (!seen.insert(key).second)
        return "the key '" + std::string(key) + "' stands twice";
      if (!set(key, value))
        return "the value '" + value.substr(0, 40) + "' of '" +
               std::string(key) + "' is not allowed";
    }
    for (std::string_view key : info->keys)
      if (!seen.count(key))
        return "the key '" + std::string(key) + "' is missing";
    return meaning();
  }

private:
  std::string_view next() {
    size_t space = rest.find(' ');
    std::string_view field = rest.substr(0, space);
    rest = space == std::string_view::npos ? "" : rest.substr(space + 1);
    return field;
  }

  bool set(std::string_view key, const std::string &value) {
    struct IntegerKey {
      std::string_view key;
      int64_t *target;
      int64_t least;
    };
    for (const IntegerKey &entry :
         std::initializer_list<IntegerKey>{{"vocab", &op.vocab, 1},
                                           {"d", &op.d, 1},
                                           {"g", &op.g, 1},
                                           {"k", &op.k, 1},
                                           {"n", &op.n, 1},
                                           {"heads", &op.heads, 1},
                                           {"head_dim", &op.headDim, 1},
                                           {"rotary", &op.rotary, 2},
                                           {"layers", &op.layers, 1},
                                           {"kv_heads", &op.kvHeads, 1},
                                           {"page_tokens", &op.pageTokens, 1},
                                           {"layer", &op.layer, 0},
                                           {"window", &op.window, 0}})
      if (entry.key == key) {
        std::optional<int64_t> number = parseInteger(value, entry.least);
        *entry.target = number.value_or(0);
        return number.has_value();
      }
    if (key == "eps" || key == "scale" || key == "factor") {
      std::optional<float> number = parseFloat(value);
      (key == "eps"     ? op.eps
       : key == "scale" ? op.scale
                        : op.factor) = number.value_or(0);
      return number.has_value();
    }
    if (key == "broadcast") {
      op.broadcast = value == "1";
      return value == "0" || value == "1";
    }
    if (key == "format") {
      std::optional<Format> format = parseFormat(value);
      op.format = format.value_or(Format::F32);
      return format.has_value();
    }
    if (key == "bias") {
      op.bias = value == "none" ? std::nullopt : parseFormat(value);
      return value == "none" || (op.bias && *op.bias <= Format::BF16);
    }
    if (key == "pairing") {
      op.interleaved = value == "interleaved";
      return op.interleaved || value == "half";
    }
    if (op.code == Opcode::Pool) { // kind
      op.first = value == "first";
      return op.first || value == "mean";
    }
    constexpr std::string_view kinds[] = {"silu", "gelu", "gelu_tanh", "relu"};
    for (size_t i = 0; i < std::size(kinds); ++i)
      if (kinds[i] == value) {
        op.kind = Activation(i);
        return true;
      }
    return false;
  }

  /// Rules among the keys.
  std::string meaning() const {
    bool isMatrix = op.code == Opcode::Linear || op.code == Opcode::Embedding;
    if (!isMatrix && op.format > Format::BF16)
      return "the format must be f32, f16 or bf16 here";
    int64_t row = op.code == Opcode::Linear ? op.k : op.d;
    if (isMatrix && row % blockElements(op.format) != 0)
      return "rows of " + std::to_string(row) + " are not whole blocks of " +
             std::to_string(blockElements(op.format));
    if (op.code == Opcode::RmsNorm && op.d % op.g != 0)
      return "g does not divide d";
    if (op.eps < 0)
      return "eps is negative";
    if (op.code == Opcode::Rope &&
        (op.rotary % 2 != 0 || op.rotary > op.headDim))
      return "rotary must be even and at most head_dim";
    if (op.kvHeads && op.layer >= op.layers)
      return "there is no layer " + std::to_string(op.layer);
    if (op.code == Opcode::Attention && op.heads % op.kvHeads != 0)
      return "kv_heads does not divide heads";
    if (op.format != Format::F32 && !op.broadcast &&
        (op.code == Opcode::Add || op.code == Opcode::Mul))
      return "another format than f32 needs broadcast=1";
    // Static sizes beyond this could not be addressed anyway.
    constexpr double limit = double(int64_t(1) << 56);
    if (double(op.layers) * 2 * double(op.kvHeads) * double(op.pageTokens) *
                double(op.headDim) >
            limit ||
        double(op.heads) * double(op.headDim) > limit ||
        double(op.n) * double(op.k) * 4 > limit ||
        double(op.vocab) * double(op.d) * 4 > limit)
      return "the sizes are too large";
    return "";
  }

  std::string_view rest;
  Op &op;
  const OpcodeInfo *info = nullptr;
  std::set<std::string_view> seen;
};

} // namespace

int64_t blockElements(Format format) {
  return format <= Format::BF16 ? 1 : format <= Format::Q4_1 ? 32 : 256;
}

int64_t blockBytes(Format format) {
  constexpr int64_t bytes[] = {4, 2, 2, 34, 18, 20, 144, 210};
  return bytes[size_t(format)];
}

Outcome parsePayload(std::string_view text, std::vector<Op> &ops) {
  size_t lineNumber = 1;
  auto refuse = [&](std::string why) {
    return Outcome{HETAGON_INVALID_ARGUMENT, "line " +
                                                 std::to_string(lineNumber) +
                                                 " of the payload: " + why};
  };
  if (text.size() > maxPayloadBytes)
    return refuse("the payload has more than " +
                  std::to_string(maxPayloadBytes) + " bytes");
  constexpr std::string_view head = "reference-ops 1\n";
  if (text.substr(0, head.size()) != head)
    return refuse("expected 'reference-ops 1'");
  text.remove_prefix(head.size());
  std::set<std::string> names;
  while (!text.empty()) {
    ++lineNumber;
    size_t end = text.find('\n');
    if (end == std::string_view::npos)
      return refuse("the line does not end");
    if (ops.size() >= maxEntries)
      return refuse("more than " + std::to_string(maxEntries) + " entries");
    ops.emplace_back();
    std::string why = Line(text.substr(0, end), ops.back()).parse();
    if (!why.empty())
      return refuse(why);
    if (!names.insert(ops.back().name).second)
      return refuse("the entry '" + ops.back().name + "' stands twice");
    text.remove_prefix(end + 1);
  }
  return {};
}

} // namespace hetagon::reference
