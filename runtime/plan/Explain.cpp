// The plan for people, section by section.
#include "runtime/plan/Explain.h"
#include "runtime/plan/TextTable.h"
#include <algorithm>
#include <map>

namespace hetagon::plan {

namespace {

template <typename T> size_t sizeOf(const flatbuffers::Vector<T> *list) {
  return list ? list->size() : 0;
}

std::string plain(const flatbuffers::String *text) {
  return text ? printable({text->c_str(), text->size()}) : std::string();
}

std::string lower(const char *name) { return name ? name : "unknown"; }

/// "a, b, c" of what `item` makes of each element.
template <typename List, typename Item>
std::string join(const List *list, Item item, const char *between = ", ") {
  std::string text;
  for (size_t i = 0; i < (list ? list->size() : 0); ++i)
    text += (i ? between : "") + item(list->Get(uint32_t(i)));
  return text;
}

class Explainer {
public:
  Explainer(const PlanFile &file, std::string_view trust)
      : file(file), plan(file.plan()), trust(trust) {}

  std::string run() {
    head();
    devices();
    artefacts();
    for (uint32_t i = 0; i < sizeOf(plan.services()); ++i)
      service(*plan.services()->Get(i));
    tools();
    for (uint32_t i = 0; i < plan.graphs()->size(); ++i)
      graph(*plan.graphs()->Get(i), i == plan.entry());
    scenarios();
    requirements();
    rest();
    return std::move(out);
  }

private:
  void title(const std::string &text) { out += "\n" + text + "\n"; }
  void print(const TextTable &table, size_t indent) {
    out += table.str(indent);
  }

  std::string deviceName(uint32_t index) const {
    return plain(plan.devices()->Get(index)->id());
  }
  std::string artefactName(int64_t index) const {
    return plain(plan.artefacts()->Get(uint32_t(index))->id());
  }

  void head() {
    out = "Plan " + plain(plan.flow()) + "\n";
    const Container &container = file.container();
    TextTable table;
    table.add({"file", printable(file.name()) + ", " +
                           showBytes(container.fileBytes()) + ", format " +
                           std::to_string(container.versionMajor()) + "." +
                           std::to_string(container.versionMinor())});
    table.add({"digest", hex(file.digest())});
    table.add({"trust", printable(trust)});
    table.add({"compiler", plain(plan.compiler())});
    if (sizeOf(plan.flow_sha256()) == 32) {
      Digest digest;
      std::copy_n(plan.flow_sha256()->begin(), 32, digest.begin());
      table.add({"flow", plain(plan.flow()) + ", SHA-256 " + hex(digest)});
    }
    if (plan.objective())
      table.add({"objective", plain(plan.objective())});
    if (sizeOf(plan.resources()))
      table.add({"resources", join(plan.resources(), plain)});
    print(table, 2);
  }

  void devices() {
    TextTable table({"device", "backend", "zone", "trust", "config"});
    for (uint32_t i = 0; i < sizeOf(plan.devices()); ++i) {
      const fb::Device &device = *plan.devices()->Get(i);
      table.add({plain(device.id()), plain(device.backend()),
                 plain(device.zone()), plain(device.trust()),
                 plain(device.config())});
    }
    if (table.empty())
      return;
    title("Devices");
    print(table, 2);
  }

  void artefacts() {
    TextTable table({"id", "kind", "size", "SHA-256", "source", "class"});
    for (uint32_t i = 0; i < sizeOf(plan.artefacts()); ++i) {
      const fb::Artefact &artefact = *plan.artefacts()->Get(i);
      Digest digest;
      std::copy_n(artefact.sha256()->begin(), 32, digest.begin());
      table.add({plain(artefact.id()),
                 lower(fb::EnumNameArtefactKind(artefact.kind())),
                 artefact.size() ? showBytes(artefact.size()) : "unknown",
                 hex(digest), plain(artefact.source()),
                 plain(artefact.confidentiality())});
    }
    if (table.empty())
      return;
    title("Artefacts");
    print(table, 2);
  }

