// The graph runner: counts what each step still waits for and starts it when
// nothing is left. Graphs inside steps (branch, map, call) become activations
// of their own; a step that contains graphs occupies no thread while they run.
#include "runtime/exec/GraphRunner.h"
#include "runtime/exec/ResourceLocks.h"
#include "runtime/exec/StepContext.h"
#include "runtime/sched/TaskPool.h"
#include <algorithm>
#include <set>

namespace hetagon {

namespace {

using plan::fb::StepGraphT;
using plan::fb::StepKind;
using plan::fb::StepT;
using Clock = std::chrono::steady_clock;
using Values = std::vector<Value>;
using Done = std::function<void(StatusOr<Values>)>;

/// Threads of a run that may wait for tools, endpoints and generations at the
/// same time; they never compute beyond tokenizing and searching.
constexpr uint32_t maxWaiting = 64;
/// A step without a time-out of its own.
constexpr auto defaultTimeout = std::chrono::minutes(10);

Status located(Status failure, const StepT &step) {
  Status named = failure.withContext("step '" + step.name + "'");
  if (!step.location || step.location->line == 0)
    return named;
  return named.at(Place{
      step.location->file, step.location->line, step.location->column, {}});
}

/// One execution of a graph: its inputs, the results of its steps so far.
struct Activation {
  const StepGraphT *graph;
  std::string path;
  Values inputs;
  std::vector<Values> results;    ///< by step
  std::vector<uint32_t> waitsFor; ///< by step: others it needs
  std::vector<std::vector<uint32_t>> neededBy;
  size_t left = 0;
  bool failed = false;
  Done done;
};

class Run {
public:
  Run(PlanRuntime &runtime, const RunOptions &options)
      : runtime(runtime), options(options),
        onCancel(options.cancel, [this] { stopping.request_stop(); }),
        pool(maxWaiting) {}

  StatusOr<RunResult> execute();

private:
  void start(std::shared_ptr<Activation> activation);
  void startStep(std::shared_ptr<Activation> activation, uint32_t index);
  void finishStep(const std::shared_ptr<Activation> &activation, uint32_t index,
                  StatusOr<Values> outcome);
  void runLeaf(const std::shared_ptr<Activation> &activation, uint32_t index,
               Done done);
  void runBranch(const std::shared_ptr<Activation> &activation, uint32_t index,
                 Done done);
  void runMap(const std::shared_ptr<Activation> &activation, uint32_t index,
              Done done);
  void enter(uint32_t graph, std::string path,
             const std::map<std::string, Value> &inputs, Done done);
  std::map<std::string, Value> inputsOf(const Activation &activation,
                                        const StepT &step);
  void attachStreams(const Activation &activation, uint32_t index,
                     StepContext &context);
  void streamed(const std::string &output, std::string_view piece);
  void record(StepReport report, Clock::time_point begin);

  PlanRuntime &runtime;
  const RunOptions &options;
  const Clock::time_point begin = Clock::now();
  std::stop_source stopping;
  std::stop_callback<std::function<void()>> onCancel;
  ResourceLocks locks;

