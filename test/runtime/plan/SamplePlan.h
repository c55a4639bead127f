// Plans for tests: two of them, with everything that the schema has.
#ifndef HETAGON_TEST_RUNTIME_PLAN_SAMPLEPLAN_H
#define HETAGON_TEST_RUNTIME_PLAN_SAMPLEPLAN_H

#include "runtime/plan/PlanFile.h"

namespace hetagon::plan::samples {

struct Sample {
  fb::PlanT plan;
  std::vector<std::vector<uint8_t>> payloads;
};

/// One encoder on one device, embedding one text.
Sample encoderSample();
/// A question answered from passages, with a decoder, an encoder, an endpoint,
/// a tool, a branch, a map, requirements and two scenarios.
Sample workflowSample();

/// The sample's file; the test fails when it is not valid.
WrittenPlan write(const Sample &sample);

} // namespace hetagon::plan::samples

#endif // HETAGON_TEST_RUNTIME_PLAN_SAMPLEPLAN_H
