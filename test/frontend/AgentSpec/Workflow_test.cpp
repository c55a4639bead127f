// Documents together with the demands on them.
#include "frontend/AgentSpec/Workflow.h"
#include "runtime/base/File.h"
#include <filesystem>
#include <gtest/gtest.h>

using namespace hetagon;

namespace {

const std::string example = HETAGON_TEST_DATA "/../../examples/rag-qa";

std::string write(const std::string &name, const std::string &text) {
  std::string path = testing::TempDir() + "/" + name;
  EXPECT_TRUE(writeFileAtomically(path, std::string_view(text)).isOk());
  return path;
}

std::string exampleWith(const std::string &from, const std::string &to) {
  std::string text = *readFile(example + "/flow.yaml");
  size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return write("flow-with.yaml", text.replace(at, from.size(), to));
}

void expectError(const std::string &path, const std::string &requirements,
                 const std::string &what) {
  Diagnostics diagnostics = checkFlow(path, requirements);
  EXPECT_TRUE(diagnostics.hasErrors());
  EXPECT_NE(diagnostics.str().find(what), std::string::npos)
      << diagnostics.str();
}

} // namespace

TEST(Workflow, ReadsTheExampleFolder) {
  Diagnostics diagnostics;
  std::unique_ptr<Workflow> workflow = readWorkflow(example, {}, diagnostics);
  ASSERT_TRUE(workflow) << diagnostics.str();
  EXPECT_EQ(workflow->demands.requirements.size(), 4u);
  EXPECT_EQ(workflow->demands.data.size(), 1u);
  ASSERT_EQ(workflow->nodeDemands.size(), 1u);
  EXPECT_EQ(workflow->nodeDemands.begin()->first->name, "time");
  EXPECT_EQ(workflow->nodeDemands.begin()->second.effects->reads[0].name,
            "clock");
}

TEST(Workflow, FileAddsToTheMetadataAndWins) {
  std::string file = write("more.yaml", R"(
requirements: [{metric: tbt, max: 100 ms, on: answer}]
objective: {minimize: energy}
nodes: {answer: {requirements: [{metric: latency, max: 9 s}]}}
)");
  Diagnostics diagnostics;
  std::unique_ptr<Workflow> workflow = readWorkflow(example, file, diagnostics);
  ASSERT_TRUE(workflow) << diagnostics.str();
  EXPECT_EQ(workflow->demands.requirements.size(), 5u);
  EXPECT_EQ(workflow->demands.objective->terms[0].metric->name, "energy");
  EXPECT_EQ(workflow->nodeDemands.size(), 2u);
}

TEST(Workflow, RefusesNamesThatAreNotThere) {
  auto file = [](const char *text) { return write("wrong.yaml", text); };
  expectError(example, file("nodes: {anwser: {}}"), "did you mean 'answer'");
  expectError(example,
              file("requirements: [{metric: ttft, max: 1 s, on: anser}]"),
              "did you mean 'answer'");
  expectError(example, file("classes: {c: {zones: [x]}}\ndata: {questions: c}"),
              "did you mean 'question'");
  expectError(example, file("nodes: {answer: {effects: {reads: [x]}}}"),
              "calls no tool");
  expectError(testing::TempDir() + "/none.yaml", {}, "none.yaml");
  std::filesystem::create_directories(testing::TempDir() + "/empty-folder");
  expectError(testing::TempDir() + "/empty-folder", {}, "no flow.yaml");
}

TEST(Workflow, ChecksItsOwnTools) {
  expectError(exampleWith("hetagon.retrieve", "hetagon.retrive"), {},
              "did you mean 'hetagon.retrieve'");
  expectError(exampleWith("top_k: 3", "topk: 3"), {}, "did you mean 'top_k'");
  expectError(exampleWith("top_k: 3", "top_k: 0"), {},
              "an integer from 1 to 1000");
  expectError(exampleWith("threshold: 0.5", "threshold: high"), {},
              "a number from -1");
  expectError(exampleWith("documents: documents\n", "documents: 5\n"), {},
              "a string that is not empty");
}

TEST(Workflow, RefusesHetagonWhereItSaysNothing) {
  expectError(exampleWith("      name: rewriter",
                          "      name: rewriter\n      metadata: {hetagon: "
                          "{requirements: []}}"),
              {}, "belongs to a flow or a node");
  expectError(
      exampleWith("effects: {reads: [clock]}", "effects: {read: [clock]}"), {},
      "did you mean 'reads'");
}
