// Reading safetensors. The header is parsed by events straight into the table
// of tensors, so that a hostile header cannot make a large document in memory.
#include "runtime/models/Safetensors.h"
#include "runtime/base/Json.h"
#include <algorithm>
#include <cstring>
#include <set>

namespace hetagon {

namespace {

struct DtypeName {
  std::string_view name;
  TensorFormat format;
};

constexpr DtypeName dtypeNames[] = {
    {"F64", TensorFormat::F64},        {"F32", TensorFormat::F32},
    {"F16", TensorFormat::F16},        {"BF16", TensorFormat::BF16},
    {"I64", TensorFormat::I64},        {"I32", TensorFormat::I32},
    {"I16", TensorFormat::I16},        {"I8", TensorFormat::I8},
    {"U64", TensorFormat::U64},        {"U32", TensorFormat::U32},
    {"U16", TensorFormat::U16},        {"U8", TensorFormat::U8},
    {"BOOL", TensorFormat::Bool},      {"F8_E4M3", TensorFormat::F8E4M3},
    {"F8_E5M2", TensorFormat::F8E5M2},
};

constexpr size_t maxRank = 8;

/// What the header says of one tensor.
struct Entry {
  std::string name;
  std::optional<TensorFormat> format;
  std::optional<std::vector<uint64_t>> dims;
  std::optional<std::vector<uint64_t>> range;
  uint64_t place = 0; ///< of its name in the file
};

/// Receives the header's events. A handler that returns false stops the parse
/// and has set `problem`.
class HeaderEvents : public nlohmann::json_sax<Json> {
public:
  explicit HeaderEvents(uint64_t maxEntries) : maxEntries(maxEntries) {}

  bool null() override { return unexpected("null"); }
  bool boolean(bool) override { return unexpected("a boolean"); }
  bool number_float(number_float_t, const string_t &) override {
    return unexpected("a number that is no integer");
  }
  bool binary(binary_t &) override { return unexpected("binary data"); }
  bool number_integer(number_integer_t) override {
    return unexpected("a negative number");
  }
  bool number_unsigned(number_unsigned_t value) override {
    if (state != State::Shape && state != State::Range)
      return unexpected("a number");
    size_t limit = state == State::Shape ? maxRank : 2;
    if (numbers.size() >= limit)
      return refuse("more than " + std::to_string(limit) + " numbers in '" +
                    field + "' of tensor '" + entry.name + "'");
    numbers.push_back(value);
    return true;
  }
  bool string(string_t &value) override {
    if (state == State::Notes) {
      notes[field] = value;
      return true;
    }
    if (state != State::Entry || field != "dtype")
      return unexpected("a string");
    for (const DtypeName &known : dtypeNames)
      if (known.name == value) {
        entry.format = known.format;
        return true;
      }
    return refuse("tensor '" + entry.name + "' has dtype '" + value +
                      "', which is not known",
                  Code::Unsupported);
  }
  bool start_object(size_t) override {
    if (state == State::Start) {
      state = State::Top;
      return true;
    }
    if (state != State::Top)
      return unexpected("an object");
    state = field == "__metadata__" ? State::Notes : State::Entry;
    keys.clear();
    if (state == State::Entry) {
      entry = Entry();
      entry.name = field;
    }
    return true;
  }
  bool end_object() override {
    if (state == State::Entry) {
      if (!entry.format || !entry.dims || !entry.range)
        return refuse("tensor '" + entry.name +
                      "' lacks dtype, shape or data_offsets");
      if (entry.range->size() != 2)
        return refuse("data_offsets of tensor '" + entry.name +
                      "' are not two numbers");
      entries.push_back(std::move(entry));
      entry = Entry();
    }
    state = state == State::Top ? State::End : State::Top;
    return true;
  }
  bool start_array(size_t) override {
    if (state != State::Entry || (field != "shape" && field != "data_offsets"))
      return unexpected("an array");
    state = field == "shape" ? State::Shape : State::Range;
    numbers.clear();
    return true;
  }
  bool end_array() override {
    (state == State::Shape ? entry.dims : entry.range) = numbers;
    state = State::Entry;
    return true;
  }
  bool key(string_t &name) override {
    if (state == State::Top) {
      if (!names.insert(name).second)
        return refuse("the name '" + name + "' stands twice");
      if (entries.size() >= maxEntries)
        return refuse("more than " + std::to_string(maxEntries) + " tensors");
    } else {
      if (state == State::Entry && name != "dtype" && name != "shape" &&
          name != "data_offsets")
        return refuse("tensor '" + entry.name + "' has the unknown key '" +
                      name + "'");
      if (!keys.insert(name).second)
        return refuse("the key '" + name + "' stands twice");
    }
    field = name;
    return true;
  }
  bool parse_error(size_t position, const std::string &,
                   const nlohmann::detail::exception &) override {
    if (problem.isOk())
      problem = Status(Code::InvalidArgument, "the header is not valid JSON");
    offset = position ? position - 1 : 0;
    return false;
  }

