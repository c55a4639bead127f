// The example models, run op by op on the reference device straight from their
// descriptions. Decoder: greedy tokens and log-probabilities as llama.cpp gives
// them for the same weights (smollm2-135m-f32-greedy.jsonl). Encoder: the
// embeddings of an implementation in numpy (embeddings.jsonl).
// HETAGON_TEST_PROMPTS sets how many prompts are tried, all tokens of each;
// without it a few are, for a few tokens.
#include "runtime/base/Json.h"
#include "test/backends/reference/OpDriver.h"
#include "test/runtime/models/Models.h"
#include <algorithm>
#include <cmath>
#include <fstream>

using namespace hetagon;
using namespace hetagon::test;

namespace {

/// A decoder with one sequence.
class Decoder : OpDriver {
public:
  Decoder(Harness &harness, const ModelDescription &description,
          std::shared_ptr<const TensorFile> file)
      : OpDriver(harness, std::move(file)), model(*description.decoder()) {
    poolBytes = uint64_t(pages) * model.layers.size() * 2 * model.kvHeads *
                model.headDim * uint64_t(pageTokens) * 4;
    pool = {harness.buffer(Bytes(poolBytes)), poolBytes};
    std::vector<int32_t> order(pages);
    for (int32_t i = 0; i < pages; ++i)
      order[size_t(i)] = pages - 1 - i;
    table = {harness.buffer(bytesOf(order)), pages * 4};
    Bytes angles = bytesOf(model.rope.inverseFrequencies);
    frequencies = {harness.buffer(angles), angles.size()};
  }

  /// Appends tokens and returns the logits of the last.
  std::vector<float> step(const std::vector<int32_t> &tokens) {
    begin(tokens.size());
    std::vector<int32_t> positionList;
    for (size_t i = 0; i < tokens.size(); ++i)
      positionList.push_back(next++);
    positions = input(positionList);
    sequence = input(std::vector<int32_t>(tokens.size(), 0));
    Tensor x = embedding(model.embedding, input(tokens));
    for (size_t i = 0; i < model.layers.size(); ++i)
      x = layer(model.layers[i], int64_t(i), x);
    int32_t last = int32_t(rows - 1);
    x = dispatch("gather_rows" + sizes({{"d", model.hidden}}),
                 {x, input(std::vector<int32_t>{last})}, model.hidden,
                 {rows, 1}, 1);
    rows = 1;
    return finish(linear({model.head, {}}, norm(model.outputNorm, x)),
                  model.vocabulary);
  }

private:
  static constexpr int32_t pages = 8;
  static constexpr int64_t pageTokens = 16;

  Tensor norm(const TensorRef &scale, Tensor x) {
    return dispatch("rms_norm" +
                        sizes({{"d", x.columns}, {"g", scale.dims[0]}}) +
                        number("eps", model.normEpsilon) + formatOf(scale),
                    {x, weight(scale)}, x.columns);
  }
  Tensor rope(int64_t heads, Tensor x) {
    return dispatch("rope" +
                        sizes({{"heads", heads},
                               {"head_dim", model.headDim},
                               {"rotary", model.rope.rotary}}) +
                        (model.rope.pairing == RopePairing::Half
                             ? " pairing=half"
                             : " pairing=interleaved"),
                    {x, positions, frequencies}, x.columns);
  }
  Tensor layer(const DecoderLayer &layer, int64_t index, Tensor x) {
    Tensor in = norm(layer.attentionNorm, x);
    Tensor q = rope(model.heads, linear(layer.query, in));
    Tensor k = rope(model.kvHeads, linear(layer.key, in));
    Tensor v = linear(layer.value, in);
    std::string cache = sizes({{"layers", int64_t(model.layers.size())},
                               {"kv_heads", model.kvHeads},
                               {"head_dim", model.headDim},
                               {"page_tokens", pageTokens},
                               {"layer", index}}) +
                        " format=f32";
    std::vector<int64_t> constants = {rows, 1, pages};
    dispatch("kv_append" + cache, {k, v, pool, sequence, positions, table}, 0,
             constants);
    Tensor attended =
        dispatch("attention" + cache + sizes({{"heads", model.heads}}) +
                     number("scale", model.attentionScale),
                 {q, pool, sequence, positions, table}, q.columns, constants);
    x = add(x, linear(layer.output, attended));
    in = norm(layer.feedForwardNorm, x);
    Tensor gated = dispatch("glu kind=silu" + sizes({{"d", model.feedForward}}),
                            {linear(layer.gate, in), linear(layer.up, in)},
                            model.feedForward);
    return add(x, linear(layer.down, gated));
  }

