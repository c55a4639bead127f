// Requests in any company give the tokens they give alone: random mixes over
// chunk sizes, pools, threads, address spaces and cancellations, against the
// model's own arithmetic.
#include "ToyService.h"
#include "runtime/exec/BatchScheduler.h"
#include <atomic>
#include <cmath>
#include <gtest/gtest.h>
#include <random>

using namespace hetagon;
using namespace hetagon::toy;

namespace {
GenerationRequest randomRequest(std::mt19937 &random, const Model &model) {
  GenerationRequest request;
  auto token = [&] { return int32_t(random() % model.vocabulary); };
  request.prompt.resize(1 + random() % (model.contextTokens / 2));
  for (int32_t &id : request.prompt)
    id = token();
  request.maxTokens = 1 + random() % (random() % 8 ? 20 : 200);
  if (random() % 2) {
    request.sampling.temperature = float(random() % 20) / 10;
    request.sampling.topK = random() % 3 * 7;
    request.sampling.topP = random() % 2 ? 0.8f : 1;
    request.sampling.seed = (uint64_t(random()) << 32) | random();
  }
  if (random() % 4 == 0)
    for (int i = 0; i < 4; ++i)
      request.stopTokens.push_back(token());
  request.ignoreStopTokens = random() % 5 == 0;
  if (random() % 4 == 0) {
    size_t room = std::min<size_t>(
        request.maxTokens, model.contextTokens + 1 - request.prompt.size());
    request.forced.resize(random() % (room + 1));
    for (int32_t &id : request.forced)
      id = token();
  }
  return request;
}

struct Served {
  explicit Served(const Model &model, uint32_t workers = 2,
                  ServiceOptions options = {}, BatchOptions batch = {},
                  const std::string &config = "{}")
      : executor({workers, std::chrono::microseconds(10)}) {
    auto loaded = ServiceInstance::load(
        decoder(model), openDevice(executor, config), sources(model), options);
    EXPECT_TRUE(loaded.isOk()) << loaded.status().str();
    service = *loaded;
    scheduler = *BatchScheduler::create(service, std::move(batch));
  }
  HostExecutor executor;
  std::shared_ptr<ServiceInstance> service;
  std::unique_ptr<BatchScheduler> scheduler;
};

class BatchSchedulerTest : public testing::TestWithParam<uint32_t> {};
} // namespace

TEST_P(BatchSchedulerTest, TokensDoNotDependOnCompany) {
  for (uint32_t seed = 0; seed < 12; ++seed) {
    std::mt19937 random(seed * 100 + GetParam());
    Model model;
    model.pageTokens = 1 + random() % 8;
    model.maxRows = 4 + random() % 40;
    model.contextTokens = 20 + random() % 60;
    ServiceOptions options;
    options.maxSequences = 1 + random() % 10;
    options.maxOutputs = random() % 20;
    uint32_t full = PageTable::pagesFor(model.contextTokens, model.pageTokens);
    options.kvPages = full + random() % (4 * full);
    BatchOptions batch;
    batch.chunkTokens = random() % 12;
    uint32_t chunk = batch.chunkTokens ? batch.chunkTokens : model.maxRows;
    std::atomic<uint32_t> worstPrefill{0};
    batch.onStep = [&](const StepRecord &step) {
      worstPrefill = std::max(worstPrefill.load(), step.prefillRows);
      EXPECT_LE(step.rows, model.maxRows);
      EXPECT_LE(step.begin, step.end);
    };
    Served setup(model, GetParam(), options, batch,
                 random() % 2 ? R"({"own_address_space": true})" : "{}");

    std::vector<GenerationRequest> requests;
    std::vector<std::shared_ptr<Generation>> handles;
    std::vector<std::vector<int32_t>> streamed(40);
    std::vector<bool> cancelled(40);
    for (size_t i = 0; i < 40; ++i) {
      requests.push_back(randomRequest(random, model));
      GenerationRequest asked = requests.back();
      asked.onToken = [&, i](const GeneratedToken &token) {
        EXPECT_EQ(token.index, streamed[i].size());
        streamed[i].push_back(token.id);
      };
      auto handle = setup.scheduler->submit(std::move(asked));
      ASSERT_TRUE(handle.isOk()) << handle.status().str();
      handles.push_back(*handle);
      cancelled[i] = random() % 6 == 0;
      if (cancelled[i] && random() % 2)
        handles[random() % (i + 1)]->cancel();
      if (random() % 10 == 0) // a late request
        std::this_thread::sleep_for(std::chrono::microseconds(300));
    }
    for (size_t i = 0; i < 40; ++i)
      if (cancelled[i])
        handles[i]->cancel();
    for (size_t i = 0; i < 40; ++i) {
      auto result = handles[i]->wait();
      auto expected = expectedTokens(model, requests[i]);
      if (!result.isOk()) {
        ASSERT_EQ(result.status().code(), Code::Cancelled)
            << result.status().str();
        ASSERT_LE(streamed[i].size(), expected.size());
        expected.resize(streamed[i].size());
        ASSERT_EQ(streamed[i], expected);
        continue;
      }
      ASSERT_EQ(result->tokens, expected)
          << "seed " << seed << " request " << i;
      ASSERT_EQ(streamed[i], expected);
      ASSERT_EQ(result->times.tokenMs.size(), expected.size());
      ASSERT_LE(result->times.ttftMs, result->times.tokenMs.back());
    }
    EXPECT_EQ(setup.scheduler->counts().pagesInUse, 0u);
    EXPECT_LE(worstPrefill.load(), chunk);
  }
}

