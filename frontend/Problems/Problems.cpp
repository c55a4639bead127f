// Reading a planning problem: the sections in the order in which they build on
// each other.
#include "frontend/Problems/Problems.h"
#include "frontend/Problems/Sections.h"
#include "runtime/base/File.h"
#include <array>

namespace hetagon {

namespace {
constexpr TextLimits limits = {size_t(1) << 30, 400'000'000, 20};

const FieldReader::Keys sections = {"devices",  "tasks", "capacities",
                                    "links",    "edges", "requirements",
                                    "objective"};
using Section = void (SectionReader::*)();
/// Parallel to `sections`; read in the order of `reading`.
constexpr std::array<Section, 7> readers = {
    &SectionReader::readDevices,    &SectionReader::readTasks,
    &SectionReader::readCapacities, &SectionReader::readLinks,
    &SectionReader::readEdges,      &SectionReader::readRequirements,
    &SectionReader::readObjective};
constexpr std::array<size_t, 7> reading = {0, 2, 1, 3, 4, 5, 6};
} // namespace

std::optional<solver::Problem> parseProblem(std::string_view text,
                                            const std::string &file,
                                            Diagnostics &diagnostics) {
  if (!checkText(text, file, diagnostics, limits))
    return std::nullopt;
  JsonCursor cursor(text, file, diagnostics, limits);
  FieldReader fields(cursor, diagnostics);
  std::array<std::optional<JsonCursor::Mark>, 7> marks;
  fields.map("the problem", sections, 2, [&](size_t i) {
    if (cursor.peek()) {
      marks[i] = cursor.mark();
      cursor.skip();
    }
  });
  if (!fields.clean() || !cursor.atEnd())
    return std::nullopt;

  SectionReader reader(fields);
  for (size_t i : reading) {
    if (!marks[i] || !fields.good())
      continue;
    cursor.seek(*marks[i]);
    (reader.*readers[i])();
  }
  if (!fields.clean())
    return std::nullopt;
  solver::Problem problem = reader.finish();
  if (fields.clean()) {
    Status prepared = problem.prepare();
    if (prepared.isOk())
      return problem;
    bool cycle = prepared.code() == Code::InvalidArgument;
    size_t place = cycle && marks[4] ? 4 : 1;
    fields.complain(cursor.place(*marks[place]), prepared.message(),
                    cycle ? "take one of these edges out"
                          : "use smaller numbers");
  }
  return std::nullopt;
}

std::optional<solver::Problem> readProblem(const std::string &path,
                                           Diagnostics &diagnostics) {
  StatusOr<std::string> text = readFile(path, limits.bytes);
  if (!text.isOk()) {
    diagnostics.error(Place{path, 0, 0, {}}, text.status().message());
    return std::nullopt;
  }
  return parseProblem(*text, path, diagnostics);
}

} // namespace hetagon
