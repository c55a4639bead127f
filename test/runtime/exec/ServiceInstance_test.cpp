// Plans that are wrong in one place each are refused by name, with nothing
// submitted.
#include "ToyDevice.h"
#include "ToyService.h"
#include "runtime/exec/BatchScheduler.h"
#include <functional>
#include <gtest/gtest.h>

using namespace hetagon;
using namespace hetagon::toy;
using plan::fb::ServiceT;
using plan::fb::Storage;

namespace {
struct BadPlan {
  const char *name;
  Code code;
  const char *text; ///< part of the message
  std::function<void(ServiceT &)> change;
};

uint32_t indexOf(ServiceT &service, Storage storage) {
  for (uint32_t i = 0; i < service.buffers.size(); ++i)
    if (service.buffers[i]->storage == storage)
      return i;
  ADD_FAILURE();
  return 0;
}

const BadPlan badPlans[] = {
    {"NoStep", Code::InvalidArgument, "no step program",
     [](ServiceT &s) { s.step.reset(); }},
    {"EmptyStep", Code::InvalidArgument, "no step program",
     [](ServiceT &s) { s.step->commands.clear(); }},
    {"Endpoint", Code::InvalidArgument, "endpoint",
     [](ServiceT &s) { s.kind = plan::fb::ServiceKind::endpoint; }},
    {"NoRows", Code::InvalidArgument, "max_rows",
     [](ServiceT &s) { s.max_rows = 0; }},
    {"ManyRows", Code::InvalidArgument, "max_rows",
     [](ServiceT &s) { s.max_rows = UINT32_MAX; }},
    {"NoContext", Code::InvalidArgument, "context_tokens",
     [](ServiceT &s) { s.context_tokens = 0; }},
    {"LongContext", Code::InvalidArgument, "context_tokens",
     [](ServiceT &s) { s.context_tokens = UINT32_MAX; }},
    {"NoVocabulary", Code::InvalidArgument, "vocabulary",
     [](ServiceT &s) { s.vocabulary = 0; }},
    {"OtherVocabulary", Code::InvalidArgument, "logits",
     [](ServiceT &s) { s.vocabulary += 1; }},
    {"NoKv", Code::InvalidArgument, "KV cache",
     [](ServiceT &s) { s.kv.reset(); }},
    {"NoPageTokens", Code::InvalidArgument, "page_tokens",
     [](ServiceT &s) { s.kv->page_tokens = 0; }},
    {"OtherPageBytes", Code::InvalidArgument, "page_bytes",
     [](ServiceT &s) { s.kv->page_bytes += 1; }},
    {"MissingBuffer", Code::InvalidArgument, "buffer 3 is missing",
     [](ServiceT &s) { s.buffers[3].reset(); }},
    {"MissingDim", Code::InvalidArgument, "dimension is missing",
     [](ServiceT &s) { s.buffers[0]->dims[0].reset(); }},
    {"UnknownSymbol", Code::InvalidArgument, "'columns'",
     [](ServiceT &s) { s.buffers[8]->dims[0]->symbol = "columns"; }},
    {"NegativeDim", Code::InvalidArgument, "negative",
     [](ServiceT &s) { s.buffers[7]->dims[0]->size = -1; }},
    {"HugeDim", Code::OutOfRange, "2^62",
     [](ServiceT &s) { s.buffers[7]->dims[0]->size = INT64_MAX; }},
    {"EmptyBuffer", Code::InvalidArgument, "no bytes",
     [](ServiceT &s) { s.buffers[7]->dims[0]->size = 0; }},
    {"UnknownInput", Code::InvalidArgument, "no such name",
     [](ServiceT &s) { s.buffers[0]->name = "words"; }},
    {"TwiceInput", Code::InvalidArgument, "occurs twice",
     [](ServiceT &s) { s.buffers[1]->name = "tokens"; }},
    {"InputFormat", Code::InvalidArgument, "protocol",
     [](ServiceT &s) { s.buffers[0]->format = "f32"; }},
    {"InputDims", Code::InvalidArgument, "protocol",
     [](ServiceT &s) { s.buffers[0]->dims[0]->symbol = "seqs"; }},
    {"PageTableDims", Code::InvalidArgument, "protocol",
     [](ServiceT &s) { s.buffers[3]->dims.pop_back(); }},
    {"NoOutput", Code::InvalidArgument, "output",
     [](ServiceT &s) {
       s.buffers[indexOf(s, Storage::output)]->storage = Storage::transient;
     }},
    {"SlotRange", Code::OutOfRange, "slot",
     [](ServiceT &s) { s.buffers[8]->slot = 1000000; }},
    {"SlotNegative", Code::OutOfRange, "slot",
     [](ServiceT &s) { s.buffers[8]->slot = -2; }},
    {"PersistentVaries", Code::InvalidArgument, "symbol 'rows'",
     [](ServiceT &s) {
       s.buffers[indexOf(s, Storage::persistent)]->dims[0]->symbol = "rows";
     }},
    {"KvVaries", Code::InvalidArgument, "page_bytes",
     [](ServiceT &s) {
       s.buffers[indexOf(s, Storage::kv)]->dims[0]->symbol = "rows";
     }},
    {"StorageUnknown", Code::Unsupported, "unknown storage",
     [](ServiceT &s) { s.buffers[8]->storage = Storage(99); }},
    {"WeightArtefact", Code::InvalidArgument, "no artefact",
     [](ServiceT &s) {
       s.buffers[indexOf(s, Storage::weight)]->artefact = -1;
     }},
    {"WeightName", Code::NotFound, "no tensor",
     [](ServiceT &s) {
       s.buffers[indexOf(s, Storage::weight)]->name = "other";
     }},
    {"WeightSize", Code::InvalidArgument, "bytes",
     [](ServiceT &s) {
       s.buffers[indexOf(s, Storage::weight)]->dims[0]->size = 62;
     }},
    {"WeightOffset", Code::InvalidArgument, "at offset 8",
     [](ServiceT &s) { s.buffers[indexOf(s, Storage::weight)]->offset = 8; }},
    {"WeightOffsetHuge", Code::InvalidArgument, "at offset",
     [](ServiceT &s) {
       s.buffers[indexOf(s, Storage::weight)]->offset = UINT64_MAX;
     }},
    {"ConstantSection", Code::OutOfRange, "section",
     [](ServiceT &s) {
       auto &buffer = *s.buffers[indexOf(s, Storage::weight)];
       buffer.storage = Storage::constant;
       buffer.section = 9;
     }},
    {"ExecutableBackend", Code::InvalidArgument, "backend 'cpu'",
     [](ServiceT &s) { s.executables[0]->backend = "cpu"; }},
    {"ExecutableFormat", Code::InvalidArgument, "no toy code",
     [](ServiceT &s) { s.executables[0]->format = "elf"; }},
    {"ExecutableSection", Code::OutOfRange, "section",
     [](ServiceT &s) { s.executables[0]->section = 3; }},
    {"ExecutableMissing", Code::InvalidArgument, "executable 0",
     [](ServiceT &s) { s.executables[0].reset(); }},
    {"CommandExecutable", Code::OutOfRange, "step command 1",
     [](ServiceT &s) { s.step->commands[1]->executable = 7; }},
    {"CommandMissing", Code::InvalidArgument, "step command 2",
     [](ServiceT &s) { s.step->commands[2].reset(); }},
    {"CommandEntry", Code::NotFound, "toy.append",
     [](ServiceT &s) { s.step->commands[0]->entry = "erase"; }},
    {"CommandBindings", Code::InvalidArgument, "bindings",
     [](ServiceT &s) { s.step->commands[0]->bindings.pop_back(); }},
    {"CommandConstants", Code::InvalidArgument, "constants",
     [](ServiceT &s) { s.step->commands[0]->constants.pop_back(); }},
    {"BindingRange", Code::OutOfRange, "binds buffer 4000",
     [](ServiceT &s) { s.step->commands[0]->bindings[0] = 4000; }},
    {"ConstantSymbol", Code::InvalidArgument, "'lines'",
     [](ServiceT &s) { s.step->commands[0]->constants[0]->symbol = "lines"; }},
    {"LoadBindsInput", Code::InvalidArgument, "only within a submission",
     [](ServiceT &s) { s.load->commands[0]->bindings[0] = 0; }},
    {"LoadSymbol", Code::InvalidArgument, "no value while loading",
     [](ServiceT &s) { s.load->commands[0]->constants[0]->symbol = "rows"; }},
};

class BadPlanTest : public testing::TestWithParam<BadPlan> {};
} // namespace