INSTANTIATE_TEST_SUITE_P(Workers, BatchSchedulerTest,
                         testing::Values(1u, 2u, 4u));

TEST(BatchScheduler, DecodeOfConstantWidthIsRecordedOnce) {
  Model model;
  HostExecutor executor;
  auto device = openDevice(executor);
  auto service = ServiceInstance::load(decoder(model), device, sources(model));
  ASSERT_TRUE(service.isOk());
  auto runner = ProgramRunner::create(*service);
  ASSERT_TRUE(runner.isOk());
  std::vector<int32_t> token{3}, position{0}, rowSeq{0}, outRows{0};
  std::vector<int32_t> table((*service)->limits().maxPages, 0);
  std::vector<float> logits(model.vocabulary);
  for (int step = 0; step < 3; ++step) {
    position[0] = step;
    const ProgramRunner::Input inputs[] = {
        {"tokens", bytesOf(std::as_const(token))},
        {"positions", bytesOf(std::as_const(position))},
        {"row_seq", bytesOf(std::as_const(rowSeq))},
        {"page_table", bytesOf(std::as_const(table))},
        {"out_rows", bytesOf(std::as_const(outRows))}};
    const ProgramRunner::Output outputs[] = {{"logits", bytesOf(logits)}};
    ASSERT_TRUE((*runner)->run({}, inputs, outputs).isOk());
    EXPECT_EQ(logits, logitsAfter(model, std::vector<int32_t>(step + 1, 3)));
  }
  EXPECT_EQ((*runner)->counts().steps, 3u);
  EXPECT_EQ((*runner)->counts().recordings, 1u);
  // The device's own account: the load program and three steps of four.
  EXPECT_EQ(device->counters()->submits, 4u);
  EXPECT_EQ(device->counters()->dispatches, 13u);
}

TEST(BatchScheduler, CopiedPagesHoldTheSamePositions) {
  Model model;
  HostExecutor executor;
  auto service = ServiceInstance::load(decoder(model), openDevice(executor),
                                       sources(model));
  ASSERT_TRUE(service.isOk());
  auto runner = *ProgramRunner::create(*service);
  auto maxPages = (*service)->limits().maxPages;
  std::vector<float> logits(model.vocabulary);
  auto append = [&](int32_t token, int32_t position, int32_t page) {
    std::vector<int32_t> tokens{token}, positions{position}, zero{0};
    std::vector<int32_t> table(maxPages, page);
    const ProgramRunner::Input inputs[] = {
        {"tokens", bytesOf(std::as_const(tokens))},
        {"positions", bytesOf(std::as_const(positions))},
        {"row_seq", bytesOf(std::as_const(zero))},
        {"page_table", bytesOf(std::as_const(table))},
        {"out_rows", bytesOf(std::as_const(zero))}};
    const ProgramRunner::Output outputs[] = {{"logits", bytesOf(logits)}};
    return runner->run({}, inputs, outputs);
  };
  ASSERT_TRUE(append(7, 0, 2).isOk());
  const PageCopy copy[] = {{2, 5}};
  ASSERT_TRUE(runner->copyPages(copy).isOk());
  ASSERT_TRUE(append(8, 1, 5).isOk());
  EXPECT_EQ(logits, logitsAfter(model, std::vector<int32_t>{7, 8}));
  const PageCopy outside[] = {{2, uint32_t(1) << 30}};
  EXPECT_EQ(runner->copyPages(outside).code(), Code::OutOfRange);
}

