// Diagnostics: gathering and printing.
#include "runtime/base/Diagnostic.h"

namespace hetagon {

std::string Diagnostic::str() const {
  std::string text = place.str();
  text += severity == Severity::Error ? ": error: " : ": warning: ";
  text += message;
  if (!mend.empty())
    text += "\n  mend: " + mend;
  return text;
}

void Diagnostics::error(Place place, std::string message, std::string mend) {
  list.push_back(
      {Severity::Error, std::move(place), std::move(message), std::move(mend)});
  ++errors;
}

void Diagnostics::warning(Place place, std::string message, std::string mend) {
  list.push_back({Severity::Warning, std::move(place), std::move(message),
                  std::move(mend)});
}

std::string Diagnostics::str() const {
  std::string text;
  for (const Diagnostic &diagnostic : list)
    text += diagnostic.str() + "\n";
  return text;
}

Status Diagnostics::status() const {
  for (const Diagnostic &diagnostic : list)
    if (diagnostic.severity == Severity::Error)
      return Status(Code::InvalidArgument, diagnostic.message,
                    diagnostic.place);
  return Status::ok();
}

} // namespace hetagon
