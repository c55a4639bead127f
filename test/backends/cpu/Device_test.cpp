// The device half by its C table: what it refuses to load, copies, queues,
// fences and cancellation. The kernel object is built here, byte by byte, so
// that this test needs no compiler.
#include "backends/cpu/KernelTable.h"
#include "runtime/device/Device.h"
#include "runtime/sched/HostExecutor.h"
#include <cstring>
#include <elf.h>
#include <gtest/gtest.h>
#include <random>

using namespace hetagon;

namespace {

/// A small kernel object: tables at 0, code at one page.
/// `fill` adds its constant to the first byte of its one binding; `refuse`
/// returns 1.
struct ObjectFile {
  static constexpr uint64_t codeAt = 4096;
  Elf64_Ehdr header = {};
  Elf64_Phdr segments[3] = {};
  Elf64_Dyn dynamic[8] = {};
  Elf64_Sym symbols[2] = {};
  uint32_t hash[5] = {1, 2, 1, 0, 0};
  char strings[24] = "\0" HETAGON_CPU_TABLE_SYMBOL;
  struct {
    uint32_t version = HETAGON_CPU_TABLE_VERSION, entryCount = 2;
    uint64_t features = 0;
    hetagon_cpu_entry entries[2] = {};
  } table;
  char names[16] = "fill\0refuse";

  ObjectFile() {
    std::memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    header.e_type = ET_DYN;
    header.e_machine = EM_X86_64;
    header.e_phoff = offsetof(ObjectFile, segments);
    header.e_phentsize = sizeof(Elf64_Phdr);
    header.e_phnum = 3;
    segments[0] = {PT_LOAD, PF_R, 0, 0, 0, sizeof(*this), sizeof(*this), 4096};
    segments[1] = {PT_LOAD, PF_R | PF_X, codeAt, codeAt, 0, 64, 64, 4096};
    uint64_t at = offsetof(ObjectFile, dynamic);
    segments[2] = {PT_DYNAMIC,     PF_R,           at, at, 0,
                   sizeof dynamic, sizeof dynamic, 8};
    dynamic[0] = {DT_SYMTAB, {offsetof(ObjectFile, symbols)}};
    dynamic[1] = {DT_STRTAB, {offsetof(ObjectFile, strings)}};
    dynamic[2] = {DT_HASH, {offsetof(ObjectFile, hash)}};
    symbols[1].st_name = 1;
    symbols[1].st_shndx = 1;
    symbols[1].st_value = offsetof(ObjectFile, table);
    int32_t name = offsetof(ObjectFile, names) - offsetof(ObjectFile, table);
    int32_t code = codeAt - offsetof(ObjectFile, table);
    table.entries[0] = {name, code, 1,         1,
                        0,    1,    fillBytes, digestOf(0, fillBytes)};
    table.entries[1] = {
        name + 5, code + 32, 1,           0,
        0,        0,         refuseBytes, digestOf(32, refuseBytes)};
  }

  static constexpr uint64_t fillBytes = 15, refuseBytes = 6;
  static uint64_t digestOf(uint64_t function, uint64_t bytes) {
    return hetagon_cpu_code_digest(code().data() + function, bytes);
  }

  std::vector<uint8_t> bytes() const {
    std::vector<uint8_t> file(codeAt + 64);
    std::memcpy(file.data(), this, sizeof(*this));
    std::vector<uint8_t> functions = code();
    std::copy(functions.begin(), functions.end(), file.begin() + codeAt);
    return file;
  }

  /// `fill` at 0, `refuse` at 32.
  static std::vector<uint8_t> code() {
    std::vector<uint8_t> bytes(64);
    // fill: only part 0 adds; rdi bindings, rsi constants, rdx part.
    const uint8_t fill[] = {0x48, 0x85, 0xd2,          // test rdx, rdx
                            0x75, 0x07,                // jnz +7
                            0x48, 0x8b, 0x0f,          // mov rcx, [rdi]
                            0x8a, 0x06,                // mov al, [rsi]
                            0x00, 0x01,                // add [rcx], al
                            0x31, 0xc0, 0xc3};         // xor eax,eax; ret
    const uint8_t refuse[] = {0xb8, 1, 0, 0, 0, 0xc3}; // mov eax,1; ret
    static_assert(sizeof fill == fillBytes && sizeof refuse == refuseBytes);
    std::memcpy(&bytes[0], fill, sizeof fill);
    std::memcpy(&bytes[32], refuse, sizeof refuse);
    return bytes;
  }
};

class CpuDevice : public testing::TestWithParam<uint32_t> {
protected:
  void SetUp() override {
    executor = std::make_unique<HostExecutor>(
        HostExecutor::Options{GetParam(), std::chrono::microseconds(50)});
    auto library = DeviceLibrary::find("cpu");
    ASSERT_TRUE(library.isOk()) << library.status().str();
    auto opened = Device::open(*library, executor->host(), "cpu");
    ASSERT_TRUE(opened.isOk()) << opened.status().str();
    device = *opened;
  }
  Status load(const ObjectFile &object) {
    return device->load(HETAGON_CPU_FORMAT, object.bytes()).status();
  }

