// What the command lines of Hetagon's programs have in common.
#ifndef HETAGON_TOOLS_COMMANDLINE_H
#define HETAGON_TOOLS_COMMANDLINE_H

#include <CLI/CLI.hpp>

namespace hetagon {

/// Lets every repeatable option take one value each time it is given, so that
/// what follows is what it looks like: `--models FILE ID`.
inline void oneValueEach(CLI::App &app) {
  for (CLI::Option *option : app.get_options())
    if (!option->get_positional())
      option->allow_extra_args(false);
  for (CLI::App *command : app.get_subcommands({}))
    oneValueEach(*command);
}

} // namespace hetagon

#endif // HETAGON_TOOLS_COMMANDLINE_H
