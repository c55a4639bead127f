// Hostile plans, ten of each class: refused with an offset, within a second,
// and without more memory than four times the file and 64 MiB. Digests are made
// to hold, so that what lies behind them is what refuses.
#include "test/runtime/models/Allocations.h"
#include "test/runtime/plan/Corrupt.h"
#include <chrono>
#include <cstring>
#include <functional>
#include <gtest/gtest.h>
#include <random>

using namespace hetagon;
using namespace hetagon::plan;

namespace {

using Bytes = std::vector<uint8_t>;
using Random = std::mt19937_64;

size_t between(Random &random, size_t low, size_t high) {
  return low + random() % (high - low + 1);
}

template <typename T> T loadAt(const Bytes &bytes, size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof(T));
  return value;
}
template <typename T> void storeAt(Bytes &bytes, size_t at, T value) {
  std::memcpy(bytes.data() + at, &value, sizeof(T));
}

/// Numbers that overflow when aligned, added or multiplied, or merely are
/// large.
uint64_t huge(Random &random) {
  switch (random() % 4) {
  case 0:
    return ~uint64_t(0) - random() % 5000;
  case 1:
    return (uint64_t(1) << 63) - random() % 5000;
  case 2:
    return ~uint64_t(0) / between(random, 2, 200);
  default:
    return (uint64_t(1) << between(random, 32, 62)) + random() % 99;
  }
}

Bytes sound() { return samples::pack(samples::workflowSample()); }
Bytes redigested(const Bytes &bytes) {
  auto result = redigest(bytes);
  return result.isOk() ? std::move(*result) : bytes;
}
size_t entryOf(size_t section) {
  return headerBytes + section * tableEntryBytes;
}
constexpr size_t sectionCount = 5; // of the workflow sample
size_t planOffset(const Bytes &bytes) {
  return loadAt<uint64_t>(bytes, entryOf(sectionCount - 1) + 8);
}

Bytes edited(const std::function<void(samples::Sample &)> &edit) {
  samples::Sample sample = samples::workflowSample();
  edit(sample);
  return samples::pack(sample);
}

/// Offsets in the file of all tables' layouts (vtables) that the walk from the
/// root meets first: the root's own, and those of its vectors' elements.
std::vector<size_t> tables(const Bytes &bytes) {
  size_t base = planOffset(bytes);
  std::vector<size_t> found{base + loadAt<uint32_t>(bytes, base)};
  size_t root = found[0], layout = root - loadAt<int32_t>(bytes, root);
  const flatbuffers::TypeTable &type = *fb::PlanTypeTable();
  for (size_t i = 0; i < type.num_elems; ++i) {
    size_t field = loadAt<uint16_t>(bytes, layout + 4 + 2 * i);
    flatbuffers::TypeCode code = type.type_codes[i];
    if (!field || !code.is_repeating ||
        code.base_type != flatbuffers::ET_SEQUENCE)
      continue;
    size_t vector = root + field + loadAt<uint32_t>(bytes, root + field);
    for (size_t k = 0; k < loadAt<uint32_t>(bytes, vector); ++k) {
      size_t at = vector + 4 + 4 * k;
      found.push_back(at + loadAt<uint32_t>(bytes, at));
    }
  }
  return found;
}

size_t anyTable(const Bytes &bytes, Random &random) {
  auto all = tables(bytes);
  return all[random() % all.size()];
}

struct HostileClass {
  const char *name;
  std::function<Bytes(Random &)> make;
};