  void service(const fb::Service &service) {
    title("Service " + plain(service.name()) + ": " +
          lower(fb::EnumNameServiceKind(service.kind())) + " on " +
          deviceName(service.device()));
    TextTable facts;
    if (service.model_id())
      facts.add({"model", plain(service.model_id()) +
                              (service.parameters()
                                   ? ", " + showCount(service.parameters()) +
                                         " parameters"
                                   : "")});
    if (service.weight_bytes())
      facts.add({"weights", showBytes(service.weight_bytes())});
    if (service.context_tokens())
      facts.add({"limits", std::to_string(service.context_tokens()) +
                               " tokens of context, " +
                               std::to_string(service.max_rows()) +
                               " rows in one submission"});
    if (service.vocabulary())
      facts.add({"vocabulary", std::to_string(service.vocabulary())});
    if (service.embedding_size())
      facts.add(
          {"embedding", std::to_string(service.embedding_size()) + " numbers"});
    if (const fb::KvCache *kv = service.kv())
      facts.add({"KV cache", std::to_string(kv->layers()) + " layers, " +
                                 std::to_string(kv->kv_heads()) + " heads of " +
                                 std::to_string(kv->head_dim()) + ", " +
                                 plain(kv->format()) + "; a page of " +
                                 std::to_string(kv->page_tokens()) +
                                 " tokens has " + showBytes(kv->page_bytes())});
    if (const fb::Tokenizer *tokenizer = service.tokenizer()) {
      facts.add({"tokenizer", plain(tokenizer->algorithm()) + " of artefact " +
                                  artefactName(tokenizer->artefact()) +
                                  (tokenizer->add_bos() ? ", adds BOS" : "")});
      if (sizeOf(tokenizer->stop_tokens()))
        facts.add({"", "stops at " +
                           join(tokenizer->stop_tokens(), [](uint32_t token) {
                             return std::to_string(token);
                           })});
      if (sizeOf(tokenizer->options()))
        facts.add({"", join(tokenizer->options(), pair)});
      if (sizeOf(tokenizer->split_patterns()))
        facts.add({"", std::to_string(tokenizer->split_patterns()->size()) +
                           " split patterns"});
      if (tokenizer->chat_template())
        facts.add({"", "chat template of " +
                           std::to_string(tokenizer->chat_template()->size()) +
                           " characters"});
    }
    if (const fb::Endpoint *endpoint = service.endpoint()) {
      facts.add({"endpoint", plain(endpoint->url()) + ", model " +
                                 plain(endpoint->model())});
      facts.add({"price", showNumber(endpoint->price_per_million_input()) +
                              " usd for a million tokens in, " +
                              showNumber(endpoint->price_per_million_output()) +
                              " usd out"});
      facts.add({"key", endpoint->secret()
                            ? "secret " + plain(endpoint->secret())
                            : "none"});
      if (endpoint->zone() || endpoint->trust())
        facts.add(
            {"zone", plain(endpoint->zone()) + " " + plain(endpoint->trust())});
    }
    print(facts, 2);
    executables(service);
    buffers(service);
    program(service, service.load(), "Load program, run once");
    program(service, service.step(), "Step program, run in every submission");
  }

  void executables(const fb::Service &service) {
    TextTable table({"code", "format", "size", "needs", "entries"});
    for (uint32_t i = 0; i < sizeOf(service.executables()); ++i) {
      const fb::Executable &executable = *service.executables()->Get(i);
      const Section &section =
          file.container().sections()[executable.section()];
      table.add({sectionName(section.kind, executable.section()),
                 plain(executable.format()), showBytes(section.size),
                 join(executable.features(), plain),
                 std::to_string(executable.entries()->size()) + ": " +
                     entriesOf(executable)});
    }
    print(table, 2);
  }

