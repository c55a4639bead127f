// The iterations of continuous batching: admit, form a ragged batch, run it,
// take tokens.
#include "runtime/exec/BatchScheduler.h"
#include <algorithm>
#include <system_error>

namespace hetagon {

using Clock = std::chrono::steady_clock;

namespace {
double millisecondsBetween(Clock::time_point begin, Clock::time_point end) {
  return std::chrono::duration<double, std::milli>(end - begin).count();
}
} // namespace

/// A request on its way: `known` tokens, of which the first `computed` have
/// their keys and values in the cache.
struct BatchScheduler::Sequence {
  Sequence(GenerationRequest asked, PagePool &pool, uint32_t pageTokens)
      : request(std::move(asked)), table(pool, pageTokens),
        known(request.prompt), handle(std::make_shared<Generation>()),
        submitted(Clock::now()) {
    known.insert(known.end(), request.forced.begin(), request.forced.end());
  }

  GenerationRequest request;
  PageTable table;
  std::vector<int32_t> known;
  std::shared_ptr<Generation> handle;
  GenerationResult result;
  uint32_t computed = 0;
  uint32_t tokenLimit = 0; ///< tokens to generate at most
  uint32_t pages = 0;      ///< pages it can need at most
  uint32_t committed = 0;  ///< pages promised to it, once admitted
  bool contextLimited = false;
  bool ended = false;
  Clock::time_point submitted, admitted, firstToken;

  /// Rows that can be computed now. The last token of all is never computed.
  uint32_t missing() const {
    size_t useful = request.prompt.size() + tokenLimit - 1;
    return static_cast<uint32_t>(std::min(known.size(), useful)) - computed;
  }
  /// The first row whose logits are wanted.
  uint32_t firstOutput() const {
    return std::max(computed, static_cast<uint32_t>(request.prompt.size()) - 1);
  }
  Status interrupted() const {
    if (request.cancel.stop_requested() || handle->stop.stop_requested())
      return Status(Code::Cancelled, "the generation was cancelled");
    if (request.deadline && Clock::now() >= *request.deadline)
      return Status(Code::DeadlineExceeded,
                    "the generation took longer than it was given");
    return Status::ok();
  }
};

/// One submission: the arguments of the decoder protocol and whose rows they
/// are.
struct BatchScheduler::Batch {
  struct Part {
    Sequence *sequence;
    uint32_t rows, firstOutput, outputs; ///< firstOutput: index into outRows
  };
  std::vector<Part> parts;
  std::vector<int32_t> tokens, positions, rowSeq, pageTable, outRows;
  std::vector<float> logits;
  uint32_t prefillRows = 0;