TEST_P(BadPlanTest, IsRefusedBeforeAnySubmission) {
  HostExecutor executor({1, std::chrono::microseconds(5)});
  Model model;
  auto service = decoder(model);
  GetParam().change(*service);
  auto device = openDevice(executor);
  auto loaded = ServiceInstance::load(service, device, sources(model));
  ASSERT_FALSE(loaded.isOk());
  EXPECT_EQ(loaded.status().code(), GetParam().code)
      << loaded.status().message();
  EXPECT_NE(loaded.status().message().find(GetParam().text), std::string::npos)
      << loaded.status().message();
  EXPECT_NE(loaded.status().message().find("toy_decoder"), std::string::npos);
  EXPECT_EQ(device->counters()->submits, 0u);
}

INSTANTIATE_TEST_SUITE_P(Plans, BadPlanTest, testing::ValuesIn(badPlans),
                         [](const auto &info) { return info.param.name; });

TEST(ServiceInstance, WeightsAreSeenInPlaceWhereTheDeviceCan) {
  HostExecutor executor;
  Model model;
  auto inPlace = ServiceInstance::load(decoder(model), openDevice(executor),
                                       sources(model));
  ASSERT_TRUE(inPlace.isOk()) << inPlace.status().str();
  EXPECT_EQ((*inPlace)->importedBytes(), model.vocabulary * 8);
  EXPECT_EQ((*inPlace)->copiedBytes(), 0u);
  auto copied = ServiceInstance::load(
      decoder(model), openDevice(executor, R"({"own_address_space": true})"),
      sources(model));
  ASSERT_TRUE(copied.isOk()) << copied.status().str();
  EXPECT_EQ((*copied)->importedBytes(), 0u);
  EXPECT_EQ((*copied)->copiedBytes(), model.vocabulary * 8);
}

