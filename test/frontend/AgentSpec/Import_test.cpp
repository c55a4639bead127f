// The importer on small flows of our own: what graph comes out, where its
// operations say they come from, and what is refused where.
#include "dialects/Agent/IR/Agent.h"
#include "frontend/AgentSpec/Import.h"
#include "runtime/base/File.h"
#include "llvm/Support/raw_ostream.h"
#include <gtest/gtest.h>

using namespace hetagon;

namespace {

struct Imported {
  std::unique_ptr<mlir::MLIRContext> context;
  std::unique_ptr<Workflow> workflow;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::string errors, text;
};

Imported import(const std::string &path) {
  Imported result;
  result.context = std::make_unique<mlir::MLIRContext>(
      mlir::MLIRContext::Threading::DISABLED);
  Diagnostics diagnostics;
  result.workflow = readWorkflow(path, {}, diagnostics);
  EXPECT_TRUE(result.workflow) << diagnostics.str();
  if (!result.workflow)
    return result;
  mlir::ScopedDiagnosticHandler handler(
      result.context.get(), [&](mlir::Diagnostic &diagnostic) {
        llvm::raw_string_ostream out(result.errors);
        out << diagnostic.getLocation() << ": " << diagnostic << "\n";
        for (mlir::Diagnostic &note : diagnostic.getNotes())
          out << "  " << note << "\n";
        return mlir::success();
      });
  result.module = importWorkflow(*result.workflow, *result.context);
  if (result.module) {
    llvm::raw_string_ostream out(result.text);
    result.module->print(out);
  }
  return result;
}

std::string sample(const std::string &name) {
  return HETAGON_TEST_DATA "/agentspec/" + name;
}

/// Imports a sample in which each first text is replaced by the second.
Imported
importWith(const std::string &name,
           std::initializer_list<std::pair<std::string, std::string>> changes) {
  std::string text = *readFile(sample(name));
  for (const auto &[from, to] : changes) {
    size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    if (at != std::string::npos)
      text.replace(at, from.size(), to);
  }
  std::string path = testing::TempDir() + "/import.yaml";
  EXPECT_TRUE(writeFileAtomically(path, std::string_view(text)).isOk());
  return import(path);
}

void expectIn(const Imported &imported,
              std::initializer_list<const char *> all) {
  ASSERT_TRUE(imported.module) << imported.errors;
  size_t at = 0;
  for (const char *part : all) {
    size_t found = imported.text.find(part, at);
    EXPECT_NE(found, std::string::npos)
        << "no '" << part << "' after byte " << at << " of\n"
        << imported.text;
    if (found != std::string::npos)
      at = found;
  }
}

void expectRefused(const Imported &imported, const char *place,
                   const char *what) {
  EXPECT_FALSE(imported.module);
  EXPECT_NE(imported.errors.find(place), std::string::npos) << imported.errors;
  EXPECT_NE(imported.errors.find(what), std::string::npos) << imported.errors;
}

} // namespace

TEST(Import, Example) {
  Imported imported = import(HETAGON_TEST_DATA "/../../examples/rag-qa");
  expectIn(imported,
           {"agent.data_class @public zones []",
            "agent.model @smollm2_135m_instruct id \"smollm2-135m-instruct\"",
            "agent.documents @documents source \"documents\" class @public",
            "agent.tool_server @time_server stdio [\"mcp-server-time\", "
            "\"--local-timezone\", \"Etc/UTC\"]",
            "named \"get_current_time\"", "agent.graph @rag_qa(\"question\"",
            "agent.generate \"rewrite\" @smollm2_135m_instruct(\"question\"",
            "agent.retrieve \"retrieve\" @documents by @all_minilm_l6_v2",
            "agent.constant \"Etc/UTC\"", "agent.tool_call \"time\"",
            "effects <reads = [@clock], writes = []>",
            "agent.generate \"answer\"", "!agent.stream<!agent.text>",
            "agent.attribute \"attribute\"",
            "agent.require \"r0\" \"ttft\" max",
            "agent.objective minimize \"latency\"", "agent.output"});
  // Everything points into the user's file.
  imported.module->walk([&](mlir::Operation *op) {
    auto loc = mlir::dyn_cast<mlir::FileLineColLoc>(op->getLoc());
    ASSERT_TRUE(loc);
    EXPECT_TRUE(loc.getFilename().getValue().ends_with("flow.yaml"));
    EXPECT_GT(loc.getLine(), 0u);
  });
  std::string again = import(HETAGON_TEST_DATA "/../../examples/rag-qa").text;
  EXPECT_EQ(imported.text, again);
}

TEST(Import, BranchesBecomeRoutes) {
  expectIn(import(sample("branch.yaml")),
           {"agent.route \"mood\" branch on", "-> (!agent.text, !agent.text)",
            "case \"angry\" {", "agent.generate \"calm\"", "agent.yield",
            "default {", "agent.yield", "agent.generate \"sign\"",
            "agent.output"});
}

TEST(Import, BranchesMayEndTheFlow) {
  expectRefused(import(sample("flow.yaml")), "flow.yaml\":65:14",
                "ask for one output of type object");
  expectIn(importWith("flow.yaml",
                      {{",\n              {title: flag, type: boolean}", ""},
                       {"source_output: flag", "source_output: summary"},
                       {"destination_input: flag", "destination_input: text"}}),
           {"agent.route \"size\" branch on", "case \"small\" {",
            "agent.constant \"\" : !agent.text", "default {",
            "agent.generate \"shorten\"", "agent.output"});
}

TEST(Import, SubflowsAndMapsBecomeGraphs) {
  expectIn(import(sample("map.yaml")),
           {"agent.graph @map_and_call", "agent.map \"each\"",
            "agent.call \"each.each\" @greet(", "agent.yield",
            "agent.call \"one\" @greet_2(", "agent.graph private @greet(",
            "sample_key \"write\"", "agent.graph private @greet_2("});
}

TEST(Import, RefusesWhatItCannotExpress) {
  expectRefused(importWith("branch.yaml", {{"to_node: {$component_ref: sign}",
                                            "to_node: {$component_ref: "
                                            "mood}"}}),
                "import.yaml", "loops are not imported yet");
  expectRefused(importWith("branch.yaml", {{"component_type: MCPTool",
                                            "component_type: ServerTool"}}),
                "import.yaml", "is not in the workflow");
  expectRefused(importWith("branch.yaml",
                           {{"component_type: LlmConfig",
                             "component_type: OpenAiConfig, api_key: abc"}}),
                "import.yaml", "secret:NAME");
}

TEST(Import, AgentsAreNotFlows) {
  expectRefused(import(sample("agent.yaml")), "agent.yaml\":1:1",
                "only flows are compiled so far");
}