  void buffers(const fb::Service &service) {
    struct Group {
      size_t count = 0;
      uint64_t fixedBytes = 0;
      bool grows = false;
    };
    std::map<fb::Storage, Group> groups;
    for (uint32_t i = 0; i < sizeOf(service.buffers()); ++i) {
      const fb::Buffer &buffer = *service.buffers()->Get(i);
      Group &group = groups[buffer.storage()];
      ++group.count;
      uint64_t bytes = buffer.element_bytes();
      bool grows = false;
      for (const fb::Dim *dim : *buffer.dims())
        if (dim->symbol() && dim->symbol()->size())
          grows = true;
        else
          bytes *= uint64_t(dim->size());
      group.grows |= grows;
      if (!grows)
        group.fixedBytes += bytes;
    }
    TextTable table({"buffers", "count", "size"});
    for (const auto &[storage, group] : groups)
      table.add(
          {lower(fb::EnumNameStorage(storage)), std::to_string(group.count),
           group.grows ? "with the submission" : showBytes(group.fixedBytes)});
    print(table, 2);
  }

  /// The name of an entry without the number that tells it from its like.
  static std::string stem(const std::string &entry) {
    size_t end = entry.find_last_not_of("0123456789");
    bool numbered =
        end != std::string::npos && end + 1 < entry.size() && entry[end] == '_';
    return numbered ? entry.substr(0, end) : entry;
  }

  /// "linear (4), rope (2), pool": entries of one stem are counted.
  static std::string entriesOf(const fb::Executable &executable) {
    std::vector<std::pair<std::string, size_t>> stems;
    std::map<std::string, size_t> index;
    for (const flatbuffers::String *entry : *executable.entries()) {
      auto [found, added] = index.try_emplace(stem(plain(entry)), stems.size());
      if (added)
        stems.push_back({found->first, 0});
      ++stems[found->second].second;
    }
    std::string text;
    for (const auto &[name, count] : stems)
      text += (text.empty() ? "" : ", ") + name +
              (count > 1 ? " (" + std::to_string(count) + ")" : "");
    return text;
  }

  /// Commands with entries of one stem and note are counted, in the order of
  /// the first; explainJson has each.
  void program(const fb::Service &service, const fb::Program *program,
               const char *heading) {
    if (!program || program->commands()->size() == 0)
      return;
    std::map<std::pair<std::string, std::string>, size_t> index;
    struct Row {
      size_t count;
      const fb::Command *command;
    };
    std::vector<Row> rows;
    for (const fb::Command *command : *program->commands()) {
      auto [found, added] = index.try_emplace(
          {stem(plain(command->entry())), plain(command->note())}, rows.size());
      if (added)
        rows.push_back({0, command});
      ++rows[found->second].count;
    }
    out += "  " + std::string(heading) + ": " +
           std::to_string(program->commands()->size()) + " commands\n";
    TextTable table({"times", "entry", "code", "from", "first bindings"});
    for (const Row &row : rows) {
      const fb::Executable &executable =
          *service.executables()->Get(row.command->executable());
      table.add({std::to_string(row.count), plain(row.command->entry()),
                 sectionName(SectionKind::Executable, executable.section()) +
                     " (" + plain(executable.format()) + ")",
                 plain(row.command->note()),
                 join(row.command->bindings(), [&](uint32_t binding) {
                   return bufferName(service, binding);
                 })});
    }
    print(table, 4);
  }

  static std::string bufferName(const fb::Service &service, uint32_t index) {
    const fb::Buffer &buffer = *service.buffers()->Get(index);
    std::string name = plain(buffer.name());
    return name.empty() ? lower(fb::EnumNameStorage(buffer.storage())) + " " +
                              std::to_string(index)
                        : name;
  }