TEST(ServiceInstance, AWeightMayBeAPartOfItsTensor) {
  HostExecutor executor;
  Model model;
  auto service = decoder(model);
  service->buffers[indexOf(*service, Storage::weight)]->offset = 24;
  ServiceSources plain = sources(model), shifted = plain;
  std::vector<uint8_t> larger(24, 0xAA);
  auto table = *plain.tensor(0, "table");
  larger.insert(larger.end(), table.begin(), table.end());
  larger.resize(larger.size() + 16, 0xBB);
  shifted.tensor =
      [&](uint32_t, const std::string &) -> StatusOr<std::span<const uint8_t>> {
    return std::span<const uint8_t>(larger);
  };
  auto loaded = ServiceInstance::load(service, openDevice(executor), shifted);
  ASSERT_TRUE(loaded.isOk()) << loaded.status().str();
  GenerationRequest request;
  request.prompt = {4, 5};
  request.maxTokens = 8;
  auto scheduler = *BatchScheduler::create(*loaded);
  EXPECT_EQ(scheduler->generate(request)->tokens,
            expectedTokens(model, request));
}

TEST(ServiceInstance, PoolFollowsItsOptions) {
  HostExecutor executor;
  Model model; // 16 pages of 32 bytes hold one context
  ServiceOptions options;
  auto pages = [&] {
    auto loaded = ServiceInstance::load(decoder(model), openDevice(executor),
                                        sources(model), options);
    EXPECT_TRUE(loaded.isOk()) << loaded.status().str();
    return loaded.isOk() ? (*loaded)->kvPages() : 0;
  };
  options.kvPages = 7;
  EXPECT_EQ(pages(), 7u);
  options.kvPages = 0;
  options.kvBytes = 1;
  EXPECT_EQ(pages(), 1u);
  options.kvBytes = 20 * 32;
  EXPECT_EQ(pages(), 20u);
  options.kvBytes = uint64_t(1) << 40;
  EXPECT_EQ(pages(), 16u * model.maxRows);
}

TEST(ServiceInstance, BuffersBeyondTheDevicesLimitAreRefused) {
  HostExecutor executor;
  Model model;
  auto loaded = ServiceInstance::load(
      decoder(model), openDevice(executor, R"({"max_buffer_bytes": 64})"),
      sources(model));
  ASSERT_FALSE(loaded.isOk());
  EXPECT_EQ(loaded.status().code(), Code::ResourceExhausted);
}

TEST(Device, RefusesConfigurationItDoesNotKnow) {
  HostExecutor executor;
  auto library = DeviceLibrary::fromApi(api(), "the test");
  auto device =
      Device::open(*library, executor.host(), "toy:1", R"({"speed": 3})");
  ASSERT_FALSE(device.isOk());
  EXPECT_EQ(device.status().str(),
            "device 'toy:1' (toy): open: unknown key speed");
}
