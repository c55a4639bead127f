// Layout and number formats.
#include "runtime/plan/TextTable.h"
#include <algorithm>
#include <cstdio>

namespace hetagon::plan {

namespace {

/// Columns that a text takes: its code points.
size_t widthOf(std::string_view text) {
  return size_t(std::count_if(text.begin(), text.end(),
                              [](char c) { return (c & 0xc0) != 0x80; }));
}

std::string scaled(double value, double step, const char *const *names,
                   size_t count) {
  size_t i = 0;
  for (; i + 1 < count && value >= step; ++i)
    value /= step;
  char text[48];
  std::snprintf(text, sizeof(text), i == 0 ? "%.0f%s%s" : "%.1f%s%s", value,
                *names[i] ? " " : "", names[i]);
  return text;
}

} // namespace

TextTable::TextTable(std::vector<std::string> headings)
    : headings(std::move(headings)) {}

void TextTable::add(std::vector<std::string> row) {
  rows.push_back(std::move(row));
}

std::string TextTable::str(size_t indent) const {
  std::vector<size_t> widths;
  for (const auto &row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], widthOf(row[i]));
  }
  for (size_t i = 0; i < std::min(widths.size(), headings.size()); ++i)
    if (widths[i])
      widths[i] = std::max(widths[i], widthOf(headings[i]));
  std::string text;
  auto line = [&](const std::vector<std::string> &row) {
    std::string made(indent, ' ');
    for (size_t i = 0; i < row.size(); ++i) {
      if (i >= widths.size() || widths[i] == 0)
        continue;
      made += row[i];
      made.append(widths[i] - widthOf(row[i]) + 2, ' ');
    }
    made.erase(made.find_last_not_of(' ') + 1);
    text += made + "\n";
  };
  if (!headings.empty() && !rows.empty())
    line(headings);
  for (const auto &row : rows)
    line(row);
  return text;
}

std::string printable(std::string_view text) {
  std::string made;
  for (size_t i = 0; i < text.size(); ++i) {
    auto c = static_cast<unsigned char>(text[i]);
    // U+0080 to U+009F are control characters, too.
    bool c1 = c == 0xc2 && i + 1 < text.size() &&
              static_cast<unsigned char>(text[i + 1]) < 0xa0;
    if (c == '\n')
      made += "\\n";
    else if (c == '\t')
      made += "\\t";
    else if (c < 0x20 || c == 0x7f)
      made += '?';
    else if (c1)
      made += '?', ++i;
    else
      made += text[i];
  }
  return made;
}

std::string shown(std::string_view text) {
  return "\"" + printable(text) + "\"";
}

std::string showBytes(uint64_t bytes) {
  static constexpr const char *names[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  return scaled(double(bytes), 1024, names, std::size(names));
}

std::string showCount(uint64_t count) {
  static constexpr const char *names[] = {"", "k", "M", "G", "T"};
  return scaled(double(count), 1000, names, std::size(names));
}

std::string showNumber(double number) {
  char text[48];
  std::snprintf(text, sizeof(text), "%.4g", number);
  return text;
}

} // namespace hetagon::plan