  std::mutex mutex; ///< guards activations' progress and what follows
  std::vector<StepReport> reports;
  std::optional<double> firstPiece;
  std::mutex streamMutex, askMutex;
  TaskPool pool; ///< last: drained before the rest dies
};

double since(Clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begin)
      .count();
}

Value valueOf(const Activation &activation, const plan::fb::SourceT &source) {
  return source.step < 0 ? activation.inputs[source.port]
                         : activation.results[size_t(source.step)][source.port];
}

std::map<std::string, Value> Run::inputsOf(const Activation &activation,
                                           const StepT &step) {
  std::map<std::string, Value> inputs;
  for (size_t i = 0; i < step.inputs.size(); ++i)
    inputs.emplace(step.input_names[i], valueOf(activation, *step.inputs[i]));
  return inputs;
}

void Run::enter(uint32_t index, std::string path,
                const std::map<std::string, Value> &inputs, Done done) {
  auto activation = std::make_shared<Activation>();
  activation->graph = runtime.plan().graphs[index].get();
  activation->path = std::move(path);
  activation->done = std::move(done);
  for (const auto &port : activation->graph->inputs) {
    auto found = inputs.find(port->name);
    if (found == inputs.end())
      return activation->done(Status(
          Code::InvalidArgument, "the graph '" + activation->graph->name +
                                     "' needs the input '" + port->name + "'"));
    activation->inputs.push_back(found->second);
  }
  start(std::move(activation));
}

void Run::start(std::shared_ptr<Activation> activation) {
  const auto &steps = activation->graph->steps;
  activation->results.resize(steps.size());
  activation->waitsFor.resize(steps.size());
  activation->neededBy.resize(steps.size());
  activation->left = steps.size();
  std::vector<uint32_t> ready;
  for (uint32_t i = 0; i < steps.size(); ++i) {
    std::set<uint32_t> before(steps[i]->after.begin(), steps[i]->after.end());
    for (const auto &source : steps[i]->inputs)
      if (source->step >= 0)
        before.insert(uint32_t(source->step));
    for (uint32_t earlier : before)
      activation->neededBy[earlier].push_back(i);
    activation->waitsFor[i] = uint32_t(before.size());
    if (before.empty())
      ready.push_back(i);
  }
  if (steps.empty()) {
    Values results;
    for (const auto &source : activation->graph->results)
      results.push_back(valueOf(*activation, *source));
    return activation->done(std::move(results));
  }
  for (uint32_t index : ready)
    startStep(activation, index);
}

void Run::startStep(std::shared_ptr<Activation> activation, uint32_t index) {
  const StepT &step = *activation->graph->steps[index];
  Done done = [this, activation, index](StatusOr<Values> outcome) {
    finishStep(activation, index, std::move(outcome));
  };
  if (stopping.stop_requested())
    return done(Status(Code::Cancelled, "cancelled"));
  switch (step.kind) {
  case StepKind::branch:
    return runBranch(activation, index, std::move(done));
  case StepKind::map:
    return runMap(activation, index, std::move(done));
  case StepKind::call:
    return enter(step.graphs[0], activation->path + "/" + step.name,
                 inputsOf(*activation, step), std::move(done));
  default:
    pool.post([this, activation, index, done = std::move(done)]() mutable {
      runLeaf(activation, index, std::move(done));
    });
  }
}

void Run::finishStep(const std::shared_ptr<Activation> &activation,
                     uint32_t index, StatusOr<Values> outcome) {
  const StepT &step = *activation->graph->steps[index];
  std::vector<uint32_t> ready;
  std::optional<StatusOr<Values>> finished;
  {
    std::lock_guard lock(mutex);
    --activation->left;
    if (!outcome.isOk()) {
      // The first error is the run's; the rest is only brought to an end.
      if (!activation->failed) {
        activation->failed = true;
        bool own = outcome.status().code() == Code::Cancelled &&
                   stopping.stop_requested();
        finished = own ? outcome.status() : located(outcome.status(), step);
      }
    } else if (!activation->failed) {
      activation->results[index] = std::move(*outcome);
      for (uint32_t next : activation->neededBy[index])
        if (--activation->waitsFor[next] == 0)
          ready.push_back(next);
      if (activation->left == 0) {
        Values results;
        for (const auto &source : activation->graph->results)
          results.push_back(valueOf(*activation, *source));
        finished = std::move(results);
      }
    }
  }
  if (finished && !finished->isOk())
    stopping.request_stop();
  for (uint32_t next : ready)
    startStep(activation, next);
  if (finished)
    activation->done(std::move(*finished));
}

void Run::runBranch(const std::shared_ptr<Activation> &activation,
                    uint32_t index, Done done) {
  const StepT &step = *activation->graph->steps[index];
  std::map<std::string, Value> inputs = inputsOf(*activation, step);
  std::string chosen = inputs.at("selector").toText();
  std::string list, otherwise;
  for (const auto &attribute : step.attributes) {
    if (attribute->key == "cases")
      list = attribute->value;
    if (attribute->key == "default")
      otherwise = attribute->value;
  }
  StatusOr<Json> cases = parseJson(list, "cases");
  if (!cases.isOk())
    return done(cases.status());
  for (const std::string &wanted : {chosen, otherwise})
    for (size_t i = 0; i < cases->size() && i < step.graphs.size(); ++i)
      if ((*cases)[i] == Json(wanted))
        return enter(step.graphs[i],
                     activation->path + "/" + step.name + "[" + wanted + "]",
                     inputs, std::move(done));
  done(Status(Code::InvalidArgument,
              "no branch for '" + chosen +
                  "', and no default; the branches are " + list));
}

/// Iterations in flight of one map; the callbacks of its activations share it.
struct MapProgress {
  std::mutex mutex;
  std::vector<std::map<std::string, Value>> items;
  std::vector<Values> results;
  size_t next = 0, left = 0;
  std::optional<Status> failure;
  Done done;
};

void Run::runMap(const std::shared_ptr<Activation> &activation, uint32_t index,
                 Done done) {
  const StepT &step = *activation->graph->steps[index];
  const StepGraphT &body = *runtime.plan().graphs[step.graphs[0]];
  std::map<std::string, Value> inputs = inputsOf(*activation, step);
  Json over = Json::array();
  size_t parallel = 0;
  for (const auto &attribute : step.attributes) {
    if (attribute->key == "over") {
      StatusOr<Json> names = parseJson(attribute->value, "over");
      if (!names.isOk())
        return done(names.status());
      over = std::move(*names);
    }
    if (attribute->key == "parallel")
      parallel = size_t(std::strtoull(attribute->value.c_str(), nullptr, 10));
  }
  auto progress = std::make_shared<MapProgress>();
  std::optional<size_t> count;
  std::map<std::string, Value::List> lists;
  for (const Json &name : over) {
    const std::string &key = name.get_ref<const std::string &>();
    StatusOr<Value::List> list = inputs.at(key).elements();
    if (!list.isOk())
      return done(list.status().withContext("'" + key + "'"));
    if (count && *count != list->size())
      return done(Status(Code::InvalidArgument,
                         "the lists to map over have " +
                             std::to_string(*count) + " and " +
                             std::to_string(list->size()) + " elements"));
    count = list->size();
    lists.emplace(key, std::move(*list));
  }
  progress->items.assign(count.value_or(0), inputs);
  for (auto &[key, list] : lists)
    for (size_t i = 0; i < list.size(); ++i)
      progress->items[i][key] = list[i];
  progress->results.resize(progress->items.size());
  progress->left = progress->items.size();
  progress->done = std::move(done);
  size_t outputs = body.outputs.size();
  auto collect = [outputs](MapProgress &all) {
    Values columns;
    for (size_t port = 0; port < outputs; ++port) {
      Value::List column;
      for (Values &row : all.results)
        column.push_back(row[port]);
      columns.push_back(Value::list(std::move(column)));
    }
    return columns;
  };
  if (progress->items.empty())
    return progress->done(collect(*progress));

  std::string path = activation->path + "/" + step.name;
  uint32_t graph = step.graphs[0];
  // Starts the next iteration; each that ends starts another.
  auto launch = std::make_shared<std::function<void()>>();
  std::weak_ptr<std::function<void()>> weak = launch;
  *launch = [this, progress, path, graph, collect, weak] {
    size_t item;
    {
      std::lock_guard lock(progress->mutex);
      if (progress->failure || progress->next == progress->items.size())
        return;
      item = progress->next++;
    }
    auto again = weak.lock();
    enter(graph, path + "[" + std::to_string(item) + "]", progress->items[item],
          [progress, collect, item, again](StatusOr<Values> outcome) {
            bool ended = false;
            {
              std::lock_guard lock(progress->mutex);
              --progress->left;
              if (outcome.isOk()) {
                progress->results[item] = std::move(*outcome);
                ended = progress->left == 0 && !progress->failure;
              } else if (!progress->failure) {
                progress->failure = outcome.status();
                ended = true;
              }
            }
            if (!ended)
              return (*again)();
            if (progress->failure)
              progress->done(*progress->failure);
            else
              progress->done(collect(*progress));
          });
  };
  size_t atOnce = parallel ? std::min(parallel, progress->items.size())
                           : progress->items.size();
  for (size_t i = 0; i < atOnce; ++i)
    (*launch)();
}

void Run::streamed(const std::string &output, std::string_view piece) {
  std::lock_guard lock(streamMutex);
  if (!firstPiece)
    firstPiece = since(begin);
  if (options.onStream)
    options.onStream(output, piece);
}

/// Follows the edges from a generating step to the streamed outputs of its
/// graph, through at most one detokenize step.
void Run::attachStreams(const Activation &activation, uint32_t index,
                        StepContext &context) {
  if (activation.graph != runtime.plan().graphs[runtime.plan().entry].get())
    return;
  std::vector<std::string> texts;
  std::vector<std::pair<std::string, const Tokenizer *>> decoded;
  auto outputsOf = [&](int32_t step, auto add) {
    for (const auto &reader : activation.graph->steps)
      if (reader->kind == StepKind::output && reader->inputs.size() == 1 &&
          reader->inputs[0]->step == step) {
        std::string name;
        bool stream = false;
        for (const auto &attribute : reader->attributes) {
          if (attribute->key == "name")
            name = attribute->value;
          if (attribute->key == "stream")
            stream = attribute->value == "true";
        }
        if (stream)
          add(name);
      }
  };
  outputsOf(int32_t(index),
            [&](const std::string &name) { texts.push_back(name); });
  for (size_t i = 0; i < activation.graph->steps.size(); ++i) {
    const StepT &reader = *activation.graph->steps[i];
    if (reader.kind == StepKind::detokenize && reader.inputs.size() == 1 &&
        reader.inputs[0]->step == int32_t(index))
      outputsOf(int32_t(i), [&](const std::string &name) {
        decoded.emplace_back(name,
                             runtime.service(reader.service).tokenizer.get());
      });
  }
  if (!texts.empty())
    context.onText = [this, texts](std::string_view piece) {
      for (const std::string &name : texts)
        streamed(name, piece);
    };
  if (!decoded.empty()) {
    auto decoder = std::make_shared<StreamDecoder>(*decoded[0].second);
    context.onToken = [this, decoded, decoder](int32_t token) {
      std::string piece = decoder->push(token);
      if (!piece.empty())
        for (const auto &[name, tokenizer] : decoded)
          streamed(name, piece);
    };
  }
}

void Run::runLeaf(const std::shared_ptr<Activation> &activation, uint32_t index,
                  Done done) {
  const StepT &step = *activation->graph->steps[index];
  StepReport report;
  report.path = activation->path + "/" + step.name;
  report.name = step.name;
  report.device = "host";
  if (step.service >= 0 &&
      (step.kind == StepKind::generate || step.kind == StepKind::embed ||
       step.kind == StepKind::attribute))
    report.device = runtime.service(size_t(step.service)).device;
  std::map<std::string, Value> inputs;
  {
    std::lock_guard lock(mutex);
    inputs = inputsOf(*activation, step);
  }
  ResourceLocks::Hold hold = locks.acquire(step, stopping.get_token());
  auto stepBegin = Clock::now();
  StatusOr<Values> outcome = Status(Code::Cancelled, "cancelled");
  for (report.attempts = 1; !stopping.stop_requested(); ++report.attempts) {
    auto tryBegin = Clock::now();
    StepContext context{
        runtime,
        options,
        step,
        inputs,
        report.path,
        tryBegin,
        tryBegin + (step.timeout_ms ? std::chrono::milliseconds(step.timeout_ms)
                                    : defaultTimeout),
        stopping.get_token(),
        report,
        {},
        {}};
    attachStreams(*activation, index, context);
    std::unique_lock asking(askMutex, std::defer_lock);
    if (step.kind == StepKind::ask)
      asking.lock();
    outcome = runLeafStep(context);
    Code code = outcome.status().code();
    bool passing = code == Code::Unavailable || code == Code::DeadlineExceeded;
    if (outcome.isOk() || !passing || report.attempts > step.retries)
      break;
  }
  hold.release();
  if (step.kind == StepKind::output && outcome.isOk())
    outcome = Values{};
  record(std::move(report), stepBegin);
  done(std::move(outcome));
}

void Run::record(StepReport report, Clock::time_point stepBegin) {
  auto end = Clock::now();
  using Milliseconds = std::chrono::duration<double, std::milli>;
  report.beginMs = Milliseconds(stepBegin - begin).count();
  report.endMs = Milliseconds(end - begin).count();
  if (Trace *trace = runtime.trace())
    trace->span("step " + report.path, report.name, stepBegin, end,
                {{"device", report.device}, {"attempts", report.attempts}});
  std::lock_guard lock(mutex);
  reports.push_back(std::move(report));
}

StatusOr<RunResult> Run::execute() {
  const plan::fb::PlanT &plan = runtime.plan();
  const StepGraphT &entry = *plan.graphs[plan.entry];
  std::string known;
  for (const auto &port : entry.inputs)
    known += (known.empty() ? "" : ", ") + port->name + " (" + port->type + ")";
  for (const auto &[name, value] : options.inputs)
    if (std::none_of(entry.inputs.begin(), entry.inputs.end(),
                     [&](const auto &port) { return port->name == name; }))
      return Status(Code::InvalidArgument, "the flow has no input '" + name +
                                               "'; its inputs are: " + known);
  for (const auto &port : entry.inputs)
    if (!options.inputs.count(port->name))
      return Status(Code::InvalidArgument,
                    "the flow needs the input '" + port->name +
                        "': give it as --input " + port->name +
                        "=VALUE; its inputs are: " + known);

  std::mutex doneMutex;
  std::condition_variable ended;
  std::optional<StatusOr<Values>> outcome;
  enter(plan.entry, entry.name, options.inputs, [&](StatusOr<Values> values) {
    std::lock_guard lock(doneMutex);
    outcome = std::move(values);
    ended.notify_all();
  });
  {
    std::unique_lock lock(doneMutex);
    ended.wait(lock, [&] { return outcome.has_value(); });
  }
  double latency = since(begin);
  pool.drain();
  if (options.cancel.stop_requested())
    return Status(Code::Cancelled, "the run was interrupted");
  if (!outcome->isOk())
    return outcome->status();

  RunResult result;
  result.latencyMs = latency;
  result.ttftMs = firstPiece;
  result.steps = std::move(reports);
  for (size_t i = 0; i < entry.outputs.size(); ++i)
    result.outputs.emplace_back(entry.outputs[i]->name,
                                std::move((**outcome)[i]));
  return result;
}

} // namespace

StatusOr<RunResult> runPlan(PlanRuntime &runtime, RunOptions options) {
  return Run(runtime, options).execute();
}

} // namespace hetagon
