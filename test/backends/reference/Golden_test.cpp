// The example decoder, run op by op on the reference device straight from its
// description: greedy tokens and log-probabilities as llama.cpp gives them for
// the same weights (test/data/models/smollm2-135m-f32-greedy.jsonl).
// HETAGON_TEST_PROMPTS sets how many prompts are tried, all tokens of each;
// without it a few are, for a few tokens.
#include "frontend/Models/ModelDescription.h"
#include "runtime/base/Json.h"
#include "runtime/models/TensorFile.h"
#include "test/backends/reference/Harness.h"
#include "test/runtime/models/Models.h"
#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>

using namespace hetagon;
using namespace hetagon::test;

namespace {

/// The decoder's program as dispatches of the device; one sequence.
class Decoder {
public:
  Decoder(Harness &harness, const ModelDescription &model,
          std::shared_ptr<const TensorFile> file)
      : harness(harness), model(*model.decoder()), file(std::move(file)) {
    kv = harness.buffer(Bytes(size_t(pages) * this->model.layers.size() * 2 *
                              kvWidth() * pageTokens * 4));
    std::vector<int32_t> order(pages);
    for (int32_t i = 0; i < pages; ++i)
      order[size_t(i)] = pages - 1 - i;
    table = harness.buffer(bytesOf(order));
    frequencies = harness.buffer(bytesOf(this->model.rope.inverseFrequencies));
  }

  /// Appends tokens and returns the logits of the last.
  std::vector<float> step(const std::vector<int32_t> &tokens) {
    rows = int64_t(tokens.size());
    std::vector<int32_t> positionList, sequence(tokens.size(), 0);
    for (size_t i = 0; i < tokens.size(); ++i)
      positionList.push_back(next++);
    harness.check(
        api().create_commands(harness.device, &commands, &harness.error));
    Tensor ids = input(tokens), positions = input(positionList),
           seq = input(sequence);
    Tensor x =
        dispatch("embedding" +
                     sizes({{"vocab", model.vocabulary}, {"d", model.hidden}}) +
                     formatOf(model.embedding),
                 {ids, weight(model.embedding)}, model.hidden);
    for (size_t i = 0; i < model.layers.size(); ++i)
      x = layer(model.layers[i], int64_t(i), x, positions, seq);
    int32_t last = int32_t(rows - 1);
    x = dispatch("gather_rows" + sizes({{"d", model.hidden}}),
                 {x, input(std::vector<int32_t>{last})}, model.hidden,
                 {rows, 1});
    rows = 1;
    x = linear({model.head, {}}, norm(model.outputNorm, x));
    hetagon_fence done = 0;
    harness.check(api().create_fence(harness.device, &done, &harness.error));
    harness.check(api().submit(harness.device, harness.queue, commands, 0, 0,
                               done, 1, &harness.error));
    harness.check(
        api().wait_fence(harness.device, done, 1, UINT64_MAX, &harness.error));
    std::vector<float> logits =
        floatsOf(harness.read(x.buffer, model.vocabulary * 4));
    api().destroy_commands(harness.device, commands);
    for (hetagon_buffer buffer : temporaries)
      api().release(harness.device, buffer);
    temporaries.clear();
    return logits;
  }

private:
  struct Tensor {
    hetagon_buffer buffer;
    uint64_t bytes;
    int64_t columns = 0;
  };
  static constexpr int32_t pages = 8;
  static constexpr int64_t pageTokens = 16;

  const hetagon_device_api &api() const { return *harness.api; }
  int64_t kvWidth() const { return int64_t(model.kvHeads) * model.headDim; }

  static std::string
  sizes(std::initializer_list<std::pair<const char *, int64_t>> keys) {
    std::string text;
    for (const auto &[key, value] : keys)
      text += std::string(" ") + key + "=" + std::to_string(value);
    return text;
  }
  static std::string number(const char *key, float value) {
    char text[60];
    std::snprintf(text, sizeof(text), " %s=%.9g", key, double(value));
    return text;
  }
  static std::string formatOf(const TensorRef &tensor) {
    return " format=" + std::string(formatWord(tensor.format));
  }

