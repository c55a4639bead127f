// Builders of plans; what they write is checked by the plan's own verifier.
#include "test/runtime/exec/GraphPlans.h"
#include "ToyService.h"
#include <cstdlib>
#include <fstream>
#include <gtest/gtest.h>

namespace hetagon::test {

using namespace plan::fb;

namespace {

const std::string alphabet =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ .012345";

toy::Model toyModel() {
  toy::Model model;
  model.vocabulary = toyVocabulary;
  model.contextTokens = toyContext;
  return model;
}

std::vector<std::unique_ptr<PortT>> ports(const Pairs &list) {
  std::vector<std::unique_ptr<PortT>> made;
  for (const auto &[name, type] : list) {
    made.push_back(std::make_unique<PortT>());
    made.back()->name = name;
    made.back()->type = type;
  }
  return made;
}

uint32_t addArtefact(PlanT &plan, const std::string &id, ArtefactKind kind) {
  for (uint32_t i = 0; i < plan.artefacts.size(); ++i)
    if (plan.artefacts[i]->id == id)
      return i;
  auto &artefact = *plan.artefacts.emplace_back(std::make_unique<ArtefactT>());
  artefact.id = id;
  artefact.kind = kind;
  artefact.sha256.resize(32);
  artefact.source = "file:" + id;
  return uint32_t(plan.artefacts.size() - 1);
}

uint32_t addToyService(PlanT &plan, std::shared_ptr<ServiceT> service) {
  if (plan.devices.empty()) {
    auto &device = *plan.devices.emplace_back(std::make_unique<DeviceT>());
    device.id = "toy:0";
    device.backend = "toy";
  }
  uint32_t weights = addArtefact(plan, "weights", ArtefactKind::weights);
  service->tokenizer = std::make_unique<TokenizerT>();
  service->tokenizer->artefact =
      addArtefact(plan, "tokenizer", ArtefactKind::tokenizer);
  service->tokenizer->algorithm = "byte-bpe";
  for (auto &buffer : service->buffers)
    if (buffer->storage == Storage::weight)
      buffer->artefact = int32_t(weights);
  for (auto &command : service->load->commands)
    service->executables[0]->entries.push_back(command->entry);
  for (auto &command : service->step->commands)
    service->executables[0]->entries.push_back(command->entry);
  if (service->kv) {
    service->kv->layers = service->kv->kv_heads = 1;
    service->kv->head_dim = 2;
    service->kv->format = "f16";
  }
  plan.services.push_back(std::make_unique<ServiceT>(std::move(*service)));
  return uint32_t(plan.services.size() - 1);
}

} // namespace

PlanT emptyPlan() {
  PlanT plan;
  plan.compiler = "hetagon (test)";
  plan.flow = "test";
  plan.entry = 0;
  return plan;
}

StepGraphT &addGraph(PlanT &plan, const std::string &name,
                     const Pairs &inputs) {
  auto &graph = *plan.graphs.emplace_back(std::make_unique<StepGraphT>());
  graph.name = name;
  graph.inputs = ports(inputs);
  return graph;
}

void addResult(StepGraphT &graph, const std::string &name,
               const std::string &type, SourceT source) {
  graph.outputs.push_back(std::make_unique<PortT>());
  graph.outputs.back()->name = name;
  graph.outputs.back()->type = type;
  graph.results.push_back(std::make_unique<SourceT>(source));
}

StepT &addStep(StepGraphT &graph, const std::string &name, StepKind kind,
               const Sources &inputs, const Pairs &outputs,
               const Pairs &attributes) {
  auto &step = *graph.steps.emplace_back(std::make_unique<StepT>());
  step.name = name;
  step.kind = kind;
  for (const auto &[input, source] : inputs) {
    step.input_names.push_back(input);
    step.inputs.push_back(std::make_unique<SourceT>(source));
  }
  step.outputs = ports(outputs);
  for (const auto &[key, value] : attributes) {
    step.attributes.push_back(std::make_unique<KeyValueT>());
    step.attributes.back()->key = key;
    step.attributes.back()->value = value;
  }
  step.location = std::make_unique<LocationT>();
  step.location->file = "flow.yaml";
  step.location->line = uint32_t(graph.steps.size()) + 1;
  step.location->column = 3;
  return step;
}

StepT &addConstant(StepGraphT &graph, const std::string &name,
                   const std::string &type, const std::string &value) {
  return addStep(graph, name, StepKind::constant, {}, {{"value", type}},
                 {{"value", value}});
}

StepT &addRender(StepGraphT &graph, const std::string &name,
                 const Sources &inputs, const std::string &text) {
  return addStep(graph, name, StepKind::render, inputs, {{"text", "text"}},
                 {{"template", text}});
}

StepT &addTool(PlanT &plan, StepGraphT &graph, const std::string &name,
               const std::string &tool, const Sources &inputs) {
  if (plan.tools.empty()) {
    const char *server = std::getenv("HETAGON_MCP_TEST_SERVER");
    auto &added = *plan.tools.emplace_back(std::make_unique<ToolT>());
    added.name = "echo";
    added.server = "test";
    added.command = {server ? server : "mcp_test_server"};
  }
  StepT &step = addStep(graph, name, StepKind::tool, inputs,
                        {{"result", "text"}}, {{"name", tool}});
  step.tool = 0;
  return step;
}

void addEffect(PlanT &plan, StepT &step, const std::string &resource,
               bool write) {
  step.effects.push_back(std::make_unique<EffectT>());
  step.effects.back()->resource = resource;
  step.effects.back()->write = write;
  if (resource != "world" &&
      std::find(plan.resources.begin(), plan.resources.end(), resource) ==
          plan.resources.end())
    plan.resources.push_back(resource);
}

StepT &addStreamedOutput(StepGraphT &graph, const std::string &name,
                         SourceT source) {
  return addStep(graph, "print-" + name, StepKind::output, {{"value", source}},
                 {}, {{"name", name}, {"stream", "true"}});
}

uint32_t addToyDecoder(PlanT &plan) {
  return addToyService(plan, toy::decoder(toyModel()));
}

uint32_t addToyEncoder(PlanT &plan) {
  return addToyService(plan, toy::encoder(toyModel()));
}

int32_t toyToken(char c) { return int32_t(alphabet.find(c)); }
char toyCharacter(int32_t token) { return alphabet.at(size_t(token)); }

void writeToyFiles(const std::string &folder) {
  auto sources = toy::sources(toyModel());
  auto table = sources.tensor(0, "table");
  ASSERT_TRUE(table.isOk());
  std::string header = printJson({{"table",
                                   {{"dtype", "I32"},
                                    {"shape", {2 * toyVocabulary}},
                                    {"data_offsets", {0, table->size()}}}}});
  header.resize((header.size() + 7) / 8 * 8, ' ');
  uint64_t size = header.size();
  std::string weights(reinterpret_cast<const char *>(&size), 8);
  weights += header;
  weights.append(reinterpret_cast<const char *>(table->data()), table->size());
  std::ofstream(folder + "/weights", std::ios::binary) << weights;

  Json vocabulary = Json::object();
  for (size_t i = 0; i < alphabet.size(); ++i)
    vocabulary[alphabet[i] == ' ' ? "\u0120" : std::string(1, alphabet[i])] = i;
  std::ofstream(folder + "/tokenizer") << printJson(
      {{"model",
        {{"type", "BPE"}, {"vocab", vocabulary}, {"merges", Json::array()}}}});
}

std::vector<uint8_t> bytesOf(const PlanT &plan) {
  std::vector<std::vector<uint8_t>> payloads;
  if (std::any_of(plan.services.begin(), plan.services.end(),
                  [](const auto &s) { return !s->executables.empty(); }))
    payloads.push_back({'T', 'O', 'Y', '1'});
  auto written = plan::writePlan(plan, std::move(payloads));
  EXPECT_TRUE(written.isOk()) << written.status().str();
  return written.isOk() ? std::move(written->bytes) : std::vector<uint8_t>();
}

std::unique_ptr<PlanRuntime> openPlan(const PlanT &plan, RuntimeOptions options,
                                      const std::string &folder) {
  auto file = plan::PlanFile::fromBytes(bytesOf(plan), "test plan");
  EXPECT_TRUE(file.isOk()) << file.status().str();
  if (!file.isOk())
    return nullptr;
  if (!options.tools.approve)
    options.tools.approve = [](const ToolCommand &) { return Status::ok(); };
  if (!options.artefactPath)
    options.artefactPath =
        [folder](const Artefact &artefact) -> StatusOr<std::string> {
      return folder + "/" + artefact.id()->str();
    };
  auto runtime = PlanRuntime::open(*file, std::move(options));
  EXPECT_TRUE(runtime.isOk()) << runtime.status().str();
  return runtime.isOk() ? std::move(*runtime) : nullptr;
}

} // namespace hetagon::test
