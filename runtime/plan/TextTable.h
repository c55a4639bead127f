// Aligned columns of text and numbers with units, for explain.
#ifndef HETAGON_RUNTIME_PLAN_TEXTTABLE_H
#define HETAGON_RUNTIME_PLAN_TEXTTABLE_H

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hetagon::plan {

/// Rows of cells; columns are as wide as their widest cell, and the last one is
/// not padded. Columns without any text are left out, with their heading.
class TextTable {
public:
  explicit TextTable(std::vector<std::string> headings = {});
  void add(std::vector<std::string> row);
  bool empty() const { return rows.empty(); }
  std::string str(size_t indent) const;

private:
  std::vector<std::string> headings;
  std::vector<std::vector<std::string>> rows;
};

/// `text` without control characters.
std::string printable(std::string_view text);
/// As printable, in double quotes.
std::string shown(std::string_view text);
/// "1.5 MiB"
std::string showBytes(uint64_t bytes);
/// "134.5 M"
std::string showCount(uint64_t count);
/// At most four significant digits: "120.5", "0.005".
std::string showNumber(double number);

} // namespace hetagon::plan

#endif // HETAGON_RUNTIME_PLAN_TEXTTABLE_H
