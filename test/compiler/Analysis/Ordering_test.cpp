// Random blocks of tool calls: every pair that must keep its order does, by
// data or by an edge, and no edge could be left out.
#include "compiler/Analysis/Ordering.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Parser/Parser.h"
#include <gtest/gtest.h>
#include <random>

using namespace mlir;
using namespace hetagon;

namespace {

struct Call {
  bool isStated = false;
  std::set<int> reads, writes; ///< resources; -1 is the world
  int operand = -1;            ///< an earlier call, or none

  bool touches(const std::set<int> &mine, const std::set<int> &others) const {
    for (int a : mine)
      for (int b : others)
        if (a == b || a == -1 || b == -1)
          return true;
    return false;
  }
  bool mustFollow(const Call &earlier) const {
    if (touches(writes, earlier.writes) || touches(writes, earlier.reads) ||
        touches(reads, earlier.writes))
      return true;
    return !writes.empty() && !(isStated && earlier.isStated);
  }
};

std::string list(const std::set<int> &resources) {
  std::string text;
  for (int resource : resources)
    text += (text.empty() ? "@r" : ", @r") + std::to_string(resource);
  return "[" + text + "]";
}

std::string source(const std::vector<Call> &calls) {
  std::string text = "agent.resource @r0\nagent.resource @r1\n"
                     "agent.resource @r2\nagent.tool @t named \"t\"\n"
                     "agent.graph @g() -> () {\n";
  for (size_t i = 0; i < calls.size(); ++i) {
    const Call &call = calls[i];
    text += "  %c" + std::to_string(i) + " = agent.tool_call \"n" +
            std::to_string(i) + "\" @t(";
    if (call.operand >= 0)
      text += "\"x\" = %c" + std::to_string(call.operand) + " : !agent.json";
    text += ") -> (\"y\": !agent.json)";
    if (call.isStated)
      text += " effects <reads = " + list(call.reads) +
              ", writes = " + list(call.writes) + ">";
    text += "\n";
  }
  return text + "  agent.output\n}\n";
}

std::vector<Call> randomCalls(std::mt19937 &random) {
  std::vector<Call> calls(2 + random() % 9);
  for (size_t i = 0; i < calls.size(); ++i) {
    Call &call = calls[i];
    if (i > 0 && random() % 3 == 0)
      call.operand = int(random() % i);
    call.isStated = random() % 6 != 0;
    if (!call.isStated) {
      call.reads = call.writes = {-1};
      continue;
    }
    for (int resource = 0; resource < 3; ++resource) {
      if (random() % 4 == 0)
        call.reads.insert(resource);
      if (random() % 5 == 0)
        call.writes.insert(resource);
    }
  }
  return calls;
}

/// reach[j][i]: call i finishes before call j starts.
using Reach = std::vector<std::vector<bool>>;

Reach closure(const std::vector<Call> &calls,
              const std::vector<std::pair<size_t, size_t>> &edges) {
  size_t n = calls.size();
  Reach reach(n, std::vector<bool>(n));
  for (size_t j = 0; j < n; ++j) {
    auto follow = [&](size_t i) {
      reach[j][i] = true;
      for (size_t k = 0; k < n; ++k)
        reach[j][k] = reach[j][k] || reach[i][k];
    };
    if (calls[j].operand >= 0)
      follow(size_t(calls[j].operand));
    for (auto [later, earlier] : edges)
      if (later == j)
        follow(earlier);
  }
  return reach;
}

} // namespace

TEST(Ordering, KeepsWhatMustBeKeptWithTheFewestEdges) {
  MLIRContext context(MLIRContext::Threading::DISABLED);
  context.loadDialect<agent::AgentDialect>();
  std::mt19937 random(1);
  size_t total = 0;
  for (int round = 0; round < 1500; ++round) {
    std::vector<Call> calls = randomCalls(random);
    std::string text = source(calls);
    OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(text, &context);
    ASSERT_TRUE(module) << text;
    auto graph = *module->getOps<agent::GraphOp>().begin();
    Ordering ordering(graph.getEntry());

    llvm::DenseMap<Operation *, size_t> indices;
    for (auto call : graph.getOps<agent::ToolCallOp>())
      indices.try_emplace(call, indices.size());
    std::vector<std::pair<size_t, size_t>> edges;
    for (auto call : graph.getOps<agent::ToolCallOp>())
      for (Operation *earlier : ordering.before(call))
        edges.push_back({indices[call], indices[earlier]});
    total += edges.size();

    Reach reach = closure(calls, edges);
    for (size_t j = 0; j < calls.size(); ++j)
      for (size_t i = 0; i < j; ++i)
        if (calls[j].mustFollow(calls[i]))
          ASSERT_TRUE(reach[j][i]) << j << " may overtake " << i << text;
    for (size_t k = 0; k < edges.size(); ++k) {
      auto [later, earlier] = edges[k];
      ASSERT_TRUE(calls[later].mustFollow(calls[earlier])) << text;
      auto fewer = edges;
      fewer.erase(fewer.begin() + long(k));
      ASSERT_FALSE(closure(calls, fewer)[later][earlier])
          << later << " after " << earlier << " is said twice" << text;
    }
  }
  EXPECT_GT(total, 1000u);
}
