// Debug output by topic. LLVM's own --debug-only does not exist in builds
// without assertions, which is what distributions ship, so the compiler has one
// that always does.
#ifndef HETAGON_COMPILER_ANALYSIS_DEBUGLOG_H
#define HETAGON_COMPILER_ANALYSIS_DEBUGLOG_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/raw_ostream.h"
#include <string>
#include <vector>

namespace hetagon {

/// The topics whose output is wanted, for the whole process; to be set before
/// passes run.
void setDebugTopics(std::vector<std::string> topics);

/// Where to write about `topic`; null when nobody asked, which is to be tested
/// before any text is made.
llvm::raw_ostream *debugLog(llvm::StringRef topic);

} // namespace hetagon

#endif // HETAGON_COMPILER_ANALYSIS_DEBUGLOG_H
