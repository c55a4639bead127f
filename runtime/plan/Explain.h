// A whole plan in words: for people, and as JSON for machines.
#ifndef HETAGON_RUNTIME_PLAN_EXPLAIN_H
#define HETAGON_RUNTIME_PLAN_EXPLAIN_H

#include "runtime/base/Json.h"
#include "runtime/plan/PlanFile.h"

namespace hetagon::plan {

/// For people: aligned, with units, repeated commands counted. `trust` is what
/// checkTrust said of the plan; control characters in a plan's texts are not
/// passed on to the terminal.
std::string explainText(const PlanFile &plan, std::string_view trust);

/// For machines, complete: file, sections, and under "plan" every field of the
/// schema by its name; enumerators are words, digests hexadecimal, and what is
/// absent has its default ("", [] or null).
Json explainJson(const PlanFile &plan, std::string_view trust);

} // namespace hetagon::plan

#endif // HETAGON_RUNTIME_PLAN_EXPLAIN_H