  /// Adds the next `rows` rows of a sequence, whose table has room for them.
  void add(Sequence &sequence, uint32_t rows, uint32_t maxPages) {
    auto seq = static_cast<int32_t>(parts.size());
    uint32_t begin = sequence.computed, end = begin + rows;
    uint32_t wanted =
        std::max(end, sequence.firstOutput()) - sequence.firstOutput();
    parts.push_back(
        {&sequence, rows, static_cast<uint32_t>(outRows.size()), wanted});
    for (uint32_t i = begin; i < end; ++i) {
      if (i >= sequence.firstOutput())
        outRows.push_back(static_cast<int32_t>(tokens.size()));
      tokens.push_back(sequence.known[i]);
      positions.push_back(static_cast<int32_t>(i));
      rowSeq.push_back(seq);
    }
    std::span<const uint32_t> pages = sequence.table.pages();
    pageTable.insert(pageTable.end(), pages.begin(), pages.end());
    pageTable.resize(size_t(seq + 1) * maxPages, 0);
  }
};

StatusOr<std::unique_ptr<BatchScheduler>>
BatchScheduler::create(std::shared_ptr<ServiceInstance> service,
                       BatchOptions options) {
  if (service->plan().kind != plan::fb::ServiceKind::decoder)
    return Status(Code::InvalidArgument,
                  "service '" + service->name() + "' is no decoder");
  HETAGON_ASSIGN_OR_RETURN(std::unique_ptr<ProgramRunner> runner,
                           ProgramRunner::create(std::move(service)));
  std::unique_ptr<BatchScheduler> scheduler(
      new BatchScheduler(std::move(runner), std::move(options)));
  try {
    scheduler->thread = std::jthread(
        [self = scheduler.get()](std::stop_token stop) { self->serve(stop); });
  } catch (const std::system_error &) {
    return Status(Code::ResourceExhausted, "no thread for service '" +
                                               scheduler->service().name() +
                                               "'");
  }
  return scheduler;
}

BatchScheduler::BatchScheduler(std::unique_ptr<ProgramRunner> owned,
                               BatchOptions chosen)
    : runner(std::move(owned)), options(std::move(chosen)),
      pageTokens(runner->service().plan().kv->page_tokens),
      pool(runner->service().kvPages()) {
  if (options.chunkTokens == 0)
    options.chunkTokens = runner->service().plan().max_rows;
  count.pages = pool.capacity();
}

BatchScheduler::~BatchScheduler() = default;

BatchCounts BatchScheduler::counts() const {
  std::lock_guard lock(mutex);
  BatchCounts now = count;
  now.pagesInUse = pool.capacity() - pool.freePages();
  return now;
}

Status BatchScheduler::checkRequest(const GenerationRequest &request) const {
  const plan::fb::ServiceT &plan = service().plan();
  auto invalid = [&](std::string what) {
    return Status(Code::InvalidArgument,
                  "service '" + plan.name + "': " + std::move(what));
  };
  if (request.prompt.empty())
    return invalid("the prompt is empty");
  if (request.maxTokens == 0)
    return invalid("max_tokens is 0");
  if (request.prompt.size() > plan.context_tokens)
    return invalid("the prompt has " + std::to_string(request.prompt.size()) +
                   " tokens; the context holds " +
                   std::to_string(plan.context_tokens));
  if (request.forced.size() > request.maxTokens ||
      request.prompt.size() - 1 + request.forced.size() > plan.context_tokens)
    return invalid("more forced tokens than max_tokens or the context allow");
  for (const std::vector<int32_t> *tokens : {&request.prompt, &request.forced})
    for (int32_t token : *tokens)
      if (token < 0 || uint32_t(token) >= plan.vocabulary)
        return invalid("token " + std::to_string(token) +
                       " is outside the vocabulary of " +
                       std::to_string(plan.vocabulary));
  return request.sampling.check();
}

StatusOr<std::shared_ptr<Generation>>
BatchScheduler::submit(GenerationRequest request) {
  HETAGON_RETURN_IF_ERROR(checkRequest(request));
  auto sequence =
      std::make_unique<Sequence>(std::move(request), pool, pageTokens);
  // The token after position p is chosen without being computed, so a full
  // context still gives one.
  uint64_t prompt = sequence->request.prompt.size();
  uint64_t room = service().plan().context_tokens - prompt + 1;
  sequence->contextLimited = sequence->request.maxTokens > room;
  sequence->tokenLimit = static_cast<uint32_t>(
      std::min<uint64_t>(sequence->request.maxTokens, room));
  sequence->pages =
      PageTable::pagesFor(prompt + sequence->tokenLimit - 1, pageTokens);
  if (sequence->pages > pool.capacity())
    return Status(Code::ResourceExhausted,
                  "service '" + service().name() + "': the request can need " +
                      std::to_string(sequence->pages) +
                      " pages; the KV pool has " +
                      std::to_string(pool.capacity()) +
                      " (lower max_tokens or enlarge the pool)");
  std::shared_ptr<Generation> handle = sequence->handle;
  {
    std::lock_guard lock(mutex);
    HETAGON_RETURN_IF_ERROR(failure);
    waiting.push_back(std::move(sequence));
    ++count.requests;
  }
  arrived.notify_all();
  return handle;
}

StatusOr<GenerationResult> BatchScheduler::generate(GenerationRequest request) {
  HETAGON_ASSIGN_OR_RETURN(std::shared_ptr<Generation> handle,
                           submit(std::move(request)));
  return handle->wait();
}

void BatchScheduler::serve(std::stop_token stop) {
  SequenceList running;
  Status end = Status(Code::Cancelled,
                      "service '" + service().name() + "' was shut down");
  for (;;) {
    if (running.empty()) {
      std::unique_lock lock(mutex);
      arrived.wait(lock, stop, [this] { return !waiting.empty(); });
    }
    if (stop.stop_requested())
      break;
    admit(running);
    if (running.empty())
      continue;

    Batch batch;
    StepRecord record;
    record.begin = Clock::now();
    Status status = form(running, batch);
    if (status.isOk())
      status = execute(batch);
    record.end = Clock::now();
    if (!status.isOk()) {
      status = status.withContext("service '" + service().name() + "'");
      bool lost = !service().device().status().isOk() ||
                  status.code() == Code::DeviceLost ||
                  status.code() == Code::DeadlineExceeded;
      if (lost) {
        end = status;
        break;
      }
      for (Batch::Part &part : batch.parts)
        finish(*part.sequence, status);
      std::erase_if(running, [](const auto &s) { return s->ended; });
      continue;
    }
    advance(batch);
    std::erase_if(running, [](const auto &s) { return s->ended; });
    record.rows = static_cast<uint32_t>(batch.tokens.size());
    record.sequences = static_cast<uint32_t>(batch.parts.size());
    record.outputs = static_cast<uint32_t>(batch.outRows.size());
    record.prefillRows = batch.prefillRows;
    if (options.onStep)
      options.onStep(record);
  }

  std::deque<std::unique_ptr<Sequence>> left;
  {
    std::lock_guard lock(mutex);
    failure = end;
    left.swap(waiting);
  }
  for (auto &sequence : running)
    finish(*sequence, end);
  for (auto &sequence : left)
    finish(*sequence, end);
}

void BatchScheduler::admit(SequenceList &running) {
  for (auto &sequence : running)
    if (Status status = sequence->interrupted(); !status.isOk())
      finish(*sequence, status);
  std::erase_if(running, [](const auto &s) { return s->ended; });

  std::vector<std::unique_ptr<Sequence>> dropped;
  {
    std::lock_guard lock(mutex);
    for (auto &sequence : waiting)
      if (!sequence->interrupted().isOk())
        dropped.push_back(std::move(sequence));
    std::erase(waiting, nullptr);
    while (!waiting.empty() &&
           int64_t(running.size()) < service().limits().seqs &&
           committedPages + waiting.front()->pages <= pool.capacity()) {
      running.push_back(std::move(waiting.front()));
      waiting.pop_front();
      running.back()->committed = running.back()->pages;
      committedPages += running.back()->committed;
      running.back()->admitted = Clock::now();
    }
  }
  for (auto &sequence : dropped)
    finish(*sequence, sequence->interrupted());
}

Status BatchScheduler::form(SequenceList &running, Batch &batch) {
  const SymbolValues &limits = service().limits();
  auto maxPages = static_cast<uint32_t>(limits.maxPages);
  std::vector<PageCopy> copies;
  auto add = [&](Sequence &sequence, uint32_t rows) -> Status {
    HETAGON_ASSIGN_OR_RETURN(std::vector<PageCopy> made,
                             sequence.table.extend(rows));
    copies.insert(copies.end(), made.begin(), made.end());
    batch.add(sequence, rows, maxPages);
    return Status::ok();
  };

  for (auto &sequence : running)
    if (sequence->missing() == 1)
      HETAGON_RETURN_IF_ERROR(add(*sequence, 1));
  auto rowsLeft = static_cast<uint32_t>(limits.rows) -
                  static_cast<uint32_t>(batch.tokens.size());
  rowsLeft = std::min(rowsLeft, options.chunkTokens);
  for (auto &sequence : running) {
    if (sequence->missing() <= 1)
      continue;
    auto outsLeft = static_cast<uint32_t>(limits.outs) -
                    static_cast<uint32_t>(batch.outRows.size());
    uint32_t beforeOutputs = sequence->firstOutput() - sequence->computed;
    uint32_t rows =
        std::min({sequence->missing(), rowsLeft, beforeOutputs + outsLeft});
    if (rows == 0)
      continue;
    HETAGON_RETURN_IF_ERROR(add(*sequence, rows));
    rowsLeft -= rows;
    batch.prefillRows += rows;
  }
  return runner->copyPages(copies);
}

Status BatchScheduler::execute(Batch &batch) {
  // No dimension may be empty: a batch that wants no logits takes its last
  // row's.
  std::vector<int32_t> outRows = batch.outRows;
  if (outRows.empty())
    outRows.push_back(static_cast<int32_t>(batch.tokens.size()) - 1);
  SymbolValues symbols;
  symbols.rows = static_cast<int64_t>(batch.tokens.size());
  symbols.seqs = static_cast<int64_t>(batch.parts.size());
  symbols.outs = static_cast<int64_t>(outRows.size());
  const ProgramRunner::Input inputs[] = {
      {"tokens", bytesOf(std::as_const(batch.tokens))},
      {"positions", bytesOf(std::as_const(batch.positions))},
      {"row_seq", bytesOf(std::as_const(batch.rowSeq))},
      {"page_table", bytesOf(std::as_const(batch.pageTable))},
      {"out_rows", bytesOf(std::as_const(outRows))}};
  std::vector<ProgramRunner::Output> outputs;
  if (!batch.outRows.empty()) {
    batch.logits.resize(outRows.size() * service().plan().vocabulary);
    outputs.push_back({"logits", bytesOf(batch.logits)});
  }
  return runner->run(symbols, inputs, outputs);
}

void BatchScheduler::advance(Batch &batch) {
  size_t vocabulary = service().plan().vocabulary;
  std::span<const float> logits = batch.logits;
  uint64_t promptRows = 0, taken = 0;
  for (Batch::Part &part : batch.parts) {
    Sequence &sequence = *part.sequence;
    auto prompt = static_cast<uint32_t>(sequence.request.prompt.size());
    promptRows += std::min(sequence.computed + part.rows, prompt) -
                  std::min(sequence.computed, prompt);
    sequence.computed += part.rows;
    for (uint32_t i = 0; i < part.outputs && !sequence.ended; ++i) {
      uint32_t row = sequence.computed - part.outputs + i;
      Status status = takeToken(
          sequence, row + 1,
          logits.subspan((part.firstOutput + i) * vocabulary, vocabulary));
      if (!status.isOk())
        finish(sequence,
               status.withContext("service '" + service().name() + "'"));
      else
        ++taken;
    }
  }
  std::lock_guard lock(mutex);
  ++count.iterations;
  count.rows += batch.tokens.size();
  count.promptTokens += promptRows;
  count.generatedTokens += taken;
}

Status BatchScheduler::takeToken(Sequence &sequence, uint32_t position,
                                 std::span<const float> logits) {
  const GenerationRequest &request = sequence.request;
  GenerationResult &result = sequence.result;
  GeneratedToken token;
  token.index = position - static_cast<uint32_t>(request.prompt.size());
  if (request.onLogits)
    request.onLogits(token.index, logits);
  bool forced = position < sequence.known.size();
  if (forced) {
    token.id = sequence.known[position];
  } else {
    HETAGON_ASSIGN_OR_RETURN(
        token.id, sampler.sample(logits, request.sampling, position));
    sequence.known.push_back(token.id);
  }
  if (request.logProbabilities) {
    HETAGON_ASSIGN_OR_RETURN(token.logProbability,
                             sampler.logProbability(logits, token.id));
    result.logProbabilities.push_back(*token.logProbability);
  }
  if (request.topLogProbabilities) {
    HETAGON_ASSIGN_OR_RETURN(token.top,
                             sampler.top(logits, request.topLogProbabilities));
    if (token.index == 0)
      result.firstTop = token.top;
  }

  Clock::time_point now = Clock::now();
  GenerationTimes &times = result.times;
  if (result.tokens.empty()) {
    sequence.firstToken = now;
    times.queuedMs = millisecondsBetween(sequence.submitted, sequence.admitted);
    times.prefillMs = millisecondsBetween(sequence.admitted, now);
    times.ttftMs = millisecondsBetween(sequence.submitted, now);
  }
  times.decodeMs = millisecondsBetween(sequence.firstToken, now);
  times.tokenMs.push_back(millisecondsBetween(sequence.submitted, now));
  result.tokens.push_back(token.id);
  if (request.onToken)
    request.onToken(token);

  bool stops = !forced && !request.ignoreStopTokens &&
               std::find(request.stopTokens.begin(), request.stopTokens.end(),
                         token.id) != request.stopTokens.end();
  if (stops || result.tokens.size() == sequence.tokenLimit) {
    result.finish = stops                     ? FinishReason::Stop
                    : sequence.contextLimited ? FinishReason::Context
                                              : FinishReason::Length;
    finish(sequence, std::move(result));
  }
  return Status::ok();
}

void BatchScheduler::finish(Sequence &sequence,
                            StatusOr<GenerationResult> outcome) {
  sequence.ended = true;
  sequence.table.truncate(0);
  committedPages -= std::exchange(sequence.committed, 0);
  {
    std::lock_guard lock(sequence.handle->mutex);
    sequence.handle->outcome = std::move(outcome);
  }
  sequence.handle->done.notify_all();
}

} // namespace hetagon
