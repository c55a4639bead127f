// A plan's meaning: what a well-formed plan must also obey before anything in
// it is used.
#ifndef HETAGON_RUNTIME_PLAN_VERIFY_H
#define HETAGON_RUNTIME_PLAN_VERIFY_H

#include "runtime/plan/Container.h"
#include "runtime/plan/plan_generated.h"

namespace hetagon::plan {

/// Checks a plan whose structure holds (checkStructure): indices in bounds,
/// names unique, everything referred to exists and is of the right kind, sizes
/// without overflow, symbols known, programs bound to what their entries may
/// see, steps in a topological order with fitting ports and known attributes,
/// graphs that call each other without a cycle and at most 32 deep, known
/// units. `container` holds `plan`'s bytes as its last section. The first
/// failure is returned, with the path and the offset in the file of what is
/// wrong.
Status verifyPlan(const fb::Plan &plan, const Container &container);

/// Whether numbers of requirements and predictions may have this unit.
bool isUnit(std::string_view unit);

} // namespace hetagon::plan

#endif // HETAGON_RUNTIME_PLAN_VERIFY_H
