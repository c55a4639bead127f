// Diagnostics of the readers: problems with their place in the user's own file
// and a mend, gathered so that one run reports all of them.
#ifndef HETAGON_RUNTIME_BASE_DIAGNOSTIC_H
#define HETAGON_RUNTIME_BASE_DIAGNOSTIC_H

#include "runtime/base/Status.h"
#include <string>
#include <vector>

namespace hetagon {

enum class Severity { Warning, Error };

/// One finding. `mend` says what the user should do; it may be empty when the
/// message says it already.
struct Diagnostic {
  Severity severity = Severity::Error;
  Place place;
  std::string message;
  std::string mend;

  /// "flow.yaml:3:7: error: message\n  mend: ..." without a final newline.
  std::string str() const;
};

/// The findings of one reading, in the order in which they were met.
class Diagnostics {
public:
  void error(Place place, std::string message, std::string mend = {});
  void warning(Place place, std::string message, std::string mend = {});
  bool hasErrors() const { return errors != 0; }
  const std::vector<Diagnostic> &all() const { return list; }
  /// Every finding on lines of its own.
  std::string str() const;
  /// Ok without errors; otherwise the first error as an InvalidArgument status.
  Status status() const;

private:
  std::vector<Diagnostic> list;
  size_t errors = 0;
};

} // namespace hetagon

#endif // HETAGON_RUNTIME_BASE_DIAGNOSTIC_H
