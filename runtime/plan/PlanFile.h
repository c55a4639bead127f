// A plan that has passed every check: what the runtime and explain work on.
#ifndef HETAGON_RUNTIME_PLAN_PLANFILE_H
#define HETAGON_RUNTIME_PLAN_PLANFILE_H

#include "runtime/plan/Container.h"
#include "runtime/plan/plan_generated.h"

namespace hetagon::plan {

/// Immutable, so threads may share it. Everything handed out lives as long as
/// the object. Being well-formed says nothing of trust: see Trust.h before code
/// of a plan is run.
class PlanFile {
public:
  /// Reads and checks the file: container, structure, meaning. Failures carry
  /// the offset in the file and what to do.
  static StatusOr<std::shared_ptr<const PlanFile>>
  open(const std::string &path);
  /// The same for bytes in memory; `name` stands for the file in messages.
  static StatusOr<std::shared_ptr<const PlanFile>>
  fromBytes(std::span<const uint8_t> bytes, std::string name);

  const fb::Plan &plan() const { return *root; }
  const Container &container() const { return *file; }
  const std::string &name() const { return file->name(); }
  const Digest &digest() const { return file->digest(); }
  /// The bytes of the section that an executable or constant names.
  std::span<const uint8_t> section(size_t index) const {
    return file->bytes(index);
  }

private:
  static StatusOr<std::shared_ptr<const PlanFile>>
  check(std::shared_ptr<const Container> file);

  std::shared_ptr<const Container> file;
  const fb::Plan *root = nullptr;
};

/// A plan's file in memory.
struct WrittenPlan {
  std::vector<uint8_t> bytes;
  Digest digest{};
};

/// Serialises `plan`. `sections` are its executables and constants; the plan
/// names them by their index here. What was written is read and checked again,
/// so that no writer emits a plan that no reader takes. The same plan and
/// sections give the same bytes.
StatusOr<WrittenPlan> writePlan(const fb::PlanT &plan,
                                std::vector<NewSection> sections);

/// As above for payloads without kind: those that an executable names are
/// executables, all others constants.
StatusOr<WrittenPlan> writePlan(const fb::PlanT &plan,
                                std::vector<std::vector<uint8_t>> payloads);

} // namespace hetagon::plan

#endif // HETAGON_RUNTIME_PLAN_PLANFILE_H