const HostileClass classes[] = {
    {"Truncated",
     [](Random &random) {
       Bytes bytes = sound();
       bytes.resize(random() % bytes.size());
       return bytes;
     }},
    {"TruncatedAndRedigested",
     [](Random &random) {
       Bytes bytes = sound();
       bytes.resize(between(random, entryOf(sectionCount), bytes.size() - 1));
       return redigested(bytes);
     }},
    {"OverlappingSections",
     [](Random &random) {
       Bytes bytes = sound();
       size_t one = random() % sectionCount,
              other = (one + 1 + random() % (sectionCount - 1)) % sectionCount;
       storeAt(bytes, entryOf(one) + 8,
               loadAt<uint64_t>(bytes, entryOf(other) + 8));
       return redigested(bytes);
     }},
    {"SectionSize",
     [](Random &random) {
       Bytes bytes = sound();
       storeAt(bytes, entryOf(random() % sectionCount) + 16, huge(random));
       return redigested(bytes);
     }},
    {"SectionOffset",
     [](Random &random) {
       Bytes bytes = sound();
       storeAt(bytes, entryOf(random() % sectionCount) + 8, huge(random));
       return redigested(bytes);
     }},
    {"SectionAlignment",
     [](Random &random) {
       Bytes bytes = sound();
       storeAt(bytes, entryOf(random() % sectionCount) + 24,
               random() % 2 ? huge(random) : random() % 3);
       return redigested(bytes);
     }},
    {"SectionCount",
     [](Random &random) {
       Bytes bytes = sound();
       storeAt(bytes, 12, uint32_t(random() % 2 ? huge(random) : random() % 5));
       return redigested(bytes);
     }},
    {"Version",
     [](Random &random) {
       Bytes bytes = sound();
       bytes[between(random, 8, 11)] ^= uint8_t(1 + random() % 255);
       return redigested(bytes);
     }},
    {"RequiredFeatures",
     [](Random &random) {
       Bytes bytes = sound();
       storeAt(bytes, 16, uint64_t(1) << random() % 64);
       return redigested(bytes);
     }},
    {"PaddingNotZero",
     [](Random &random) {
       Bytes bytes = sound();
       size_t end = loadAt<uint64_t>(bytes, entryOf(0) + 8);
       bytes[between(random, entryOf(sectionCount), end - 1)] =
           uint8_t(1 + random() % 255);
       return redigested(bytes);
     }},
    {"RootOffset",
     [](Random &random) {
       Bytes bytes = sound();
       storeAt(bytes, planOffset(bytes), uint32_t(huge(random)) | 2);
       return redigested(bytes);
     }},
    {"LayoutOffset",
     [](Random &random) {
       Bytes bytes = sound();
       storeAt(bytes, anyTable(bytes, random), uint32_t(huge(random)) | 1);
       return redigested(bytes);
     }},
    {"LayoutSize",
     [](Random &random) {
       Bytes bytes = sound();
       size_t table = anyTable(bytes, random);
       size_t layout = table - loadAt<int32_t>(bytes, table);
       storeAt(bytes, layout,
               uint16_t(random() % 2 ? random() % 4 : 0xfff1 + random() % 15));
       return redigested(bytes);
     }},
    {"TableSize",
     [](Random &random) {
       Bytes bytes = sound();
       size_t table = anyTable(bytes, random);
       size_t layout = table - loadAt<int32_t>(bytes, table);
       storeAt(bytes, layout + 2, uint16_t(random() % 5));
       return redigested(bytes);
     }},
    {"VectorLength",
     [](Random &random) {
       Bytes bytes = sound();
       size_t root = tables(bytes)[0];
       size_t layout = root - loadAt<int32_t>(bytes, root);
       size_t field = root + loadAt<uint16_t>(bytes, layout + 4 + 2 * 9);
       size_t graphs = field + loadAt<uint32_t>(bytes, field);
       storeAt(bytes, graphs, uint32_t(huge(random)) | 0x01000000);
       return redigested(bytes);
     }},
    {"SharedTables", // a small file that unpacks into a large plan
     [](Random &random) {
       flatbuffers::FlatBufferBuilder builder;
       auto text = builder.CreateString(std::string(10'000, 'x'));
       auto one = fb::CreateKeyValue(builder, text, text);
       std::vector<flatbuffers::Offset<fb::KeyValue>> many(
           between(random, 10'000, 50'000), one);
       auto list = builder.CreateVector(many);
       fb::ToolBuilder tool(builder);
       tool.add_name(text);
       tool.add_environment(list);
       auto made = tool.Finish();
       std::vector<flatbuffers::Offset<fb::Tool>> tools(5'000, made);
       auto toolList = builder.CreateVector(tools);
       auto graphs = builder.CreateVector(
           std::vector<flatbuffers::Offset<fb::StepGraph>>());
       fb::PlanBuilder plan(builder);
       plan.add_compiler(text);
       plan.add_flow(text);
       plan.add_tools(toolList);
       plan.add_graphs(graphs);
       fb::FinishPlanBuffer(builder, plan.Finish());
       NewSection section{SectionKind::Plan,
                          {builder.GetBufferPointer(),
                           builder.GetBufferPointer() + builder.GetSize()}};
       return writeContainer({&section, 1});
     }},
    {"UnknownEnumerator",
     [](Random &random) {
       return edited([&](samples::Sample &sample) {
         auto value = uint8_t(between(random, 14, 255));
         switch (random() % 3) {
         case 0:
           sample.plan.services[0]->kind = fb::ServiceKind(value);
           break;
         case 1:
           sample.plan.services[0]->buffers[1]->storage = fb::Storage(value);
           break;
         default:
           sample.plan.graphs[0]->steps[0]->kind = fb::StepKind(value);
         }
       });
     }},
    {"CyclicGraphs",
     [](Random &random) {
       return edited([&](samples::Sample &sample) {
         auto &step = *sample.plan.graphs[0]->steps[6];
         step.graphs = {0};
         size_t from = between(random, 6, 9);
         sample.plan.graphs[0]->steps[random() % 3 + 1]->inputs[0]->step =
             int32_t(from);
       });
     }},
    {"DeepCalls",
     [](Random &random) {
       return edited([&](samples::Sample &sample) {
         auto &graphs = sample.plan.graphs;
         size_t depth = between(random, 40, 4000);
         for (size_t i = 0; i < depth; ++i) {
           auto graph = std::make_unique<fb::StepGraphT>();
           graph->name = "deep" + std::to_string(i);
           auto &step = *graph->steps.emplace_back(new fb::StepT);
           step.name = "call" + std::to_string(i);
           step.kind = fb::StepKind::call;
           step.graphs = {uint32_t(graphs.size() + 1)};
           graphs.push_back(std::move(graph));
         }
         graphs.push_back(std::make_unique<fb::StepGraphT>());
         graphs.back()->name = "bottom";
       });
     }},
    {"Indices",
     [](Random &random) {
       return edited([&](samples::Sample &sample) {
         auto &service = *sample.plan.services[random() % 2];
         auto value = uint32_t(between(random, 50, 0xffffffff));
         switch (random() % 6) {
         case 0:
           service.device = value;
           break;
         case 1:
           service.step->commands[0]->executable = value;
           break;
         case 2:
           service.step->commands[1]->bindings[1] = value;
           break;
         case 3:
           service.executables[0]->section = value;
           break;
         case 4:
           sample.plan.graphs[0]->steps[1]->inputs[0]->port = value;
           break;
         default:
           sample.plan.graphs[0]->steps[7]->graphs[0] = value;
         }
       });
     }},
    {"SizesOverflow",
     [](Random &random) {
       return edited([&](samples::Sample &sample) {
         auto &service = *sample.plan.services[0];
         for (auto &dim : service.buffers[2]->dims)
           dim->size = int64_t(huge(random));
       });
     }},
    {"DeepJson",
     [](Random &random) {
       return edited([&](samples::Sample &sample) {
         size_t depth = between(random, 65, 200'000);
         sample.plan.tools[0]->input_schema =
             "{\"a\":" + std::string(depth, '[') + std::string(depth, ']') +
             "}";
       });
     }},
    {"DeepTypes",
     [](Random &random) {
       return edited([&](samples::Sample &sample) {
         std::string type;
         size_t depth = between(random, 9, 100'000);
         for (size_t i = 0; i < depth; ++i)
           type += "list<";
         sample.plan.graphs[0]->inputs[0]->type =
             type + "text" + std::string(depth, '>');
       });
     }},
};

/// Reads within the bounds of time and memory, and walks all of a plan that is
/// taken.
Status readHostile(const Bytes &bytes) {
  auto start = std::chrono::steady_clock::now();
  hetagon::test::AllocationPeak peak;
  auto read = PlanFile::fromBytes(bytes, "hostile.plan");
  EXPECT_LE(peak.bytes(), 4 * bytes.size() + (size_t(64) << 20));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(1));
  if (!read.isOk())
    return read.status();
  fb::PlanT unpacked;
  (*read)->plan().UnPackTo(&unpacked);
  return Status::ok();
}

class HostilePlan : public testing::TestWithParam<HostileClass> {};

TEST_P(HostilePlan, IsRefused) {
  for (uint64_t seed = 0; seed < 10; ++seed) {
    Random random(seed * 1000 + 17);
    Bytes bytes = GetParam().make(random);
    Status status = readHostile(bytes);
    ASSERT_FALSE(status.isOk()) << "seed " << seed;
    ASSERT_TRUE(status.place() && status.place()->offset) << status.str();
    EXPECT_LE(*status.place()->offset, bytes.size()) << status.str();
    EXPECT_FALSE(status.message().empty());
  }
}

INSTANTIATE_TEST_SUITE_P(Classes, HostilePlan, testing::ValuesIn(classes),
                         [](const auto &info) { return info.param.name; });

TEST(HostilePlans, TheSoundPlanIsTaken) {
  EXPECT_TRUE(readHostile(sound()).isOk());
}

// Behind sound digests any edit of the FlatBuffer may be a plan again; it must
// only stay within bounds. The sanitizers see the rest.
TEST(HostilePlans, MutationsStayInBounds) {
  Random random(99);
  Bytes original = sound();
  size_t base = planOffset(original), taken = 0;
  for (int round = 0; round < 20'000; ++round) {
    Bytes bytes = original;
    for (size_t i = 0, edits = between(random, 1, 4); i < edits; ++i) {
      size_t at = between(random, base, bytes.size() - 5);
      switch (random() % 4) {
      case 0:
        bytes[at] = uint8_t(random());
        break;
      case 1:
        bytes[at] ^= uint8_t(1u << random() % 8);
        break;
      case 2:
        storeAt(bytes, at, uint32_t(huge(random)));
        break;
      default:
        storeAt(bytes, at, uint32_t(random() % 64));
      }
    }
    taken += readHostile(redigested(bytes)).isOk();
  }
  RecordProperty("taken", int(taken));
}

} // namespace
