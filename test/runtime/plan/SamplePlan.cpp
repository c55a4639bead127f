// The sample plans; payloads are bytes that no device would take.
#include "test/runtime/plan/SamplePlan.h"
#include <gtest/gtest.h>
#include <random>

namespace hetagon::plan::samples {

namespace {

std::vector<uint8_t> noise(size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<uint8_t> bytes(count);
  for (uint8_t &byte : bytes)
    byte = uint8_t(random());
  return bytes;
}

std::vector<uint8_t> digestBytes(std::string_view text) {
  Digest digest = sha256(text);
  return {digest.begin(), digest.end()};
}

using Pairs = std::vector<std::pair<std::string, std::string>>;

std::vector<std::unique_ptr<fb::KeyValueT>> pairs(const Pairs &list) {
  std::vector<std::unique_ptr<fb::KeyValueT>> made;
  for (const auto &[key, value] : list) {
    made.push_back(std::make_unique<fb::KeyValueT>());
    made.back()->key = key;
    made.back()->value = value;
  }
  return made;
}

void addArtefact(fb::PlanT &plan, const char *id, fb::ArtefactKind kind) {
  auto &artefact =
      *plan.artefacts.emplace_back(std::make_unique<fb::ArtefactT>());
  artefact.id = id;
  artefact.kind = kind;
  artefact.sha256 = digestBytes(id);
  artefact.size = 1000;
  artefact.source = "pypi:some-wheel/weights.bin";
}

void addDevice(fb::PlanT &plan, const char *id, const char *backend) {
  auto &device = *plan.devices.emplace_back(std::make_unique<fb::DeviceT>());
  device.id = id;
  device.backend = backend;
  device.zone = "this-machine";
  device.config = "{\"threads\": 2}";
}

std::unique_ptr<fb::BufferT> buffer(const char *name, fb::Storage storage,
                                    std::vector<std::string> dims,
                                    uint32_t elementBytes = 4) {
  auto made = std::make_unique<fb::BufferT>();
  made->name = name;
  made->storage = storage;
  made->element_bytes = elementBytes;
  made->format = "f32";
  for (const std::string &dim : dims) {
    auto &added = *made->dims.emplace_back(std::make_unique<fb::DimT>());
    if (std::isdigit(static_cast<unsigned char>(dim[0])))
      added.size = std::stoll(dim);
    else
      added.symbol = dim;
  }
  return made;
}

void addCommand(fb::ProgramT &program, const char *entry,
                std::vector<uint32_t> bindings, const char *note) {
  auto &command =
      *program.commands.emplace_back(std::make_unique<fb::CommandT>());
  command.entry = entry;
  command.bindings = std::move(bindings);
  command.note = note;
  command.constants.push_back(std::make_unique<fb::ConstantT>());
  command.constants.back()->value = 64;
}

/// A service with one executable in section `section`, one constant after it.
std::unique_ptr<fb::ServiceT> service(const char *name, fb::ServiceKind kind,
                                      uint32_t device, const char *backend,
                                      uint32_t section) {
  auto made = std::make_unique<fb::ServiceT>();
  made->name = name;
  made->kind = kind;
  made->device = device;
  made->model_id = std::string("example/") + name;
  made->context_tokens = 512;
  made->max_rows = 128;
  made->parameters = 1'000'000;
  made->weight_bytes = 4'000'000;
  made->tokenizer = std::make_unique<fb::TokenizerT>();
  made->tokenizer->artefact = 0;
  made->tokenizer->algorithm = "byte-bpe";
  made->tokenizer->split_patterns = {"\\s+", "\\p{L}+"};
  made->tokenizer->options = pairs({{"lower", "true"}});
  made->tokenizer->stop_tokens = {2};
  made->tokenizer->chat_template = "{{ messages }}";
  bool decoder = kind == fb::ServiceKind::decoder;
  auto &executable =
      *made->executables.emplace_back(std::make_unique<fb::ExecutableT>());
  executable.backend = backend;
  executable.format = "elf-x86_64";
  executable.section = section;
  executable.features = {"avx2", "fma"};
  executable.entries = {"linear_64x64", "pack_64x64"};
  made->buffers.push_back(buffer("tokens", fb::Storage::input, {"rows"}));
  made->buffers.push_back(
      decoder ? buffer("logits", fb::Storage::output, {"outs", "100"})
              : buffer("embedding", fb::Storage::output, {"seqs", "64"}));
  made->buffers.push_back(buffer("w", fb::Storage::weight, {"100", "64"}));
  made->buffers.back()->artefact = 0;
  made->buffers.push_back(
      buffer("packed", fb::Storage::persistent, {"25600"}, 1));
  made->buffers.push_back(buffer("", fb::Storage::transient, {"rows", "64"}));
  made->buffers.back()->slot = 0;
  made->buffers.push_back(buffer("table", fb::Storage::constant, {"16"}));
  made->buffers.back()->section = int32_t(section) + 1;
  if (decoder) {
    made->vocabulary = 100;
    made->kv = std::make_unique<fb::KvCacheT>();
    made->kv->layers = 2;
    made->kv->kv_heads = 1;
    made->kv->head_dim = 32;
    made->kv->page_tokens = 16;
    made->kv->format = "f32";
    made->kv->page_bytes = 2 * 2 * 1 * 32 * 16 * 4;
    made->buffers.push_back(
        buffer("kv", fb::Storage::kv, {"pages", "2", "2", "1", "16", "32"}));
  } else {
    made->embedding_size = 64;
  }
  made->load = std::make_unique<fb::ProgramT>();
  made->load->name = "load";
  addCommand(*made->load, "pack_64x64", {2, 3}, "nn.linear: repack");
  made->step = std::make_unique<fb::ProgramT>();
  made->step->name = "step";
  addCommand(*made->step, "linear_64x64", {0, 3, 4}, "nn.linear");
  addCommand(*made->step, "linear_64x64", {4, 3, 1}, "nn.linear");
  made->step->commands[0]->constants[0]->value = 0;
  made->step->commands[0]->constants[0]->symbol = "rows";
  return made;
}

fb::StepT &addStep(fb::StepGraphT &graph, const char *name, fb::StepKind kind,
                   std::vector<std::pair<std::string, fb::SourceT>> inputs,
                   std::vector<std::pair<std::string, std::string>> outputs,
                   const Pairs &attributes) {
  auto &step = *graph.steps.emplace_back(std::make_unique<fb::StepT>());
  step.name = name;
  step.kind = kind;
  for (auto &[input, source] : inputs) {
    step.input_names.push_back(input);
    step.inputs.push_back(std::make_unique<fb::SourceT>(source));
  }
  for (auto &[port, type] : outputs) {
    step.outputs.push_back(std::make_unique<fb::PortT>());
    step.outputs.back()->name = port;
    step.outputs.back()->type = type;
  }
  step.attributes = pairs(attributes);
  step.location = std::make_unique<fb::LocationT>();
  step.location->file = "flow.yaml";
  step.location->line = uint32_t(graph.steps.size() * 3);
  step.location->column = 5;
  return step;
}

fb::SourceT from(int step, uint32_t port = 0) {
  fb::SourceT source;
  source.step = step;
  source.port = port;
  return source;
}

fb::StepGraphT &addGraph(fb::PlanT &plan, const char *name) {
  auto &graph = *plan.graphs.emplace_back(std::make_unique<fb::StepGraphT>());
  graph.name = name;
  return graph;
}

void addPort(std::vector<std::unique_ptr<fb::PortT>> &ports, const char *name,
             const char *type) {
  ports.push_back(std::make_unique<fb::PortT>());
  ports.back()->name = name;
  ports.back()->type = type;
}

void addResult(fb::StepGraphT &graph, const char *name, const char *type,
               fb::SourceT source) {
  addPort(graph.outputs, name, type);
  graph.results.push_back(std::make_unique<fb::SourceT>(source));
}

} // namespace

Sample encoderSample() {
  Sample sample;
  fb::PlanT &plan = sample.plan;
  plan.compiler = "hetagon 0.1.0 (test)";
  plan.flow = "embed-one";
  addArtefact(plan, "encoder", fb::ArtefactKind::weights);
  addDevice(plan, "cpu", "cpu");
  sample.payloads = {noise(700, 1), noise(64, 2)};
  plan.services.push_back(
      service("encoder", fb::ServiceKind::encoder, 0, "cpu", 0));
  fb::StepGraphT &graph = addGraph(plan, "embed-one");
  addPort(graph.inputs, "text", "text");
  addStep(graph, "embed", fb::StepKind::embed, {{"text", from(-1)}},
          {{"embedding", "embedding"}}, {})
      .service = 0;
  addResult(graph, "embedding", "embedding", from(0));
  return sample;
}

Sample workflowSample() {
  Sample sample;
  fb::PlanT &plan = sample.plan;
  plan.compiler = "hetagon 0.1.0 (test)";
  plan.flow = "rag-qa";
  plan.flow_sha256 = digestBytes("flow");
  plan.entry = 0;
  addArtefact(plan, "model", fb::ArtefactKind::weights);
  addArtefact(plan, "index", fb::ArtefactKind::index);
  plan.artefacts.back()->confidentiality = "confidential";
  addDevice(plan, "cpu", "cpu");
  addDevice(plan, "vulkan:0", "vulkan");
  addDevice(plan, "cloud", "remote");
  sample.payloads = {noise(5000, 3), noise(64, 4), noise(900, 5), noise(64, 6)};
  plan.services.push_back(
      service("decoder", fb::ServiceKind::decoder, 0, "cpu", 0));
  plan.services.push_back(
      service("encoder", fb::ServiceKind::encoder, 1, "vulkan", 2));
  auto &endpoint =
      *plan.services.emplace_back(std::make_unique<fb::ServiceT>());
  endpoint.name = "endpoint";
  endpoint.kind = fb::ServiceKind::endpoint;
  endpoint.device = 2;
  endpoint.endpoint = std::make_unique<fb::EndpointT>();
  endpoint.endpoint->url = "https://example.invalid/v1";
  endpoint.endpoint->model = "large";
  endpoint.endpoint->secret = "EXAMPLE_KEY";
  endpoint.endpoint->price_per_million_input = 0.5;
  endpoint.endpoint->price_per_million_output = 1.5;
  auto &tool = *plan.tools.emplace_back(std::make_unique<fb::ToolT>());
  tool.name = "get_current_time";
  tool.server = "time";
  tool.command = {"mcp-server-time", "--local-timezone", "UTC"};
  tool.environment = pairs({{"LANG", "C"}});
  tool.pass_environment = {"PATH"};
  tool.secrets = pairs({{"TOKEN", "TIME_TOKEN"}});
  tool.input_schema = "{\"type\": \"object\"}";
  plan.resources = {"calendar", "crm"};

  fb::StepGraphT &main = addGraph(plan, "rag-qa");
  addPort(main.inputs, "question", "text");
  addStep(main, "rewrite-prompt", fb::StepKind::render,
          {{"question", from(-1)}}, {{"text", "message"}},
          {{"template", "Rewrite: {{question}}"}, {"system", "Be brief."}});
  addStep(main, "rewrite", fb::StepKind::generate, {{"prompt", from(0)}},
          {{"text", "text"}},
          {{"max_tokens", "32"}, {"temperature", "0"}, {"stop", "[\"\\n\"]"}})
      .service = 0;
  addStep(main, "embed", fb::StepKind::embed, {{"text", from(1)}},
          {{"embedding", "embedding"}}, {})
      .service = 1;
  addStep(main, "search", fb::StepKind::search, {{"query", from(2)}},
          {{"passages", "json"}}, {{"top_k", "3"}, {"threshold", "0.25"}})
      .artefact = 1;
  fb::StepT &time =
      addStep(main, "time", fb::StepKind::tool, {}, {{"result", "text"}}, {});
  time.tool = 0;
  time.timeout_ms = 5000;
  time.retries = 2;
  time.effects.push_back(std::make_unique<fb::EffectT>());
  time.effects.back()->resource = "calendar";
  addStep(main, "parts", fb::StepKind::constant, {}, {{"value", "list<text>"}},
          {{"value", "[\"a\", \"b\"]"}});
  fb::StepT &map = addStep(
      main, "each", fb::StepKind::map, {{"part", from(5)}, {"time", from(4)}},
      {{"answers", "list<text>"}}, {{"over", "[\"part\"]"}, {"parallel", "2"}});
  map.graphs = {1};
  map.after = {3};
  fb::StepT &branch =
      addStep(main, "choose", fb::StepKind::branch,
              {{"selector", from(1)}, {"part", from(1)}, {"time", from(4)}},
              {{"answer", "text"}},
              {{"cases", "[\"short\", \"long\"]"}, {"default", "long"}});
  branch.graphs = {1, 2};
  addStep(main, "cite", fb::StepKind::attribute,
          {{"text", from(7)}, {"passages", from(3)}}, {{"citations", "json"}},
          {{"threshold", "0.5"}})
      .service = 1;
  addStep(main, "print", fb::StepKind::output, {{"value", from(7)}}, {},
          {{"name", "answer"}, {"stream", "true"}});
  addResult(main, "answer", "text", from(7));
  addResult(main, "citations", "json", from(8));

  for (const char *name : {"each-body", "long-body"}) {
    fb::StepGraphT &body = addGraph(plan, name);
    addPort(body.inputs, "part", "text");
    addPort(body.inputs, "time", "text");
    addStep(body, (std::string(name) + "-generate").c_str(),
            fb::StepKind::generate, {{"prompt", from(-1)}}, {{"text", "text"}},
            {{"temperature", "0.7"}, {"top_k", "40"}})
        .service = 2;
    addResult(body, "answer", "text", from(0));
  }

  for (const char *name : {"primary", "backup"}) {
    auto &scenario =
        *plan.scenarios.emplace_back(std::make_unique<fb::ScenarioT>());
    scenario.name = name;
    auto &placement =
        *scenario.placements.emplace_back(std::make_unique<fb::PlacementT>());
    placement.step = "rewrite";
    placement.device = "cpu";
    placement.why = "the only device with a generator's code";
    placement.rejected = {"vulkan:0: no attention kernel"};
  }
  plan.scenarios[1]->trigger = "device cpu lost";
  auto &need =
      *plan.requirements.emplace_back(std::make_unique<fb::RequirementT>());
  need.metric = "ttft";
  need.limit = 800;
  need.unit = "ms";
  need.at = "p95";
  need.predicted = std::make_unique<fb::PredictionT>();
  need.predicted->metric = "ttft";
  need.predicted->value = 120.5;
  need.predicted->unit = "ms";
  need.predicted->rung = fb::Rung::analytic;
  need.predicted->basis = "roofline";
  need.location = std::make_unique<fb::LocationT>();
  need.location->file = "flow.yaml";
  need.location->line = 40;
  plan.objective = "minimize cost";
  plan.data_classes.push_back(std::make_unique<fb::DataClassT>());
  plan.data_classes.back()->name = "confidential";
  plan.data_classes.back()->zones = {"this-machine"};
  plan.predictions.push_back(std::make_unique<fb::PredictionT>());
  plan.predictions.back()->metric = "latency";
  plan.predictions.back()->value = 2.5;
  plan.predictions.back()->unit = "s";
  return sample;
}

WrittenPlan write(const Sample &sample) {
  auto written = writePlan(sample.plan, sample.payloads);
  EXPECT_TRUE(written.isOk()) << written.status().str();
  return written.isOk() ? std::move(*written) : WrittenPlan{};
}

} // namespace hetagon::plan::samples
