// Where a user's settings and caches live, and the running program.
#ifndef HETAGON_RUNTIME_BASE_FOLDERS_H
#define HETAGON_RUNTIME_BASE_FOLDERS_H

#include "runtime/base/Status.h"
#include <string>

namespace hetagon {

/// $HETAGON_CONFIG_HOME, else $XDG_CONFIG_HOME/hetagon, else
/// ~/.config/hetagon; empty when none of these is known.
std::string configFolder();
/// $HETAGON_CACHE_HOME, else $XDG_CACHE_HOME/hetagon, else ~/.cache/hetagon;
/// empty when none of these is known.
std::string cacheFolder();

/// The folder of the running program's file, links resolved; works where there
/// is no /proc. Empty when the system does not say.
std::string programFolder();

/// Makes the folder and those above it, readable by this user only.
Status makeFolders(const std::string &path);

} // namespace hetagon

#endif // HETAGON_RUNTIME_BASE_FOLDERS_H
