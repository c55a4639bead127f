// Reads YAML and JSON texts from anywhere, hostile ones included, into
// SourceValue trees: bounded in bytes, values, nesting and alias expansion.
#ifndef HETAGON_FRONTEND_TEXT_TEXTREADER_H
#define HETAGON_FRONTEND_TEXT_TEXTREADER_H

#include "frontend/Text/SourceValue.h"
#include "runtime/base/Diagnostic.h"

namespace hetagon {

/// What a document may take. Beyond any of these it is refused with the place
/// where the bound was passed.
struct TextLimits {
  size_t bytes = size_t(8) << 20;
  /// Scalars, lists and maps, counted after alias expansion.
  size_t values = 150'000;
  size_t depth = 100;
};

/// Reads one YAML 1.1 document. Errors go to `diagnostics` and leave no value:
/// syntax, bytes that are not UTF-8, repeated keys, tags that a safe loader
/// does not know, several documents, and the limits.
std::optional<SourceValue> readYaml(std::string_view text,
                                    const std::string &file,
                                    Diagnostics &diagnostics,
                                    const TextLimits &limits = {});

/// Reads one JSON text (RFC 8259, strictly) with the same bounds.
std::optional<SourceValue> readJson(std::string_view text,
                                    const std::string &file,
                                    Diagnostics &diagnostics,
                                    const TextLimits &limits = {});

/// Reads a file: as JSON when its name ends in .json, else as YAML.
std::optional<SourceValue> readTextFile(const std::string &path,
                                        Diagnostics &diagnostics,
                                        const TextLimits &limits = {});

/// Refuses a text above the limit in bytes, and what checkCharacters refuses.
bool checkText(std::string_view text, const std::string &file,
               Diagnostics &diagnostics, const TextLimits &limits);

/// Refuses bytes that are not UTF-8 and control characters; the diagnostic
/// names line, column and byte. True when the text is clean.
bool checkCharacters(std::string_view text, const std::string &file,
                     Diagnostics &diagnostics);

/// Refuses a map in which two keys are spelled alike.
bool checkKeys(const SourceValue &map, const std::string &file,
               Diagnostics &diagnostics);

} // namespace hetagon

#endif // HETAGON_FRONTEND_TEXT_TEXTREADER_H
