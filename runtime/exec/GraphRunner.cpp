// The graph runner: counts what each step still waits for and starts it when
// nothing is left. Graphs inside steps (branch, map, call) become activations
// of their own; a step that contains graphs occupies no thread while they run.
//
// Steps start as tasks of the pool and never call each other, so that the stack
// does not grow with the length of a chain or of a list. A failure is recorded
// once for the whole run and stops all else; what is stopped just ends. The run
// is over when its pool is empty.
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
using Inputs = std::map<std::string, Value>;
/// Called with the results of a graph or step that succeeded.
using Done = std::function<void(Values)>;

/// Threads of a run that may wait for tools, endpoints and generations at the
/// same time; they never compute beyond tokenizing and searching.
constexpr uint32_t maxWaiting = 64;
/// Items of one map under way at most: enough for the threads, so that a long
/// list need not be held in activations all at once.
constexpr size_t maxItems = 4 * maxWaiting;
/// A step without a time-out of its own.
constexpr auto defaultTimeout = std::chrono::minutes(10);
/// Before the first repetition; doubled for each further one.
constexpr auto firstPause = std::chrono::milliseconds(50);
constexpr auto longestPause = std::chrono::milliseconds(5000);

double milliseconds(Clock::duration time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

const std::string *attributeOf(const StepT &step, std::string_view key) {
  for (const auto &attribute : step.attributes)
    if (attribute->key == key)
      return &attribute->value;
  return nullptr;
}

/// What a graph's steps wait for; the same for all its activations.
struct Shape {
  explicit Shape(const StepGraphT &graph);
  std::vector<uint32_t> waitsFor;
  std::vector<std::vector<uint32_t>> neededBy;
};

Shape::Shape(const StepGraphT &graph)
    : waitsFor(graph.steps.size()), neededBy(graph.steps.size()) {
  for (uint32_t i = 0; i < graph.steps.size(); ++i) {
    const StepT &step = *graph.steps[i];
    std::set<uint32_t> before(step.after.begin(), step.after.end());
    for (const auto &source : step.inputs)
      if (source->step >= 0)
        before.insert(uint32_t(source->step));
    waitsFor[i] = uint32_t(before.size());
    for (uint32_t earlier : before)
      neededBy[earlier].push_back(i);
  }
}

/// One execution of a graph: its inputs, the results of its steps so far.
struct Activation {
  const StepGraphT *graph = nullptr;
  const Shape *shape = nullptr;
  std::string path;
  Clock::time_point deadline; ///< of the steps that contain it
  std::optional<Place> place; ///< of the innermost such step that has one
  Values inputs;
  /// By result: the flow's outputs that show it as it comes.
  std::vector<std::vector<std::string>> shownBy;
  /// By step. Written under the run's mutex before its readers are started,
  /// which read without.
  std::vector<Values> results;
  std::vector<uint32_t> waitsFor; ///< by step: others it needs
  size_t left = 0;
  Done done;

  Value value(const plan::fb::SourceT &source) const {
    return source.step < 0 ? inputs[source.port]
                           : results[size_t(source.step)][source.port];
  }
  Inputs inputsOf(const StepT &step) const {
    Inputs values;
    for (size_t i = 0; i < step.inputs.size(); ++i)
      values.emplace(step.input_names[i], value(*step.inputs[i]));
    return values;
  }
  Values resultValues() const {
    Values values;
    for (const auto &source : graph->results)
      values.push_back(value(*source));
    return values;
  }
  std::string pathOf(const StepT &step) const { return path + "/" + step.name; }
};

/// A step on its way: which, and where.
struct Running {
  std::shared_ptr<Activation> activation;
  uint32_t index;
  const StepT &step() const { return *activation->graph->steps[index]; }
  std::string path() const { return activation->pathOf(step()); }
};

/// One map under way; its items share it.
struct MapProgress {
  Running running;
  Inputs inputs;
  std::map<std::string, Value::List> lists;
  std::mutex mutex; ///< guards what follows
  std::vector<Values> results;
  size_t next = 0, left = 0;
};

class Run {
public:
  Run(PlanRuntime &runtime, const RunOptions &options)
      : runtime(runtime), options(options),
        onCancel(options.cancel, [this] { stopping.request_stop(); }),
        pool(maxWaiting) {
    for (const auto &graph : runtime.plan().graphs)
      shapes.emplace_back(*graph);
  }

  StatusOr<RunResult> execute();

private:
  void start(Running running);
  void finish(const Running &running, Values values);
  /// Ends the run with this failure, unless it has one already.
  void fail(const Running &running, const Status &failure);
  /// Runs a graph of a step's with inputs by name. `isShown`: its results are
  /// the step's own, so that who shows these as they come shows those.
  void enter(const Running &running, uint32_t graph, std::string path,
             const Inputs &inputs, bool isShown, Done done);
  void begin(std::shared_ptr<Activation> activation);
  void runLeaf(const Running &running);
  StatusOr<Values> attempt(const Running &running, const Inputs &inputs,
                           StepReport &report, bool &streamed);
  void runBranch(const Running &running);
  void runMap(const Running &running);
  void startItem(std::shared_ptr<MapProgress> progress);
  std::vector<std::string> shownBy(const Running &running, uint32_t port) const;
  void streamed(const std::string &output, std::string_view piece);
  void record(StepReport report, Clock::time_point begin);

  PlanRuntime &runtime;
  const RunOptions &options;
  const Clock::time_point origin = Clock::now();
  std::vector<Shape> shapes; ///< by graph
  std::stop_source stopping;
  std::stop_callback<std::function<void()>> onCancel;
  ResourceLocks locks;

  std::mutex mutex; ///< guards activations' progress and what follows
  std::optional<Status> failure;
  std::vector<StepReport> reports;
  std::optional<Values> outcome;
  Clock::time_point ended;
  std::mutex streamMutex; ///< guards the first piece's time
  std::optional<double> firstPiece;
  std::mutex askMutex;
  TaskPool pool; ///< last: drained before the rest dies
};

void Run::enter(const Running &running, uint32_t index, std::string path,
                const Inputs &inputs, bool isShown, Done done) {
  const StepT &step = running.step();
  const Activation &outer = *running.activation;
  auto activation = std::make_shared<Activation>();
  activation->graph = runtime.plan().graphs[index].get();
  activation->shape = &shapes[index];
  activation->path = std::move(path);
  activation->deadline = outer.deadline;
  if (step.timeout_ms)
    activation->deadline =
        std::min(outer.deadline,
                 Clock::now() + std::chrono::milliseconds(step.timeout_ms));
  activation->place = outer.place;
  if (step.location && step.location->line)
    activation->place = Place{
        step.location->file, step.location->line, step.location->column, {}};
  activation->done = std::move(done);
  if (isShown)
    for (uint32_t port = 0; port < step.outputs.size(); ++port)
      activation->shownBy.push_back(shownBy(running, port));
  for (const auto &port : activation->graph->inputs)
    activation->inputs.push_back(inputs.at(port->name)); // a verified plan's
  begin(std::move(activation));
}

void Run::begin(std::shared_ptr<Activation> activation) {
  size_t count = activation->graph->steps.size();
  if (count == 0)
    return activation->done(activation->resultValues());
  activation->results.resize(count);
  activation->waitsFor = activation->shape->waitsFor;
  activation->left = count;
  // By the shape: a step that has been started changes waitsFor.
  for (uint32_t i = 0; i < count; ++i)
    if (activation->shape->waitsFor[i] == 0)
      start({activation, i});
}

void Run::start(Running running) {
  auto post = [this](auto task) {
    pool.post([this, task = std::move(task)]() mutable {
      if (!stopping.stop_requested())
        task();
    });
  };
  switch (running.step().kind) {
  case StepKind::branch:
    return post([this, running] { runBranch(running); });
  case StepKind::map:
    return post([this, running] { runMap(running); });
  case StepKind::call:
    return post([this, running] {
      enter(running, running.step().graphs[0], running.path(),
            running.activation->inputsOf(running.step()), /*isShown=*/true,
            [this, running](Values values) {
              finish(running, std::move(values));
            });
    });
  default:
    locks.acquire(running.step(), [this, running, post](auto hold) {
      post([this, running, hold = std::move(hold)]() mutable {
        runLeaf(running);
      });
    });
  }
}

void Run::finish(const Running &running, Values values) {
  Activation &activation = *running.activation;
  std::vector<uint32_t> ready;
  bool last;
  {
    std::lock_guard lock(mutex);
    activation.results[running.index] = std::move(values);
    for (uint32_t next : activation.shape->neededBy[running.index])
      if (--activation.waitsFor[next] == 0)
        ready.push_back(next);
    last = --activation.left == 0;
  }
  for (uint32_t next : ready)
    start({running.activation, next});
  if (last)
    activation.done(activation.resultValues());
}

void Run::fail(const Running &running, const Status &status) {
  const StepT &step = running.step();
  Status named = status.withContext("step '" + running.path() + "'");
  if (step.location && step.location->line)
    named = named.at(Place{
        step.location->file, step.location->line, step.location->column, {}});
  else if (running.activation->place)
    named = named.at(*running.activation->place);
  {
    std::lock_guard lock(mutex);
    if (!failure)
      failure = std::move(named);
  }
  stopping.request_stop();
}

void Run::runBranch(const Running &running) {
  const StepT &step = running.step();
  Inputs inputs = running.activation->inputsOf(step);
  std::string chosen = inputs.at("selector").toText();
  const std::string *list = attributeOf(step, "cases");
  const std::string *otherwise = attributeOf(step, "default");
  StatusOr<Json> cases = parseJson(list ? *list : "[]", "cases");
  if (!cases.isOk())
    return fail(running, cases.status());
  for (const std::string *wanted : {&std::as_const(chosen), otherwise})
    for (size_t i = 0; wanted && i < cases->size(); ++i)
      if ((*cases)[i] == Json(*wanted))
        return enter(running, step.graphs[i],
                     running.path() + "[" + *wanted + "]", inputs,
                     /*isShown=*/true, [this, running](Values values) {
                       finish(running, std::move(values));
                     });
  constexpr size_t shown = 80;
  if (chosen.size() > shown)
    chosen = chosen.substr(0, shown) + "...";
  fail(running,
       Status(Code::InvalidArgument,
              "no branch for '" + chosen +
                  "', and no default; the branches are " + printJson(*cases)));
}

void Run::runMap(const Running &running) {
  const StepT &step = running.step();
  auto progress = std::make_shared<MapProgress>();
  progress->running = running;
  progress->inputs = running.activation->inputsOf(step);
  const std::string *list = attributeOf(step, "over");
  StatusOr<Json> over = parseJson(list ? *list : "[]", "over");
  if (!over.isOk())
    return fail(running, over.status());
  std::optional<size_t> count;
  for (const Json &name : *over) {
    const std::string &key = name.get_ref<const std::string &>();
    StatusOr<Value::List> elements = progress->inputs.at(key).elements();
    if (!elements.isOk())
      return fail(running, elements.status().withContext("'" + key + "'"));
    if (count && *count != elements->size())
      return fail(running,
                  Status(Code::InvalidArgument,
                         "the lists to map over have " +
                             std::to_string(*count) + " and " +
                             std::to_string(elements->size()) + " elements"));
    count = elements->size();
    progress->lists[key] = std::move(*elements);
  }
  size_t items = count.value_or(0);
  if (items == 0)
    return finish(running, Values(step.outputs.size(), Value::list({})));
  progress->results.resize(items);
  progress->left = items;
  size_t atOnce = 0;
  if (const std::string *parallel = attributeOf(step, "parallel"))
    atOnce = size_t(std::strtoull(parallel->c_str(), nullptr, 10));
  atOnce = std::min({atOnce ? atOnce : maxItems, maxItems, items});
  for (size_t i = 0; i < atOnce; ++i)
    startItem(progress);
}

/// Starts the next item, if there is one; when it ends, it makes another start.
void Run::startItem(std::shared_ptr<MapProgress> progress) {
  size_t item;
  {
    std::lock_guard lock(progress->mutex);
    if (stopping.stop_requested() || progress->next == progress->results.size())
      return;
    item = progress->next++;
  }
  Inputs inputs = progress->inputs;
  for (const auto &[name, list] : progress->lists)
    inputs[name] = list[item];
  const Running &running = progress->running;
  enter(running, running.step().graphs[0],
        running.path() + "[" + std::to_string(item) + "]", inputs,
        /*isShown=*/false, [this, progress, item](Values values) {
          {
            std::lock_guard lock(progress->mutex);
            progress->results[item] = std::move(values);
            if (--progress->left) {
              if (progress->next < progress->results.size())
                pool.post([this, progress] { startItem(progress); });
              return;
            }
          }
          const Running &running = progress->running;
          Values columns;
          for (size_t port = 0; port < running.step().outputs.size(); ++port) {
            Value::List column;
            for (const Values &row : progress->results)
              column.push_back(row[port]);
            columns.push_back(Value::list(std::move(column)));
          }
          finish(running, std::move(columns));
        });
}

void Run::streamed(const std::string &output, std::string_view piece) {
  std::lock_guard lock(streamMutex);
  if (!firstPiece)
    firstPiece = milliseconds(Clock::now() - origin);
  if (options.onStream)
    options.onStream(output, piece);
}

/// The flow's streamed outputs that show this output of a step: those that read
/// it, and those that show the results of the graph which it is one of.
std::vector<std::string> Run::shownBy(const Running &running,
                                      uint32_t port) const {
  std::vector<std::string> names;
  const Activation &activation = *running.activation;
  auto isRead = [&](const plan::fb::SourceT &source) {
    return source.step == int32_t(running.index) && source.port == port;
  };
  for (const auto &reader : activation.graph->steps) {
    if (reader->kind != StepKind::output || !isRead(*reader->inputs[0]))
      continue;
    const std::string *stream = attributeOf(*reader, "stream");
    if (stream && *stream == "true")
      names.push_back(*attributeOf(*reader, "name"));
  }
  for (size_t result = 0; result < activation.shownBy.size(); ++result)
    if (isRead(*activation.graph->results[result]))
      names.insert(names.end(), activation.shownBy[result].begin(),
                   activation.shownBy[result].end());
  return names;
}

StatusOr<Values> Run::attempt(const Running &running, const Inputs &inputs,
                              StepReport &report, bool &shown) {
  const StepT &step = running.step();
  auto begin = Clock::now();
  if (begin >= running.activation->deadline)
    return Status(Code::DeadlineExceeded,
                  "the time of the step that contains it is over");
  auto timeout =
      step.timeout_ms
          ? Clock::duration(std::chrono::milliseconds(step.timeout_ms))
          : Clock::duration(defaultTimeout);
  StepContext context{runtime,
                      options,
                      step,
                      inputs,
                      report.path,
                      begin,
                      std::min(running.activation->deadline, begin + timeout),
                      stopping.get_token(),
                      report,
                      {}};
  std::vector<std::string> names;
  if (step.kind == StepKind::generate)
    names = shownBy(running, 0);
  if (!names.empty())
    context.onText = [this, names, &shown](std::string_view piece) {
      shown = true;
      for (const std::string &name : names)
        streamed(name, piece);
    };
  std::unique_lock asking(askMutex, std::defer_lock);
  if (step.kind == StepKind::ask)
    asking.lock();
  return runLeafStep(context);
}

void Run::runLeaf(const Running &running) {
  const StepT &step = running.step();
  StepReport report;
  report.path = running.path();
  report.name = step.name;
  report.device = "host";
  if (step.kind == StepKind::generate || step.kind == StepKind::embed ||
      step.kind == StepKind::attribute)
    report.device = runtime.service(size_t(step.service)).device;
  const Inputs inputs = running.activation->inputsOf(step);
  auto stepBegin = Clock::now();
  StatusOr<Values> outcome = Status(Code::Cancelled, "cancelled");
  auto pause = std::chrono::milliseconds(firstPause);
  for (report.attempts = 1;; ++report.attempts) {
    bool shown = false;
    outcome = attempt(running, inputs, report, shown);
    Code code = outcome.status().code();
    bool passing = code == Code::Unavailable || code == Code::DeadlineExceeded;
    // Text that was streamed cannot be taken back for another attempt.
    if (!passing || shown || report.attempts > step.retries)
      break;
    std::mutex sleeping;
    std::unique_lock lock(sleeping);
    std::condition_variable_any woken;
    woken.wait_until(
        lock, stopping.get_token(),
        std::min(Clock::now() + pause, running.activation->deadline),
        [] { return false; });
    if (stopping.stop_requested())
      break;
    pause = std::min(2 * pause, longestPause);
  }
  record(std::move(report), stepBegin);
  if (!outcome.isOk())
    return fail(running, outcome.status());
  finish(running, std::move(*outcome));
}

void Run::record(StepReport report, Clock::time_point stepBegin) {
  auto end = Clock::now();
  report.beginMs = milliseconds(stepBegin - origin);
  report.endMs = milliseconds(end - origin);
  if (Trace *trace = runtime.trace())
    trace->span("step " + report.path, report.name, stepBegin, end,
                {{"device", report.device}, {"attempts", report.attempts}});
  std::lock_guard lock(mutex);
  reports.push_back(std::move(report));
}

StatusOr<RunResult> Run::execute() {
  const plan::fb::PlanT &plan = runtime.plan();
  const StepGraphT &entry = *plan.graphs[plan.entry];
  HETAGON_RETURN_IF_ERROR(checkInputs(plan, options.inputs));
  HETAGON_RETURN_IF_ERROR(runtime.tools().approveAll());

  auto activation = std::make_shared<Activation>();
  activation->graph = &entry;
  activation->shape = &shapes[plan.entry];
  activation->path = entry.name;
  activation->deadline = Clock::time_point::max();
  for (const auto &port : entry.inputs)
    activation->inputs.push_back(options.inputs.at(port->name));
  activation->done = [this](Values values) {
    std::lock_guard lock(mutex);
    outcome = std::move(values);
    ended = Clock::now();
  };
  if (!stopping.stop_requested())
    begin(std::move(activation));
  pool.drain();

  std::lock_guard lock(mutex);
  if (!outcome && options.cancel.stop_requested())
    return Status(Code::Cancelled, "the run was interrupted");
  if (failure)
    return *failure;
  RunResult result;
  result.latencyMs = milliseconds(ended - origin);
  result.ttftMs = firstPiece;
  result.steps = std::move(reports);
  for (size_t i = 0; i < entry.outputs.size(); ++i)
    result.outputs.emplace_back(entry.outputs[i]->name,
                                std::move((*outcome)[i]));
  return result;
}

} // namespace

std::string describeInputs(const plan::fb::PlanT &plan) {
  std::string words;
  for (const auto &port : plan.graphs[plan.entry]->inputs)
    words += (words.empty() ? "" : ", ") + port->name + " (" + port->type + ")";
  return words.empty() ? "none" : words;
}

Status checkInputs(const plan::fb::PlanT &plan,
                   const std::map<std::string, Value> &inputs) {
  const auto &ports = plan.graphs[plan.entry]->inputs;
  for (const auto &[name, value] : inputs)
    if (std::none_of(ports.begin(), ports.end(),
                     [&](const auto &port) { return port->name == name; }))
      return Status(Code::InvalidArgument,
                    "the flow has no input '" + name +
                        "'; its inputs are: " + describeInputs(plan));
  for (const auto &port : ports)
    if (!inputs.count(port->name))
      return Status(Code::InvalidArgument,
                    "the flow needs the input '" + port->name +
                        "': give it as --input " + port->name +
                        "=VALUE; its inputs are: " + describeInputs(plan));
  return Status::ok();
}

StatusOr<RunResult> runPlan(PlanRuntime &runtime, RunOptions options) {
  return Run(runtime, options).execute();
}

} // namespace hetagon
