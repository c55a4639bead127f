// Plans that no writer would write: packed without checks, for tests of what
// the reader refuses.
#ifndef HETAGON_TEST_RUNTIME_PLAN_CORRUPT_H
#define HETAGON_TEST_RUNTIME_PLAN_CORRUPT_H

#include "test/runtime/plan/SamplePlan.h"

namespace hetagon::plan::samples {

/// The sample's file with sound digests, whatever it says.
inline std::vector<uint8_t> pack(const Sample &sample) {
  flatbuffers::FlatBufferBuilder builder;
  builder.ForceDefaults(true);
  fb::FinishPlanBuffer(builder, fb::Plan::Pack(builder, &sample.plan));
  std::vector<NewSection> sections;
  for (const auto &payload : sample.payloads)
    sections.push_back({SectionKind::Constant, payload});
  for (const auto &service : sample.plan.services)
    for (const auto &executable : service->executables)
      if (executable->section < sections.size())
        sections[executable->section].kind = SectionKind::Executable;
  sections.push_back({SectionKind::Plan,
                      {builder.GetBufferPointer(),
                       builder.GetBufferPointer() + builder.GetSize()}});
  return writeContainer(sections);
}

} // namespace hetagon::plan::samples

#endif // HETAGON_TEST_RUNTIME_PLAN_CORRUPT_H