  const DecoderDescription &model;
  uint64_t poolBytes;
  Tensor pool, table, frequencies, positions, sequence;
  int32_t next = 0;
};

/// An encoder that embeds one text.
class Encoder : OpDriver {
public:
  Encoder(Harness &harness, const ModelDescription &description,
          std::shared_ptr<const TensorFile> file)
      : OpDriver(harness, std::move(file)), model(*description.encoder()) {}

  std::vector<float> embed(const std::vector<int32_t> &ids) {
    begin(ids.size());
    std::vector<int32_t> order;
    for (size_t i = 0; i < ids.size(); ++i)
      order.push_back(int32_t(i));
    first = input(std::vector<int32_t>(ids.size(), 0));
    last = input(std::vector<int32_t>(ids.size(), int32_t(ids.size())));
    Tensor x = add(add(embedding(model.wordEmbedding, input(ids)),
                       embedding(model.positionEmbedding, input(order))),
                   embedding(model.typeEmbedding, first));
    x = norm(model.embeddingNorm, x);
    for (const EncoderLayer &layer : model.layers) {
      Tensor attended = dispatch(
          "segment_attention" +
              sizes({{"heads", model.heads}, {"head_dim", model.headDim}}) +
              number("scale", model.attentionScale),
          {linear(layer.query, x), linear(layer.key, x), linear(layer.value, x),
           first, last},
          model.hidden);
      x = norm(layer.attentionNorm, add(x, linear(layer.output, attended)));
      Tensor up = dispatch("activation kind=" + model.activation +
                               sizes({{"d", model.feedForward}}),
                           {linear(layer.up, x)}, model.feedForward);
      x = norm(layer.outputNorm, add(x, linear(layer.down, up)));
    }
    std::string wide = sizes({{"d", model.hidden}});
    x = dispatch("pool kind=" + model.pooling + wide,
                 {x, input({0, int32_t(ids.size())})}, model.hidden, {rows, 1},
                 1);
    rows = 1;
    return finish(dispatch("l2_normalize" + wide, {x}, model.hidden),
                  model.hidden);
  }

private:
  Tensor norm(const LayerNormRef &ref, Tensor x) {
    return dispatch("layer_norm" + sizes({{"d", x.columns}}) +
                        number("eps", model.normEpsilon) + formatOf(ref.weight),
                    {x, weight(ref.weight), weight(ref.bias)}, x.columns);
  }

  const EncoderDescription &model;
  Tensor first, last;
};

/// The objects of a file of lines.
std::vector<Json> readGolden(const char *name) {
  std::ifstream lines(std::string(HETAGON_TEST_DATA "/models/") + name);
  std::vector<Json> list;
  for (std::string line; std::getline(lines, line);) {
    auto golden = parseJson(line, name);
    EXPECT_TRUE(golden.isOk());
    list.push_back(*golden);
  }
  return list;
}

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
  size_t tried = 0, equal = 0;
  for (const Json &golden : readGolden("smollm2-135m-f32-greedy.jsonl")) {
    if (tried == prompts || !golden.contains("first_top5"))
      continue;
    SCOPED_TRACE(golden["prompt"].get<std::string>());
    Harness harness(2);
    Decoder decoder(harness, *model, *file);
    std::vector<int32_t> expected = golden["tokens"], tokens;
    expected.resize(std::min(expected.size(), limit));
    std::vector<float> logits =
        decoder.step(golden["prompt_tokens"].get<std::vector<int32_t>>());
    double sum = 0;
    for (float logit : logits)
      sum += std::exp(double(logit));
    for (const Json &entry : golden["first_top5"])
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
  RecordProperty("equal", int(equal));
  EXPECT_EQ(prompts, tried);
  EXPECT_GE(double(equal), 0.95 * double(tried));
}

TEST(ReferenceGolden, Embeddings) {
  std::string path = exampleEncoder();
  if (path.empty())
    GTEST_SKIP() << modelsMissing;
  auto model = describeModel(path);
  ASSERT_TRUE(model.isOk()) << model.status().str();
  auto file = TensorFile::open(model->weightsFile);
  ASSERT_TRUE(file.isOk());
  Harness harness(2);
  Encoder encoder(harness, *model, *file);
  std::vector<Json> list = readGolden("embeddings.jsonl");
  ASSERT_FALSE(list.empty());
  for (const Json &golden : list) {
    std::vector<float> embedding =
        encoder.embed(golden["ids"].get<std::vector<int32_t>>());
    expectNear(golden["embedding"].get<std::vector<double>>(), embedding, 1e-6);
  }
}

} // namespace