TEST(BatchScheduler, LogProbabilitiesAndForcedTokensAreScored) {
  Model model;
  Served setup(model, 2, {}, {5, {}});
  GenerationRequest request;
  request.prompt = {1, 2, 3, 4, 5, 6, 7};
  request.forced = {10, 20, 30, 40, 50, 60, 0, 1, 2, 3, 4};
  request.maxTokens = 11;
  request.stopTokens = {20}; // forced tokens do not stop
  request.logProbabilities = true;
  request.topLogProbabilities = 4;
  std::vector<std::vector<float>> seen;
  request.onLogits = [&](uint32_t index, std::span<const float> logits) {
    EXPECT_EQ(index, seen.size());
    seen.emplace_back(logits.begin(), logits.end());
  };
  auto result = setup.scheduler->generate(request);
  ASSERT_TRUE(result.isOk()) << result.status().str();
  EXPECT_EQ(result->tokens, request.forced);
  ASSERT_EQ(seen.size(), request.forced.size());
  std::vector<int32_t> known = request.prompt;
  Sampler sampler;
  for (size_t i = 0; i < seen.size(); ++i) {
    ASSERT_EQ(seen[i], logitsAfter(model, known));
    EXPECT_EQ(result->logProbabilities[i],
              *sampler.logProbability(seen[i], request.forced[i]));
    known.push_back(request.forced[i]);
  }
  ASSERT_EQ(result->firstTop.size(), 4u);
  EXPECT_EQ(result->firstTop[0].id, (*sampler.top(seen[0], 1))[0].id);
}

TEST(BatchScheduler, EndsSayWhy) {
  Model model;
  Served setup(model);
  GenerationRequest request;
  request.prompt.assign(10, 5);
  request.maxTokens = 3;
  EXPECT_EQ(setup.scheduler->generate(request)->finish, FinishReason::Length);
  request.stopTokens = expectedTokens(model, request);
  auto stopped = setup.scheduler->generate(request);
  EXPECT_EQ(stopped->finish, FinishReason::Stop);
  EXPECT_EQ(stopped->tokens.size(), 1u);
  request.ignoreStopTokens = true;
  request.maxTokens = 100000;
  auto full = setup.scheduler->generate(request);
  EXPECT_EQ(full->finish, FinishReason::Context);
  EXPECT_EQ(full->tokens.size(), model.contextTokens - 10 + 1);
}

TEST(BatchScheduler, RefusesWhatCannotWork) {
  Model model;
  ServiceOptions options;
  options.kvPages = 4;
  Served setup(model, 1, options);
  auto codeOf = [&](GenerationRequest request) {
    return setup.scheduler->submit(std::move(request)).status().code();
  };
  GenerationRequest good;
  good.prompt = {1, 2, 3};
  good.maxTokens = 4;
  ASSERT_TRUE(setup.scheduler->generate(good).isOk());
  auto bad = good;
  bad.prompt.clear();
  EXPECT_EQ(codeOf(bad), Code::InvalidArgument);
  bad = good;
  bad.prompt[1] = int32_t(model.vocabulary);
  EXPECT_EQ(codeOf(bad), Code::InvalidArgument);
  bad = good;
  bad.prompt[1] = -1;
  EXPECT_EQ(codeOf(bad), Code::InvalidArgument);
  bad = good;
  bad.prompt.assign(model.contextTokens + 1, 1);
  EXPECT_EQ(codeOf(bad), Code::InvalidArgument);
  bad = good;
  bad.maxTokens = 0;
  EXPECT_EQ(codeOf(bad), Code::InvalidArgument);
  bad = good;
  bad.forced.assign(5, 1);
  EXPECT_EQ(codeOf(bad), Code::InvalidArgument);
  bad = good;
  bad.sampling.temperature = -1;
  EXPECT_EQ(codeOf(bad), Code::InvalidArgument);
  bad = good;
  bad.maxTokens = 30; // 32 positions, 8 pages
  EXPECT_EQ(codeOf(bad), Code::ResourceExhausted);
}

TEST(BatchScheduler, NotANumberFailsOnlyItsOwnSequence) {
  Model model;
  model.nanToken = 13;
  Served setup(model);
  GenerationRequest good, bad;
  good.prompt = {1, 2, 3};
  good.maxTokens = 12;
  bad.prompt = {1, 13};
  auto goodHandle = setup.scheduler->submit(good);
  auto badHandle = setup.scheduler->submit(bad);
  EXPECT_EQ((*badHandle)->wait().status().code(), Code::Internal);
  auto result = (*goodHandle)->wait();
  if (auto expected = expectedTokens(model, good);
      std::count(expected.begin(), expected.end(), 13) == 0) {
    ASSERT_TRUE(result.isOk()) << result.status().str();
    EXPECT_EQ(result->tokens, expected);
  }
  EXPECT_EQ(setup.scheduler->counts().pagesInUse, 0u);
}

TEST(BatchScheduler, AFailedSubmissionFailsItsBatchAndLaterOnesWork) {
  Model model;
  Served setup(model, 2, {}, {}, R"({"fail_submit": 3})");
  GenerationRequest request;
  request.prompt = {1, 2, 3};
  request.maxTokens = 5;
  auto failed = setup.scheduler->generate(request);
  ASSERT_FALSE(failed.isOk());
  EXPECT_EQ(failed.status().code(), Code::Internal);
  EXPECT_NE(failed.status().message().find("toy_decoder"), std::string::npos);
  EXPECT_NE(failed.status().message().find("toy:0"), std::string::npos);
  auto later = setup.scheduler->generate(request);
  ASSERT_TRUE(later.isOk()) << later.status().str();
  EXPECT_EQ(later->tokens, expectedTokens(model, request));
  EXPECT_EQ(setup.scheduler->counts().pagesInUse, 0u);
}