  std::vector<Entry> entries;
  std::map<std::string, std::string> notes;
  Status problem;
  std::optional<uint64_t> offset; ///< in the header; unknown for meaning

private:
  enum class State { Start, Top, Notes, Entry, Shape, Range, End };

  bool refuse(std::string message, Code code = Code::InvalidArgument) {
    problem = Status(code, std::move(message));
    return false;
  }
  bool unexpected(const char *what) {
    std::string where =
        state == State::Start ? "as the header"
        : state == State::Top ? "for tensor '" + field + "'"
        : state == State::Notes
            ? "in __metadata__"
            : "in '" + field + "' of tensor '" + entry.name + "'";
    return refuse(std::string(what) + " stands " + where);
  }

  uint64_t maxEntries;
  State state = State::Start;
  std::string field;
  Entry entry;
  std::vector<uint64_t> numbers;
  std::set<std::string> names, keys;
};

} // namespace

/// Checks what the header says against the file.
class SafetensorsFile::Reader {
public:
  explicit Reader(SafetensorsFile &file) : file(file), bytes(file.bytes()) {}

  Status run() {
    if (bytes.size() < 8)
      return file.failure(0, "the file ends inside the header's length");
    std::memcpy(&headerBytes, bytes.data(), 8);
    if (headerBytes > maxHeaderBytes || headerBytes > bytes.size() - 8)
      return file.failure(
          0, "the header's length of " + std::to_string(headerBytes) +
                 " bytes exceeds the file (" + std::to_string(bytes.size()) +
                 " bytes) or the limit of " + std::to_string(maxHeaderBytes));
    std::string_view text(reinterpret_cast<const char *>(bytes.data()) + 8,
                          size_t(headerBytes));
    HeaderEvents events(maxTensors);
    bool parsed = false;
    try {
      parsed = Json::sax_parse(text.begin(), text.end(), &events);
    } catch (const nlohmann::json::exception &) {
      return file.failure(8, "the header is not valid JSON");
    }
    if (!parsed)
      return events.problem.at(file.at(8 + events.offset.value_or(0)));
    file.notes = std::move(events.notes);
    for (Entry &entry : events.entries)
      HETAGON_RETURN_IF_ERROR(place(entry));
    return checkCover();
  }

private:
  Status place(Entry &entry) {
    auto [begin, end] = std::pair((*entry.range)[0], (*entry.range)[1]);
    uint64_t dataBytes = bytes.size() - 8 - headerBytes;
    if (begin > end || end > dataBytes)
      return file.failure(
          8, "tensor '" + entry.name + "' occupies bytes " +
                 std::to_string(begin) + " to " + std::to_string(end) +
                 " of the data, which has " + std::to_string(dataBytes));
    TensorView view;
    view.name = std::move(entry.name);
    view.format = *entry.format;
    view.dims = std::move(*entry.dims);
    std::optional<uint64_t> size = tensorBytes(view.format, view.dims);
    if (!size || *size != end - begin)
      return file.failure(
          8, "tensor '" + view.name + "' of shape " + view.shape() +
                 (size ? " needs " + std::to_string(*size) + " bytes"
                       : std::string(" has a size that overflows")) +
                 ", but its data_offsets hold " + std::to_string(end - begin));
    view.offset = 8 + headerBytes + begin;
    view.bytes = bytes.subspan(size_t(view.offset), size_t(end - begin));
    return file.add(std::move(view), 8);
  }

  /// The format allows neither overlap nor bytes that belong to no tensor.
  Status checkCover() {
    HETAGON_RETURN_IF_ERROR(file.checkOverlap());
    uint64_t covered = 0;
    for (const TensorView &tensor : file.tensors())
      covered += tensor.bytes.size();
    uint64_t dataBytes = bytes.size() - 8 - headerBytes;
    if (covered != dataBytes)
      return file.failure(8 + headerBytes,
                          "the tensors cover " + std::to_string(covered) +
                              " of the " + std::to_string(dataBytes) +
                              " data bytes; holes are not allowed");
    return Status::ok();
  }

  SafetensorsFile &file;
  std::span<const uint8_t> bytes;
  uint64_t headerBytes = 0;
};

StatusOr<std::shared_ptr<const SafetensorsFile>>
SafetensorsFile::read(std::shared_ptr<const MappedFile> mapped) {
  std::shared_ptr<SafetensorsFile> file(new SafetensorsFile(std::move(mapped)));
  HETAGON_RETURN_IF_ERROR(Reader(*file).run());
  return std::shared_ptr<const SafetensorsFile>(std::move(file));
}

} // namespace hetagon