  Tensor input(const std::vector<int32_t> &values) {
    temporaries.push_back(harness.buffer(bytesOf(values)));
    return {temporaries.back(), values.size() * 4};
  }
  Tensor weight(const TensorRef &tensor) {
    std::span<const uint8_t> bytes = file->find(tensor.name)->bytes;
    hetagon_buffer &buffer = weights[tensor.name];
    if (!buffer)
      harness.check(api().import_host(harness.device, bytes.data(),
                                      bytes.size(), &buffer, &harness.error));
    return {buffer, bytes.size()};
  }
  /// Records an op whose result has `columns` columns; 0: it has none.
  Tensor dispatch(const std::string &line, std::vector<Tensor> operands,
                  int64_t columns, std::vector<int64_t> constants = {}) {
    hetagon_executable &executable = executables[line];
    if (!executable)
      executable = harness.load("reference-ops 1\ne " + line + "\n");
    if (constants.empty())
      constants = {rows};
    if (columns) {
      Tensor result{0, uint64_t(rows * columns * 4), columns};
      harness.check(api().allocate(harness.device, result.bytes, &result.buffer,
                                   &harness.error));
      temporaries.push_back(result.buffer);
      operands.push_back(result);
    }
    std::vector<hetagon_binding> bindings;
    for (const Tensor &operand : operands)
      bindings.push_back({operand.buffer, 0, operand.bytes});
    harness.check(api().record_dispatch(
        harness.device, commands, executable, 0, bindings.data(),
        uint32_t(bindings.size()), constants.data(), uint32_t(constants.size()),
        &harness.error));
    return operands.back();
  }
  Tensor linear(const LinearRef &layer, Tensor x) {
    return dispatch(
        "linear" +
            sizes({{"k", layer.weight.dims[1]}, {"n", layer.weight.dims[0]}}) +
            formatOf(layer.weight),
        {x, weight(layer.weight)}, layer.weight.dims[0]);
  }
  Tensor norm(const TensorRef &scale, Tensor x) {
    return dispatch("rms_norm" +
                        sizes({{"d", x.columns}, {"g", scale.dims[0]}}) +
                        number("eps", model.normEpsilon) + formatOf(scale),
                    {x, weight(scale)}, x.columns);
  }
  Tensor rope(int64_t heads, Tensor x, Tensor positions) {
    return dispatch(
        "rope" +
            sizes({{"heads", heads},
                   {"head_dim", model.headDim},
                   {"rotary", model.rope.rotary}}) +
            (model.rope.pairing == RopePairing::Half ? " pairing=half"
                                                     : " pairing=interleaved"),
        {x, positions, {frequencies, model.rope.inverseFrequencies.size() * 4}},
        x.columns);
  }
  Tensor layer(const DecoderLayer &layer, int64_t index, Tensor x,
               Tensor positions, Tensor seq) {
    Tensor in = norm(layer.attentionNorm, x);
    Tensor q = rope(model.heads, linear(layer.query, in), positions);
    Tensor k = rope(model.kvHeads, linear(layer.key, in), positions);
    Tensor v = linear(layer.value, in);
    std::string cache = sizes({{"layers", int64_t(model.layers.size())},
                               {"kv_heads", model.kvHeads},
                               {"head_dim", model.headDim},
                               {"page_tokens", pageTokens},
                               {"layer", index}}) +
                        " format=f32";
    Tensor pool{kv, uint64_t(pages) * model.layers.size() * 2 *
                        uint64_t(kvWidth() * pageTokens) * 4};
    Tensor map{table, pages * 4};
    std::vector<int64_t> constants = {rows, 1, pages};
    dispatch("kv_append" + cache, {k, v, pool, seq, positions, map}, 0,
             constants);
    Tensor attended =
        dispatch("attention" + cache + sizes({{"heads", model.heads}}) +
                     number("scale", model.attentionScale),
                 {q, pool, seq, positions, map}, q.columns, constants);
    std::string wide = sizes({{"d", model.hidden}});
    x = dispatch("add" + wide, {x, linear(layer.output, attended)},
                 model.hidden);
    in = norm(layer.feedForwardNorm, x);
    Tensor gated = dispatch("glu kind=silu" + sizes({{"d", model.feedForward}}),
                            {linear(layer.gate, in), linear(layer.up, in)},
                            model.feedForward);
    return dispatch("add" + wide, {x, linear(layer.down, gated)}, model.hidden);
  }

  Harness &harness;
  const DecoderDescription &model;
  std::shared_ptr<const TensorFile> file;
  hetagon_buffer kv, table, frequencies;
  hetagon_commands commands = 0;
  int64_t rows = 0;
  int32_t next = 0;
  std::vector<hetagon_buffer> temporaries;
  std::map<std::string, hetagon_buffer> weights;
  std::map<std::string, hetagon_executable> executables;
};

TEST(ReferenceGolden, GreedyTokensAndLogProbabilities) {
  std::string path = exampleDecoder();
  if (path.empty())
    GTEST_SKIP() << modelsMissing;
  auto model = describeModel(path);
  ASSERT_TRUE(model.isOk()) << model.status().str();
  auto file = TensorFile::open(model->weightsFile);
  ASSERT_TRUE(file.isOk());
  const char *all = std::getenv("HETAGON_TEST_PROMPTS");
  size_t prompts = all ? size_t(std::atoi(all)) : 3, limit = all ? 32 : 6;
  std::ifstream lines(HETAGON_TEST_DATA
                      "/models/smollm2-135m-f32-greedy.jsonl");
  std::string line;
  size_t tried = 0, equal = 0;
  while (tried < prompts && std::getline(lines, line)) {
    auto golden = parseJson(line, "golden");
    ASSERT_TRUE(golden.isOk());
    if (!golden->contains("first_top5"))
      continue;
    SCOPED_TRACE((*golden)["prompt"].get<std::string>());
    Harness harness(2);
    Decoder decoder(harness, *model, *file);
    std::vector<int32_t> expected = (*golden)["tokens"], tokens;
    expected.resize(std::min(expected.size(), limit));
    std::vector<float> logits =
        decoder.step((*golden)["prompt_tokens"].get<std::vector<int32_t>>());
    double sum = 0;
    for (float logit : logits)
      sum += std::exp(double(logit));
    for (const Json &entry : (*golden)["first_top5"])
      EXPECT_NEAR(entry["logprob"].get<double>(),
                  logits[entry["id"].get<size_t>()] - std::log(sum), 0.02);
    while (true) {
      tokens.push_back(int32_t(std::max_element(logits.begin(), logits.end()) -
                               logits.begin()));
      if (tokens.size() >= expected.size() ||
          tokens.back() != expected[tokens.size() - 1])
        break;
      logits = decoder.step({tokens.back()});
    }
    equal += tokens == expected;
    ++tried;
  }
  EXPECT_EQ(prompts, tried);
  EXPECT_GE(double(equal), 0.95 * double(tried));
}

} // namespace
