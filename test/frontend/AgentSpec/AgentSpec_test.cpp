// The reader on small documents of our own: what it makes of good ones, and
// where and how it refuses bad ones.
#include "frontend/AgentSpec/AgentSpec.h"
#include "runtime/base/File.h"
#include <gtest/gtest.h>

using namespace hetagon;

namespace {

const std::string samples = HETAGON_TEST_DATA "/agentspec/";

struct Reading {
  std::unique_ptr<AgentSpec> spec;
  Diagnostics diagnostics;
};

Reading readFrom(const std::string &text, const char *file = "f.yaml") {
  Reading reading;
  reading.spec = readAgentSpecText(text, file, reading.diagnostics);
  EXPECT_EQ(reading.spec == nullptr, reading.diagnostics.hasErrors());
  return reading;
}

/// A sample with `from` replaced by `to` (once; it must be there).
std::string mutated(const std::string &sample, const std::string &from,
                    const std::string &to) {
  std::string text = *readFile(samples + sample);
  size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

} // namespace

TEST(AgentSpec, ReadsTheExample) {
  Diagnostics diagnostics;
  auto spec = readAgentSpec(
      HETAGON_TEST_DATA "/../../examples/rag-qa/flow.yaml", diagnostics);
  ASSERT_TRUE(spec) << diagnostics.str();
  EXPECT_TRUE(diagnostics.all().empty()) << diagnostics.str();
  const Component &flow = spec->root();
  ASSERT_EQ(flow.type->name, "Flow");
  ASSERT_EQ(flow.all("nodes").size(), 7u);
  ASSERT_EQ(flow.inputs.size(), 1u);
  EXPECT_EQ(flow.inputs[0].title, "question");
  EXPECT_TRUE(flow.output("citations"));
  const Component &time = *flow.all("nodes")[3];
  EXPECT_EQ(time.child("tool")->child("client_transport")->text("command"),
            "mcp-server-time");
  EXPECT_EQ(time.inputs[0].title, "timezone");
}

struct Refusal {
  const char *sample, *from, *to, *where, *what;
};

class Refusals : public testing::TestWithParam<Refusal> {};

TEST_P(Refusals, AreLocatedAndExplained) {
  const Refusal &param = GetParam();
  Reading reading = readFrom(mutated(param.sample, param.from, param.to));
  EXPECT_FALSE(reading.spec);
  std::string text = reading.diagnostics.str();
  EXPECT_NE(text.find(param.what), std::string::npos) << text;
  EXPECT_NE(text.find(std::string("f.yaml:") + param.where + ": error"),
            std::string::npos)
      << text;
}

INSTANTIATE_TEST_SUITE_P(
    AgentSpec, Refusals,
    testing::Values(
        Refusal{"flow.yaml", "component_type: LlmNode",
                "component_type: LlmNod", "56:21", "did you mean 'LlmNode'"},
        Refusal{"flow.yaml", "component_type: LlmNode", "component_type: Node",
                "56:21", "abstract"},
        Refusal{"flow.yaml", "    name: shorten\n", "", "56:5",
                "has no 'name'"},
        Refusal{"flow.yaml", "{{text}}", "{{txt}}", "64:14",
                "has no use for the input 'text'"},
        Refusal{"flow.yaml", "source_output: summary", "source_output: sumary",
                "42:20", "did you mean 'summary'"},
        Refusal{"flow.yaml", "destination_input: flag",
                "destination_input: flags", "50:24", "did you mean 'flag'"},
        Refusal{"flow.yaml", "to_node: {$component_ref: shorten}",
                "to_node: {$component_ref: shortn}", "15:32",
                "did you mean 'shorten'"},
        Refusal{"flow.yaml", "  - {$component_ref: shorten}\n", "", "14:15",
                "not among the nodes"},
        Refusal{"flow.yaml", "agentspec_version: 26.3.1",
                "agentspec_version: 27.1.0", "1:20", "newer"},
        Refusal{"flow.yaml", "agentspec_version: 26.3.1",
                "agentspec_version: 25.4.1", "57:17", "needs"},
        Refusal{"flow.yaml", "temperature: 0.5", "temperature: warm", "61:63",
                "must be a number"},
        Refusal{"flow.yaml", "type: boolean}", "type: bool}", "66:35",
                "did you mean 'boolean'"},
        Refusal{"flow.yaml", "title: flag, type: boolean",
                "title: flag, type: array", "45:5", "which cannot take it"},
        Refusal{"flow.yaml", "title: summary", "title: the summary", "65:23",
                "holds a blank"},
        Refusal{"flow.yaml", "start_node: {$component_ref: start}",
                "start_node: {$component_ref: shorten}", "5:13",
                "start_node is not the StartNode"}));

TEST(AgentSpec, ReportsSeveralErrorsInOneRun) {
  std::string text =
      mutated("flow.yaml", "source_output: summary", "source_output: sumary");
  text.replace(text.find("temperature: 0.5"), 16, "temperature: hot");
  Reading reading = readFrom(text);
  EXPECT_GE(reading.diagnostics.all().size(), 1u);
}

TEST(AgentSpec, NamesWhatOtherFormatsLookLike) {
  auto mentions = [](const char *text, const char *file, const char *word) {
    Reading reading = readFrom(text, file);
    std::string found = reading.diagnostics.str();
    EXPECT_NE(found.find(word), std::string::npos) << found;
  };
  mentions("app: {mode: workflow}\nkind: app\nworkflow: {}\n", "f.yaml",
           "Dify");
  mentions(R"({"nodes": [{"id": "a", "data": {}, "position": {}}],
               "edges": []})",
           "f.json", "Flowise");
  mentions(R"({"nodes": [], "connections": {}})", "f.json", "n8n");
  mentions("$referenced_components: {}\n", "f.yaml", "no component to run");
}

TEST(AgentSpec, WarnsOfWhatPyagentspecLetsPass) {
  Reading reading =
      readFrom(mutated("flow.yaml", "from_branch: short", "from_branch: shrt"));
  ASSERT_TRUE(reading.spec) << reading.diagnostics.str();
  std::string text = reading.diagnostics.str();
  EXPECT_NE(text.find("did you mean 'short'"), std::string::npos) << text;
  EXPECT_NE(text.find("'short' of BranchingNode 'size' leads nowhere"),
            std::string::npos)
      << text;
}

TEST(AgentSpec, FindsPlaceholdersAsPythonDoes) {
  EXPECT_EQ(placeholders("a {{x}} {{ y }} {{x}} {{a b}} {{{z}}} {{}}"),
            (std::vector<std::string>{"x", "y", "z"}));
}