  void tools() {
    TextTable table({"tool", "server", "command", "environment", "secrets"});
    for (uint32_t i = 0; i < sizeOf(plan.tools()); ++i) {
      const fb::Tool &tool = *plan.tools()->Get(i);
      std::string environment = join(tool.environment(), pair);
      if (sizeOf(tool.pass_environment()))
        environment += (environment.empty() ? "passes " : "; passes ") +
                       join(tool.pass_environment(), plain);
      table.add({plain(tool.name()), plain(tool.server()),
                 sizeOf(tool.command()) ? join(tool.command(), plain, " ")
                                        : "builtin",
                 environment, join(tool.secrets(), pair)});
    }
    if (table.empty())
      return;
    title("Tools");
    print(table, 2);
  }

  static std::string pair(const fb::KeyValue *pair) {
    return plain(pair->key()) + " = " + shown(pair->value()->string_view());
  }
  static std::string port(const fb::Port *port) {
    return plain(port->name()) + ": " + plain(port->type());
  }

  std::string source(const fb::StepGraph &graph,
                     const fb::Source &source) const {
    if (source.step() < 0)
      return "input " + plain(graph.inputs()->Get(source.port())->name());
    const fb::Step &step = *graph.steps()->Get(uint32_t(source.step()));
    return plain(step.name()) + "." +
           plain(step.outputs()->Get(source.port())->name());
  }

  void graph(const fb::StepGraph &graph, bool entry) {
    title("Graph " + plain(graph.name()) + (entry ? ", the flow" : ""));
    if (sizeOf(graph.inputs()))
      out += "  inputs   " + join(graph.inputs(), port) + "\n";
    for (uint32_t i = 0; i < graph.steps()->size(); ++i)
      step(graph, *graph.steps()->Get(i), i);
    for (uint32_t i = 0; i < sizeOf(graph.results()); ++i)
      out += std::string(i ? "           " : "  results  ") +
             port(graph.outputs()->Get(i)) + " <- " +
             source(graph, *graph.results()->Get(i)) + "\n";
  }

  void step(const fb::StepGraph &graph, const fb::Step &step, uint32_t index) {
    std::string line = "  " + std::to_string(index) + "  " +
                       plain(step.name()) + "  " +
                       lower(fb::EnumNameStepKind(step.kind()));
    if (step.service() >= 0) {
      const fb::Service &service =
          *plan.services()->Get(uint32_t(step.service()));
      line += " by " + plain(service.name()) + " on " +
              deviceName(service.device());
    }
    if (step.tool() >= 0)
      line += " " + plain(plan.tools()->Get(uint32_t(step.tool()))->name());
    if (step.artefact() >= 0)
      line += " in " + artefactName(step.artefact());
    if (sizeOf(step.graphs()))
      line += " of graph " + join(step.graphs(), [&](uint32_t callee) {
                return plain(plan.graphs()->Get(callee)->name());
              });
    if (const fb::Location *place = step.location(); place && place->line())
      line += "  (" + plain(place->file()) + ":" +
              std::to_string(place->line()) + ":" +
              std::to_string(place->column()) + ")";
    out += line + "\n";
    TextTable table;
    for (uint32_t i = 0; i < sizeOf(step.inputs()); ++i)
      table.add({i ? "" : "reads", plain(step.input_names()->Get(i)) + " <- " +
                                       source(graph, *step.inputs()->Get(i))});
    if (sizeOf(step.outputs()))
      table.add({"yields", join(step.outputs(), port)});
    for (uint32_t i = 0; i < sizeOf(step.attributes()); ++i)
      table.add({i ? "" : "with", pair(step.attributes()->Get(i))});
    if (sizeOf(step.after()))
      table.add({"after", join(step.after(), [&](uint32_t earlier) {
                   return plain(graph.steps()->Get(earlier)->name());
                 })});
    if (sizeOf(step.effects()))
      table.add({"effects", join(step.effects(), [](const fb::Effect *effect) {
                   return (effect->write() ? "writes " : "reads ") +
                          plain(effect->resource());
                 })});
    if (step.timeout_ms() || step.retries())
      table.add({"limits", (step.timeout_ms()
                                ? std::to_string(step.timeout_ms()) + " ms, "
                                : std::string()) +
                               std::to_string(step.retries()) + " retries"});
    print(table, 7);
  }

