// Packing of sequences into submissions of an encoder.
#include "runtime/exec/EmbeddingService.h"
#include <algorithm>

namespace hetagon {

StatusOr<std::unique_ptr<EmbeddingService>>
EmbeddingService::create(std::shared_ptr<ServiceInstance> service) {
  if (service->plan().kind != plan::fb::ServiceKind::encoder)
    return Status(Code::InvalidArgument,
                  "service '" + service->name() + "' is no encoder");
  HETAGON_ASSIGN_OR_RETURN(std::unique_ptr<ProgramRunner> runner,
                           ProgramRunner::create(std::move(service)));
  return std::unique_ptr<EmbeddingService>(
      new EmbeddingService(std::move(runner)));
}

uint32_t EmbeddingService::maxTokens() const {
  return std::min(service().plan().context_tokens, service().plan().max_rows);
}

namespace {
/// The arguments of one submission.
struct Packed {
  std::vector<int32_t> tokens, positions, rowBegin, rowEnd, segments;

  void add(std::span<const int32_t> sequence) {
    auto begin = static_cast<int32_t>(tokens.size());
    auto end = static_cast<int32_t>(begin + sequence.size());
    for (size_t i = 0; i < sequence.size(); ++i) {
      tokens.push_back(sequence[i]);
      positions.push_back(static_cast<int32_t>(i));
      rowBegin.push_back(begin);
      rowEnd.push_back(end);
    }
    segments.insert(segments.end(), {begin, end});
  }
};
} // namespace

StatusOr<std::vector<Embedding>>
EmbeddingService::embed(std::span<const std::vector<int32_t>> sequences,
                        const EmbeddingOptions &options) {
  const plan::fb::ServiceT &plan = service().plan();
  const size_t limit = maxTokens();
  const size_t tail = std::min<size_t>(options.keepTail, limit);
  std::vector<Embedding> results;
  std::vector<std::vector<int32_t>> cut;
  for (const std::vector<int32_t> &sequence : sequences) {
    if (sequence.empty())
      return Status(Code::InvalidArgument, "an empty sequence to embed");
    for (int32_t token : sequence)
      if (token < 0 || (plan.vocabulary && uint32_t(token) >= plan.vocabulary))
        return Status(Code::InvalidArgument,
                      "token " + std::to_string(token) +
                          " is outside the vocabulary of service '" +
                          plan.name + "'");
    std::vector<int32_t> kept = sequence;
    if (kept.size() > limit) {
      std::copy(kept.end() - tail, kept.end(), kept.begin() + (limit - tail));
      kept.resize(limit);
    }
    results.push_back({{},
                       static_cast<uint32_t>(kept.size()),
                       kept.size() < sequence.size()});
    cut.push_back(std::move(kept));
  }

  std::lock_guard lock(mutex);
  const SymbolValues &limits = service().limits();
  for (size_t next = 0; next < cut.size();) {
    if (options.cancel.stop_requested())
      return Status(Code::Cancelled, "embedding was cancelled");
    if (options.deadline &&
        std::chrono::steady_clock::now() >= *options.deadline)
      return Status(Code::DeadlineExceeded,
                    "embedding took longer than it was given");
    Packed batch;
    size_t begin = next;
    while (next < cut.size() && int64_t(next - begin) < limits.seqs &&
           int64_t(batch.tokens.size() + cut[next].size()) <= limits.rows)
      batch.add(cut[next++]);
    std::vector<float> values((next - begin) * plan.embedding_size);
    SymbolValues symbols;
    symbols.rows = static_cast<int64_t>(batch.tokens.size());
    symbols.seqs = static_cast<int64_t>(next - begin);
    const ProgramRunner::Input inputs[] = {
        {"tokens", bytesOf(std::as_const(batch.tokens))},
        {"positions", bytesOf(std::as_const(batch.positions))},
        {"row_begin", bytesOf(std::as_const(batch.rowBegin))},
        {"row_end", bytesOf(std::as_const(batch.rowEnd))},
        {"segments", bytesOf(std::as_const(batch.segments))}};
    const ProgramRunner::Output outputs[] = {{"embedding", bytesOf(values)}};
    HETAGON_RETURN_IF_ERROR(runner->run(symbols, inputs, outputs)
                                .withContext("service '" + plan.name + "'"));
    for (size_t i = begin; i < next; ++i) {
      auto row = values.begin() + (i - begin) * plan.embedding_size;
      results[i].values.assign(row, row + plan.embedding_size);
    }
  }
  return results;
}

} // namespace hetagon
