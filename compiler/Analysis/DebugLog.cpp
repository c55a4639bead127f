// The topics that were asked for.
#include "compiler/Analysis/DebugLog.h"
#include "llvm/ADT/STLExtras.h"

using namespace hetagon;

static std::vector<std::string> &wanted() {
  static std::vector<std::string> topics;
  return topics;
}

void hetagon::setDebugTopics(std::vector<std::string> topics) {
  wanted() = std::move(topics);
}

llvm::raw_ostream *hetagon::debugLog(llvm::StringRef topic) {
  return llvm::is_contained(wanted(), topic) ? &llvm::errs() : nullptr;
}