  std::unique_ptr<HostExecutor> executor;
  std::shared_ptr<Device> device;
};

TEST_P(CpuDevice, RunsCommandsInOrder) {
  auto executable = device->load(HETAGON_CPU_FORMAT, ObjectFile().bytes());
  ASSERT_TRUE(executable.isOk()) << executable.status().str();
  auto fill = device->entry(*executable, "fill");
  ASSERT_TRUE(fill.isOk());
  Buffer a = std::move(*device->allocate(200)),
         b = std::move(*device->allocate(200));
  Commands commands = std::move(*device->createCommands());
  // 1 + 2 into a, copy to b, add 3 to b: any lost order or barrier shows.
  for (int64_t value : {1, 2}) {
    hetagon_binding binding = {a.get(), 0, 200};
    ASSERT_TRUE(device
                    ->recordDispatch(commands, *executable, fill->index,
                                     {&binding, 1}, {&value, 1})
                    .isOk());
  }
  ASSERT_TRUE(device->recordCopy(commands, a, 0, b, 0, 200).isOk());
  hetagon_binding binding = {b.get(), 0, 200};
  int64_t three = 3;
  ASSERT_TRUE(device
                  ->recordDispatch(commands, *executable, fill->index,
                                   {&binding, 1}, {&three, 1})
                  .isOk());
  Queue queue = std::move(*device->createQueue());
  Fence fence = std::move(*device->createFence());
  for (uint64_t round = 1; round <= 20; ++round)
    ASSERT_TRUE(device->submit(queue, commands, fence, round).isOk());
  ASSERT_TRUE(device->wait(fence, 20, std::chrono::seconds(30)).isOk());
  uint8_t value = 0;
  ASSERT_TRUE(device->read(b, 0, {&value, 1}).isOk());
  EXPECT_EQ(value, 63);
  auto counters = device->counters();
  ASSERT_TRUE(counters.isOk());
  EXPECT_EQ(counters->submits, 20u);
  EXPECT_EQ(counters->dispatches, 60u);
  EXPECT_GT(counters->busy_ns, 0u);
}

/// An op whose code is gone does not run on in silence.
TEST_P(CpuDevice, RefusesCodeThatWasChanged) {
  std::vector<uint8_t> good = ObjectFile().bytes();
  for (uint64_t at : {uint64_t(0), ObjectFile::fillBytes - 1, uint64_t(32),
                      32 + ObjectFile::refuseBytes - 1}) {
    std::vector<uint8_t> file = good;
    file[ObjectFile::codeAt + at] ^= 1;
    Status status = device->load(HETAGON_CPU_FORMAT, file).status();
    EXPECT_EQ(status.code(), Code::DataLoss) << at;
    EXPECT_NE(status.message().find(at < 32 ? "'fill'" : "'refuse'"),
              std::string::npos)
        << status.str();
  }
  ObjectFile object;
  object.table.entries[1].code_bytes = 0;
  EXPECT_EQ(load(object).code(), Code::DataLoss);
  object.table.entries[1].code_bytes = uint64_t(1) << 40;
  EXPECT_EQ(load(object).code(), Code::DataLoss);
}

TEST_P(CpuDevice, WaitsForTheFenceOfAnotherQueue) {
  Buffer a = std::move(*device->allocate(64)),
         b = std::move(*device->allocate(64));
  Buffer c = std::move(*device->allocate(64));
  std::vector<uint8_t> data(64, 7);
  ASSERT_TRUE(device->write(a, 0, data).isOk());
  Commands first = std::move(*device->createCommands());
  Commands second = std::move(*device->createCommands());
  ASSERT_TRUE(device->recordCopy(first, a, 0, b, 0, 64).isOk());
  ASSERT_TRUE(device->recordCopy(second, b, 0, c, 0, 64).isOk());
  Queue one = std::move(*device->createQueue()),
        two = std::move(*device->createQueue());
  Fence ready = std::move(*device->createFence()),
        done = std::move(*device->createFence());
  hetagon_error error = {};
  // The dependent submission comes first and must be parked.
  ASSERT_EQ(device->api().submit(device->raw(), two.get(), second.get(),
                                 ready.get(), 5, done.get(), 1, &error),
            0);
  EXPECT_EQ(device->wait(done, 1, std::chrono::milliseconds(20)).code(),
            Code::DeadlineExceeded);
  ASSERT_TRUE(device->submit(one, first, ready, 5).isOk());
  ASSERT_TRUE(device->wait(done, 1, std::chrono::seconds(30)).isOk());
  std::vector<uint8_t> result(64);
  ASSERT_TRUE(device->read(c, 0, result).isOk());
  EXPECT_EQ(result, data);
}

TEST_P(CpuDevice, CancelDropsWhatHasNotStarted) {
  Buffer a = std::move(*device->allocate(64)),
         b = std::move(*device->allocate(64));
  Commands commands = std::move(*device->createCommands());
  ASSERT_TRUE(device->recordCopy(commands, a, 0, b, 0, 64).isOk());
  Queue queue = std::move(*device->createQueue());
  Fence never = std::move(*device->createFence()),
        done = std::move(*device->createFence());
  hetagon_error error = {};
  ASSERT_EQ(device->api().submit(device->raw(), queue.get(), commands.get(),
                                 never.get(), 1, done.get(), 1, &error),
            0);
  ASSERT_TRUE(device->cancel(queue).isOk());
  EXPECT_EQ(device->wait(done, 1, std::chrono::seconds(30)).code(),
            Code::Cancelled);
}

TEST_P(CpuDevice, KernelFailuresReachTheFence) {
  auto executable = device->load(HETAGON_CPU_FORMAT, ObjectFile().bytes());
  auto refuse = device->entry(*executable, "refuse");
  ASSERT_TRUE(refuse.isOk());
  Buffer a = std::move(*device->allocate(64));
  Commands commands = std::move(*device->createCommands());
  hetagon_binding binding = {a.get(), 0, 64};
  ASSERT_TRUE(device
                  ->recordDispatch(commands, *executable, refuse->index,
                                   {&binding, 1}, {})
                  .isOk());
  Queue queue = std::move(*device->createQueue());
  Fence fence = std::move(*device->createFence());
  ASSERT_TRUE(device->submit(queue, commands, fence, 1).isOk());
  Status status = device->wait(fence, 1, std::chrono::seconds(30));
  EXPECT_EQ(status.code(), Code::OutOfRange);
  EXPECT_NE(status.str().find("'refuse'"), std::string::npos) << status.str();
}

TEST_P(CpuDevice, RefusesWrongBindings) {
  auto executable = device->load(HETAGON_CPU_FORMAT, ObjectFile().bytes());
  auto fill = device->entry(*executable, "fill");
  Buffer a = std::move(*device->allocate(100));
  Commands commands = std::move(*device->createCommands());
  int64_t one = 1;
  auto record = [&](hetagon_binding binding, size_t constants) {
    return device
        ->recordDispatch(commands, *executable, fill->index, {&binding, 1},
                         {&one, constants})
        .code();
  };
  EXPECT_EQ(record({a.get(), 0, 100}, 0), Code::InvalidArgument);
  EXPECT_EQ(record({a.get(), 0, 101}, 1), Code::OutOfRange);
  EXPECT_EQ(record({a.get(), 64, UINT64_MAX}, 1), Code::OutOfRange);
  EXPECT_EQ(record({a.get(), 8, 8}, 1), Code::InvalidArgument);
  EXPECT_EQ(record({a.get() + 1, 0, 8}, 1), Code::OutOfRange);
  EXPECT_EQ(device->entry(*executable, "nothing").status().code(),
            Code::NotFound);
}

TEST_P(CpuDevice, RefusesObjectsThatAreNoKernels) {
  ASSERT_TRUE(load(ObjectFile()).isOk());
  struct Case {
    const char *what;
    void (*change)(ObjectFile &);
    const char *words;
  };
  const Case cases[] = {
      {"machine", [](ObjectFile &o) { o.header.e_machine = EM_AARCH64; },
       "x86-64"},
      {"needed library", [](ObjectFile &o) { o.dynamic[3] = {DT_NEEDED, {1}}; },
       "dynamic tag"},
      {"relocations", [](ObjectFile &o) { o.dynamic[3] = {DT_RELA, {64}}; },
       "dynamic tag"},
      {"constructors",
       [](ObjectFile &o) { o.dynamic[3] = {DT_INIT_ARRAY, {64}}; },
       "dynamic tag"},
      {"no end of dynamic",
       [](ObjectFile &o) {
         for (int i = 3; i < 8; ++i)
           o.dynamic[i] = {DT_FLAGS, {0}};
       },
       "no end"},
      {"writable segment", [](ObjectFile &o) { o.segments[0].p_flags |= PF_W; },
       "writable"},
      {"zeroed memory", [](ObjectFile &o) { o.segments[1].p_memsz = 128; },
       "extent"},
      {"beyond the file",
       [](ObjectFile &o) { o.segments[1].p_offset = 1 << 20; }, "extent"},
      {"huge", [](ObjectFile &o) { o.segments[1].p_vaddr = uint64_t(1) << 40; },
       "extent"},
      {"overlapping segments", [](ObjectFile &o) { o.segments[1].p_vaddr = 0; },
       "extent"},
      {"thread-local storage",
       [](ObjectFile &o) { o.segments[2].p_type = PT_TLS; }, "type 0x7"},
      {"undefined symbol", [](ObjectFile &o) { o.symbols[1].st_shndx = 0; },
       "undefined symbol"},
      {"symbol count",
       [](ObjectFile &o) {
         o.hash[1] = 0x7fffffff;
         o.strings[2] = 'x';
       },
       "outside the file"},
      {"other name", [](ObjectFile &o) { o.strings[2] = 'x'; }, "no symbol"},
      {"table outside", [](ObjectFile &o) { o.symbols[1].st_value = 1 << 30; },
       "outside the file"},
      {"version", [](ObjectFile &o) { o.table.version = 99; }, "version 99"},
      {"features", [](ObjectFile &o) { o.table.features = 1ull << 63; },
       "CPU features"},
      {"entry count", [](ObjectFile &o) { o.table.entryCount = 1u << 31; },
       "entries"},
      {"code not executable",
       [](ObjectFile &o) { o.table.entries[0].code_offset = 0; },
       "the code of 'fill'"},
      {"name outside",
       [](ObjectFile &o) { o.table.entries[1].name_offset = INT32_MIN; },
       "entry 1"},
      {"scratch",
       [](ObjectFile &o) { o.table.entries[1].scratch_bytes = ~0ull; },
       "entry 1"},
      {"bindings", [](ObjectFile &o) { o.table.entries[0].binding_count = 65; },
       "entry 0"},
  };
  for (const Case &c : cases) {
    ObjectFile object;
    c.change(object);
    Status status = load(object);
    EXPECT_FALSE(status.isOk()) << c.what;
    EXPECT_NE(status.str().find(c.words), std::string::npos)
        << c.what << ": " << status.str();
  }
  EXPECT_EQ(device->load("spirv", ObjectFile().bytes()).status().code(),
            Code::Unsupported);
}

TEST_P(CpuDevice, SurvivesDamagedObjects) {
  std::mt19937 random(11);
  const std::vector<uint8_t> whole = ObjectFile().bytes();
  for (size_t length = 0; length < whole.size(); length += 61)
    EXPECT_FALSE(
        device->load(HETAGON_CPU_FORMAT, {whole.data(), length}).isOk());
  for (int trial = 0; trial < 3000; ++trial) {
    std::vector<uint8_t> damaged = whole;
    for (int i = 0; i < 3; ++i)
      damaged[random() % sizeof(ObjectFile)] = uint8_t(random());
    // Loading runs nothing of the object: it may succeed, it may not crash.
    (void)device->load(HETAGON_CPU_FORMAT, damaged);
  }
}

TEST_P(CpuDevice, ImportedMemoryIsReadOnly) {
  std::vector<uint8_t> data(100, 9);
  Buffer imported = std::move(*device->importHost(data));
  std::vector<uint8_t> result(100);
  ASSERT_TRUE(device->read(imported, 0, result).isOk());
  EXPECT_EQ(result, data);
  EXPECT_EQ(device->write(imported, 0, result).code(), Code::PermissionDenied);
  Commands commands = std::move(*device->createCommands());
  EXPECT_EQ(device->recordCopy(commands, imported, 0, imported, 50, 50).code(),
            Code::PermissionDenied);
}

TEST_P(CpuDevice, RefusesSettings) {
  auto library = DeviceLibrary::find("cpu");
  Status status =
      Device::open(*library, executor->host(), "cpu", R"({"speed": 11})")
          .status();
  EXPECT_EQ(status.code(), Code::InvalidArgument);
  EXPECT_NE(status.str().find("speed"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Workers, CpuDevice, testing::Values(1, 2, 3));

} // namespace
