// Reading: container, structure, meaning, in this order. Writing: the reverse,
// closed by a reading.
#include "runtime/plan/PlanFile.h"
#include "runtime/plan/Structure.h"
#include "runtime/plan/Verify.h"

namespace hetagon::plan {

StatusOr<std::shared_ptr<const PlanFile>>
PlanFile::open(const std::string &path) {
  HETAGON_ASSIGN_OR_RETURN(auto file, Container::open(path));
  return check(std::move(file));
}

StatusOr<std::shared_ptr<const PlanFile>>
PlanFile::fromBytes(std::span<const uint8_t> bytes, std::string name) {
  HETAGON_ASSIGN_OR_RETURN(auto file,
                           Container::fromBytes(bytes, std::move(name)));
  return check(std::move(file));
}

StatusOr<std::shared_ptr<const PlanFile>>
PlanFile::check(std::shared_ptr<const Container> file) {
  size_t last = file->sections().size() - 1;
  Place place{file->name(), 0, 0, file->sections()[last].offset};
  HETAGON_RETURN_IF_ERROR(checkStructure(file->bytes(last), place));
  auto made = std::make_shared<PlanFile>();
  made->root = fb::GetPlan(file->bytes(last).data());
  made->file = std::move(file);
  HETAGON_RETURN_IF_ERROR(verifyPlan(*made->root, *made->file));
  return std::shared_ptr<const PlanFile>(std::move(made));
}

StatusOr<WrittenPlan> writePlan(const fb::PlanT &plan,
                                std::vector<NewSection> sections) {
  // Defaults are written out, so that explain can show every field from the
  // bytes alone.
  flatbuffers::FlatBufferBuilder builder;
  builder.ForceDefaults(true);
  fb::FinishPlanBuffer(builder, fb::Plan::Pack(builder, &plan));
  NewSection &section = sections.emplace_back();
  section.kind = SectionKind::Plan;
  section.bytes.assign(builder.GetBufferPointer(),
                       builder.GetBufferPointer() + builder.GetSize());
  WrittenPlan written;
  written.bytes = writeContainer(sections);
  auto read = PlanFile::fromBytes(written.bytes, plan.flow);
  if (!read.isOk())
    return read.status().withContext("the plan to be written is not valid");
  written.digest = (*read)->digest();
  return written;
}

StatusOr<WrittenPlan> writePlan(const fb::PlanT &plan,
                                std::vector<std::vector<uint8_t>> payloads) {
  std::vector<NewSection> sections(payloads.size());
  for (size_t i = 0; i < payloads.size(); ++i) {
    sections[i].kind = SectionKind::Constant;
    sections[i].bytes = std::move(payloads[i]);
  }
  for (const auto &service : plan.services)
    for (const auto &executable : service->executables)
      if (executable->section < sections.size())
        sections[executable->section].kind = SectionKind::Executable;
  return writePlan(plan, std::move(sections));
}

} // namespace hetagon::plan