  void scenarios() {
    for (uint32_t i = 0; i < sizeOf(plan.scenarios()); ++i) {
      const fb::Scenario &scenario = *plan.scenarios()->Get(i);
      title("Scenario " + plain(scenario.name()) +
            (scenario.trigger() ? ", when " + plain(scenario.trigger()) : ""));
      TextTable table({"step", "device", "why"});
      for (uint32_t k = 0; k < sizeOf(scenario.placements()); ++k) {
        const fb::Placement &placement = *scenario.placements()->Get(k);
        table.add({plain(placement.step()), plain(placement.device()),
                   plain(placement.why())});
        for (uint32_t r = 0; r < sizeOf(placement.rejected()); ++r)
          table.add({"", "", "not " + plain(placement.rejected()->Get(r))});
      }
      print(table, 2);
    }
  }

  /// "120.5 ms", or "unknown" where nothing is known.
  static std::vector<std::string> predicted(const fb::Prediction *prediction) {
    if (!prediction || prediction->rung() == fb::Rung::unknown)
      return {"unknown",
              prediction ? plain(prediction->basis()) : std::string()};
    return {showNumber(prediction->value()) + " " + plain(prediction->unit()),
            lower(fb::EnumNameRung(prediction->rung())) +
                (prediction->basis() ? ": " + plain(prediction->basis()) : "")};
  }

  void requirements() {
    TextTable table({"of", "metric", "limit", "kind", "predicted", "known by"});
    for (uint32_t i = 0; i < sizeOf(plan.requirements()); ++i) {
      const fb::Requirement &need = *plan.requirements()->Get(i);
      std::vector<std::string> row = {
          need.node() && need.node()->size() ? plain(need.node()) : "the flow",
          plain(need.metric()),
          std::string(need.floor() ? "at least " : "at most ") +
              showNumber(need.limit()) + " " + plain(need.unit()) +
              (need.at() ? " at " + plain(need.at()) : ""),
          need.soft() ? "soft, weight " + showNumber(need.weight()) : "hard"};
      for (std::string &cell : predicted(need.predicted()))
        row.push_back(std::move(cell));
      table.add(std::move(row));
    }
    if (!table.empty()) {
      title("Requirements");
      print(table, 2);
    }
    TextTable values({"metric", "predicted", "known by"});
    for (uint32_t i = 0; i < sizeOf(plan.predictions()); ++i) {
      const fb::Prediction &prediction = *plan.predictions()->Get(i);
      std::vector<std::string> row = {plain(prediction.metric())};
      for (std::string &cell : predicted(&prediction))
        row.push_back(std::move(cell));
      values.add(std::move(row));
    }
    if (!values.empty()) {
      title("Predictions");
      print(values, 2);
    }
  }

  void rest() {
    TextTable classes({"class", "zones"});
    for (uint32_t i = 0; i < sizeOf(plan.data_classes()); ++i)
      classes.add({plain(plan.data_classes()->Get(i)->name()),
                   join(plan.data_classes()->Get(i)->zones(), plain)});
    if (!classes.empty()) {
      title("Data classes");
      print(classes, 2);
    }
    title("Sections");
    TextTable table({"section", "offset", "size", "SHA-256"});
    const auto &sections = file.container().sections();
    for (size_t i = 0; i < sections.size(); ++i)
      table.add({sectionName(sections[i].kind, i),
                 std::to_string(sections[i].offset),
                 showBytes(sections[i].size), hex(sections[i].digest)});
    print(table, 2);
  }

  const PlanFile &file;
  const fb::Plan &plan;
  std::string_view trust;
  std::string out;
};

} // namespace

std::string explainText(const PlanFile &plan, std::string_view trust) {
  return Explainer(plan, trust).run();
}

} // namespace hetagon::plan