TEST(BatchScheduler, ALostDeviceEndsEverythingWithItsStatus) {
  Model model;
  Served setup(model, 2, {}, {}, R"({"lose_submit": 6, "delay_us": 500})");
  GenerationRequest request;
  request.prompt = {1, 2, 3};
  request.maxTokens = 50;
  std::vector<std::shared_ptr<Generation>> handles;
  for (int i = 0; i < 20; ++i)
    if (auto handle = setup.scheduler->submit(request); handle.isOk())
      handles.push_back(*handle);
  for (auto &handle : handles)
    EXPECT_EQ(handle->wait().status().code(), Code::DeviceLost);
  auto later = setup.scheduler->submit(request);
  ASSERT_FALSE(later.isOk());
  EXPECT_EQ(later.status().code(), Code::DeviceLost);
  EXPECT_EQ(setup.scheduler->counts().pagesInUse, 0u);
}

TEST(BatchScheduler, ASubmissionThatNeverEndsIsADeadline) {
  Model model;
  ServiceOptions options;
  options.stepTimeout = std::chrono::milliseconds(30);
  // The executor outlives the process's other objects, as the device does.
  static auto *executor = new HostExecutor({2, std::chrono::microseconds(5)});
  auto service = ServiceInstance::load(
      decoder(model), openDevice(*executor, R"({"hang_submit": 2})"),
      sources(model), options);
  ASSERT_TRUE(service.isOk());
  auto scheduler = *BatchScheduler::create(*service);
  GenerationRequest request;
  request.prompt = {1};
  EXPECT_EQ(scheduler->generate(request).status().code(),
            Code::DeadlineExceeded);
  EXPECT_EQ(scheduler->generate(request).status().code(),
            Code::DeadlineExceeded);
}

TEST(BatchScheduler, CancellationAndDeadlinesGivePagesBack) {
  Model model;
  Served setup(model, 2, {}, {}, R"({"delay_us": 300})");
  GenerationRequest request;
  request.prompt = {1, 2, 3};
  request.maxTokens = 60;

  std::stop_source stop;
  auto byToken = request;
  byToken.cancel = stop.get_token();
  byToken.onToken = [&](const GeneratedToken &token) {
    if (token.index == 4)
      stop.request_stop();
  };
  auto late = request;
  late.deadline =
      std::chrono::steady_clock::now() + std::chrono::milliseconds(5);
  auto first = setup.scheduler->submit(byToken);
  auto second = setup.scheduler->submit(late);
  EXPECT_EQ((*first)->wait().status().code(), Code::Cancelled);
  EXPECT_EQ((*second)->wait().status().code(), Code::DeadlineExceeded);
  EXPECT_EQ(setup.scheduler->counts().pagesInUse, 0u);
}

TEST(BatchScheduler, ShutdownEndsOpenRequests) {
  Model model;
  std::shared_ptr<Generation> handle;
  {
    Served setup(model, 2, {}, {}, R"({"delay_us": 300})");
    GenerationRequest request;
    request.prompt = {1, 2, 3};
    request.maxTokens = 60;
    handle = *setup.scheduler->submit(request);
  }
  auto result = handle->wait();
  EXPECT_TRUE(result.isOk() || result.status().code() == Code::Cancelled);
}

TEST(BatchScheduler, RequestsMayComeFromCallbacksAndManyThreads) {
  Model model;
  Served setup(model, 2);
  std::mutex mutex;
  std::vector<std::shared_ptr<Generation>> followers;
  GenerationRequest follower;
  follower.prompt = {9, 8, 7};
  follower.maxTokens = 6;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      GenerationRequest request;
      request.prompt = {t, t + 1};
      request.maxTokens = 10;
      request.onToken = [&](const GeneratedToken &token) {
        if (token.index != 3)
          return;
        auto handle = setup.scheduler->submit(follower);
        std::lock_guard lock(mutex);
        followers.push_back(*handle);
      };
      for (int i = 0; i < 5; ++i) {
        auto result = setup.scheduler->generate(request);
        ASSERT_TRUE(result.isOk());
        EXPECT_EQ(result->tokens, expectedTokens(model, request));
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  ASSERT_EQ(followers.size(), 20u);
  for (auto &handle : followers)
    EXPECT_EQ(handle->wait()->tokens, expectedTokens(model, follower));
  EXPECT_EQ(setup.scheduler->counts().requests, 40u);
}
