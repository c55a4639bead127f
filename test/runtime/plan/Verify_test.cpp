// The verifier's rules: each is broken once in an otherwise sound plan, and the
// refusal must name what is wrong and where.
#include "runtime/plan/StepRules.h"
#include "runtime/plan/Verify.h"
#include "test/runtime/plan/Corrupt.h"
#include <functional>
#include <gtest/gtest.h>
#include <limits>

using namespace hetagon;
using namespace hetagon::plan;

namespace {

struct Broken {
  const char *name;
  std::function<void(fb::PlanT &)> edit;
  const char *says; // a part of the message
};

fb::ServiceT &decoder(fb::PlanT &plan) { return *plan.services[0]; }
fb::StepT &step(fb::PlanT &plan, size_t index) {
  return *plan.graphs[0]->steps[index];
}

const Broken brokenPlans[] = {
    {"Flow", [](auto &p) { p.flow = ""; }, "compiler or flow"},
    {"FlowDigest", [](auto &p) { p.flow_sha256.pop_back(); }, "32 bytes"},
    {"Entry", [](auto &p) { p.entry = 3; }, "graph 3 does not exist"},
    {"ArtefactTwice", [](auto &p) { p.artefacts[1]->id = p.artefacts[0]->id; },
     "stands twice"},
    {"ArtefactDigest", [](auto &p) { p.artefacts[0]->sha256.resize(31); },
     "32 bytes"},
    {"ArtefactPath", [](auto &p) { p.artefacts[0]->source = "/etc/passwd"; },
     "absolute path"},
    {"BackendName", [](auto &p) { p.devices[0]->backend = "../cpu"; },
     "'../cpu'"},
    {"DeviceConfig", [](auto &p) { p.devices[0]->config = "{"; }, "JSON"},
    {"DeviceOfService", [](auto &p) { decoder(p).device = 9; },
     "device 9 does not exist"},
    {"ServiceTwice", [](auto &p) { p.services[1]->name = "decoder"; },
     "stands twice"},
    {"TokenizerArtefact", [](auto &p) { decoder(p).tokenizer->artefact = 7; },
     "artefact 7"},
    {"TokenizerArtefactKind",
     [](auto &p) { decoder(p).tokenizer->artefact = 1; }, "neither tokenizer"},
    {"StopToken", [](auto &p) { decoder(p).tokenizer->stop_tokens = {100}; },
     "beyond the vocabulary"},
    {"MaxRows", [](auto &p) { decoder(p).max_rows = 0; }, "max_rows"},
    {"NoKv", [](auto &p) { decoder(p).kv.reset(); }, "without a KV cache"},
    {"KvPageBytes", [](auto &p) { decoder(p).kv->page_bytes += 1; },
     "are stated"},
    {"KvOverflow",
     [](auto &p) { decoder(p).kv->layers = decoder(p).kv->kv_heads = ~0u; },
     "too large"},
    {"NoStep", [](auto &p) { decoder(p).step.reset(); }, "no step program"},
    {"ExecutableSection",
     [](auto &p) { decoder(p).executables[0]->section = 99; },
     "section 99 does not exist"},
    {"ExecutableIsThePlan",
     [](auto &p) { decoder(p).executables[0]->section = 4; },
     "section 4 is not an executable"},
    {"ExecutableBackend",
     [](auto &p) { decoder(p).executables[0]->backend = "vulkan"; },
     "made by backend 'vulkan'"},
    {"NoEntries", [](auto &p) { decoder(p).executables[0]->entries.clear(); },
     "no entries"},
    {"UnknownSymbol",
     [](auto &p) { decoder(p).buffers[0]->dims[0]->symbol = "colums"; },
     "'colums' is unknown"},
    {"NegativeDim", [](auto &p) { decoder(p).buffers[2]->dims[0]->size = -1; },
     "not positive"},
    {"DimOverflow",
     [](auto &p) {
       for (auto &dim : decoder(p).buffers[2]->dims)
         dim->size = std::numeric_limits<int64_t>::max();
     },
     "larger than 64 TiB"},
    {"ElementBytes", [](auto &p) { decoder(p).buffers[2]->element_bytes = 0; },
     "0 bytes"},
    {"InputName", [](auto &p) { decoder(p).buffers[0]->name = "tokenz"; },
     "not in the service's protocol"},
    {"OutputName", [](auto &p) { decoder(p).buffers[1]->name = "x"; },
     "not in the service's protocol"},
    {"WeightArtefact", [](auto &p) { decoder(p).buffers[2]->artefact = -1; },
     "artefact -1"},
    {"WeightOfIndex", [](auto &p) { decoder(p).buffers[2]->artefact = 1; },
     "holds no weights"},
    {"ConstantSize", [](auto &p) { decoder(p).buffers[5]->dims[0]->size = 17; },
     "not that of the buffer"},
    {"ConstantIsCode", [](auto &p) { decoder(p).buffers[5]->section = 0; },
     "section 0 is not a constant"},
    {"Slot", [](auto &p) { decoder(p).buffers[4]->slot = 7; }, "slot"},
    {"SecondKv",
     [](auto &p) { decoder(p).buffers[4]->storage = fb::Storage::kv; },
     "or a second"},
    {"CommandExecutable",
     [](auto &p) { decoder(p).step->commands[1]->executable = 1; },
     "executable 1 does not exist"},
    {"CommandEntry",
     [](auto &p) { decoder(p).step->commands[1]->entry = "nothing"; },
     "'nothing' is not in executable 0"},
    {"CommandBinding",
     [](auto &p) { decoder(p).step->commands[1]->bindings[0] = 70; },
     "buffer 70 does not exist"},
    {"CommandSymbol",
     [](auto &p) {
       decoder(p).step->commands[1]->constants[0]->symbol = "days";
     },
     "'days' is unknown"},
    {"LoadReadsInput",
     [](auto &p) { decoder(p).load->commands[0]->bindings = {0, 3}; },
     "do not exist at load"},
    {"EndpointUrl",
     [](auto &p) { p.services[2]->endpoint->url = "file:///etc"; },
     "neither http://"},
    {"EndpointPrice",
     [](auto &p) {
       p.services[2]->endpoint->price_per_million_input =
           std::numeric_limits<double>::quiet_NaN();
     },
     "price"},
    {"ToolCommand", [](auto &p) { p.tools[0]->command.clear(); }, "command"},
    {"ToolVariable", [](auto &p) { p.tools[0]->environment[0]->key = "A=B"; },
     "environment variable"},
    {"ToolSchema", [](auto &p) { p.tools[0]->input_schema = "[]"; },
     "no object"},
    {"GraphTwice", [](auto &p) { p.graphs[1]->name = "rag-qa"; },
     "stands twice"},
    {"StepTwice", [](auto &p) { step(p, 1).name = step(p, 0).name; },
     "stands twice"},
    {"PortType", [](auto &p) { p.graphs[0]->inputs[0]->type = "list<txt>"; },
     "'list<txt>'"},
    {"LaterSource", [](auto &p) { step(p, 1).inputs[0]->step = 4; },
     "does not come before it"},
    {"OwnSource", [](auto &p) { step(p, 1).inputs[0]->step = 1; },
     "does not come before it"},
    {"SourcePort", [](auto &p) { step(p, 1).inputs[0]->port = 1; },
     "port 1 does not exist"},
    {"After", [](auto &p) { step(p, 2).after = {2}; }, "waits for a step"},
    {"InputNames", [](auto &p) { step(p, 1).input_names.clear(); },
     "as many inputs as names"},
    {"InputName2", [](auto &p) { step(p, 1).input_names[0] = "promt"; },
     "'prompt' is missing"},
    {"InputType", [](auto &p) { step(p, 3).inputs[0]->step = 1; },
     "'text', but 'embedding|list<embedding>' is needed"},
    {"OutputType", [](auto &p) { step(p, 3).outputs[0]->type = "text"; },
     "is of type 'text'"},
    {"OutputCount", [](auto &p) { step(p, 3).outputs.clear(); },
     "1 outputs are needed"},
    {"StepService", [](auto &p) { step(p, 1).service = 5; }, "service 5"},
    {"StepServiceKind", [](auto &p) { step(p, 1).service = 1; }, "wrong kind"},
    {"StepTool", [](auto &p) { step(p, 4).tool = -1; }, "tool -1"},
    {"StepUnwantedTool", [](auto &p) { step(p, 3).tool = 0; },
     "refers to no tool"},
    {"StepIndex", [](auto &p) { step(p, 3).artefact = 0; }, "no index"},
    {"Attribute", [](auto &p) { step(p, 1).attributes[0]->key = "max"; },
     "'max' is unknown"},
    {"AttributeTwice",
     [](auto &p) { step(p, 1).attributes[1]->key = "max_tokens"; },
     "stands twice"},
    {"AttributeValue", [](auto &p) { step(p, 1).attributes[0]->value = "-1"; },
     "a count"},
    {"AttributeMissing", [](auto &p) { step(p, 3).attributes.clear(); },
     "'top_k' is missing"},
    {"Effect", [](auto &p) { step(p, 4).effects[0]->resource = "moon"; },
     "'moon'"},
    {"MapGraph", [](auto &p) { step(p, 6).graphs = {1, 2}; },
     "one graph is needed"},
    {"MapOver", [](auto &p) { step(p, 6).attributes[0]->value = "[\"x\"]"; },
     "'x'"},
    {"BranchCases",
     [](auto &p) { step(p, 7).attributes[0]->value = "[\"x\"]"; },
     "as many cases"},
    {"BodyInput", [](auto &p) { p.graphs[2]->inputs[0]->name = "other"; },
     "needs the input 'other'"},
    {"Recursion",
     [](auto &p) {
       auto &call = *p.graphs[2]->steps[0];
       call.kind = fb::StepKind::call;
       call.service = -1;
       call.attributes.clear();
       call.graphs = {2};
       call.input_names = {"part", "time"};
       call.inputs.push_back(std::make_unique<fb::SourceT>());
       call.inputs.back()->port = 1;
       call.outputs[0]->name = "answer";
     },
     "calls itself"},
    {"Results", [](auto &p) { p.graphs[0]->results.pop_back(); },
     "as many results"},
    {"ResultType", [](auto &p) { p.graphs[0]->outputs[1]->type = "tokens"; },
     "'tokens' is needed"},
    {"PlacementDevice",
     [](auto &p) { p.scenarios[0]->placements[0]->device = "gpu"; }, "'gpu'"},
    {"PlacementStep",
     [](auto &p) { p.scenarios[0]->placements[0]->step = "gone"; }, "'gone'"},
    {"Unit", [](auto &p) { p.requirements[0]->unit = "parsec"; }, "'parsec'"},
    {"Limit",
     [](auto &p) {
       p.requirements[0]->limit = std::numeric_limits<double>::infinity();
     },
     "no finite number"},
    {"PredictionUnit", [](auto &p) { p.requirements[0]->predicted->unit = ""; },
     "unit"},
};

class Verify : public testing::TestWithParam<Broken> {};

TEST_P(Verify, Refuses) {
  samples::Sample sample = samples::workflowSample();
  GetParam().edit(sample.plan);
  std::vector<uint8_t> bytes = samples::pack(sample);
  auto read = PlanFile::fromBytes(bytes, "p");
  ASSERT_FALSE(read.isOk());
  const Status &status = read.status();
  EXPECT_NE(status.message().find(GetParam().says), std::string::npos)
      << status.str();
  ASSERT_TRUE(status.place() && status.place()->offset);
  EXPECT_LT(*status.place()->offset, bytes.size());
  EXPECT_FALSE(writePlan(sample.plan, sample.payloads).isOk());
}

INSTANTIATE_TEST_SUITE_P(Plans, Verify, testing::ValuesIn(brokenPlans),
                         [](const auto &info) { return info.param.name; });

TEST(StepRules, TypesFit) {
  EXPECT_TRUE(isPortType("stream<text>"));
  EXPECT_TRUE(isPortType("list<list<embedding>>"));
  for (const char *type : {"", "list", "list<>", "list<text", "text>",
                           "list<text>>", "stream<any>", "any"})
    EXPECT_FALSE(isPortType(type)) << type;
  std::string deep = "text";
  for (int i = 0; i < 9; ++i)
    deep = "list<" + deep + ">";
  EXPECT_FALSE(isPortType(deep));
  EXPECT_TRUE(fits("stream<text>", "text"));
  EXPECT_TRUE(fits("text", "message"));
  EXPECT_TRUE(fits("list<text>", "json"));
  EXPECT_FALSE(fits("json", "text"));
  EXPECT_FALSE(fits("text", "stream<text>"));
}

} // namespace
