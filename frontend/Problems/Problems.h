// Reads planning problems (docs/planner.md) from JSON. Large ones too: the text
// is read once, without a tree.
#ifndef HETAGON_FRONTEND_PROBLEMS_PROBLEMS_H
#define HETAGON_FRONTEND_PROBLEMS_PROBLEMS_H

#include "compiler/Solver/Problem.h"
#include "runtime/base/Diagnostic.h"

namespace hetagon {

/// The prepared problem; none after errors, which are located: unknown and
/// repeated keys, unknown and repeated names, numbers that are negative, not
/// finite or too large, cycles.
std::optional<solver::Problem> parseProblem(std::string_view text,
                                            const std::string &file,
                                            Diagnostics &diagnostics);
std::optional<solver::Problem> readProblem(const std::string &path,
                                           Diagnostics &diagnostics);

} // namespace hetagon

#endif // HETAGON_FRONTEND_PROBLEMS_PROBLEMS_H
