// Pages against a model: each sequence's bytes must be its own whatever is
// forked, truncated, written or refused, and no page may leak.
#include "runtime/memory/PageTable.h"
#include <gtest/gtest.h>
#include <random>

using namespace hetagon;

namespace {
/// Memory behind the pool, with the contents each sequence should see.
struct Sequence {
  PageTable table;
  std::vector<int> expected;
};
} // namespace

TEST(PageTable, RandomOperationsKeepSequencesApart) {
  for (uint32_t seed = 0; seed < 60; ++seed) {
    std::mt19937 random(seed);
    uint32_t pageTokens = 1 + random() % 5, capacity = 3 + random() % 20;
    PagePool pool(capacity);
    std::vector<std::vector<int>> memory(capacity,
                                         std::vector<int>(pageTokens, -1));
    std::vector<Sequence> sequences;
    int nextValue = 0;
    for (int step = 0; step < 400; ++step) {
      uint32_t choice = random() % 10;
      if (sequences.empty() || choice == 0) {
        sequences.push_back({PageTable(pool, pageTokens), {}});
      } else {
        size_t which = random() % sequences.size();
        Sequence &sequence = sequences[which];
        if (choice <= 5) {
          uint32_t count = random() % (2 * pageTokens + 1);
          uint32_t freeBefore = pool.freePages();
          uint32_t begin = sequence.table.length();
          auto copies = sequence.table.extend(count);
          if (!copies.isOk()) {
            EXPECT_EQ(copies.status().code(), Code::ResourceExhausted);
            EXPECT_EQ(pool.freePages(), freeBefore);
            EXPECT_EQ(sequence.table.length(), begin);
          } else {
            for (PageCopy copy : *copies)
              memory[copy.target] = memory[copy.source];
            for (uint32_t i = 0; i < count; ++i) {
              uint32_t position = begin + i;
              uint32_t page = sequence.table.pages()[position / pageTokens];
              memory[page][position % pageTokens] = nextValue;
              sequence.expected.push_back(nextValue++);
            }
          }
        } else if (choice <= 7) {
          sequences.push_back({sequence.table.fork(), sequence.expected});
        } else if (choice == 8) {
          uint32_t keep = random() % (sequence.table.length() + 1);
          sequence.table.truncate(keep);
          sequence.expected.resize(keep);
        } else {
          sequences.erase(sequences.begin() + which);
        }
      }
      for (const Sequence &sequence : sequences) {
        ASSERT_EQ(sequence.table.length(), sequence.expected.size());
        ASSERT_EQ(sequence.table.pages().size(),
                  PageTable::pagesFor(sequence.table.length(), pageTokens));
        for (uint32_t p = 0; p < sequence.table.length(); ++p)
          ASSERT_EQ(
              memory[sequence.table.pages()[p / pageTokens]][p % pageTokens],
              sequence.expected[p])
              << "seed " << seed << " step " << step;
      }
    }
    sequences.clear();
    EXPECT_EQ(pool.freePages(), capacity) << "pages leaked, seed " << seed;
  }
}

TEST(PageTable, ExhaustionIsAStatusThatNamesTheSize) {
  PagePool pool(2);
  PageTable table(pool, 4);
  ASSERT_TRUE(table.extend(8).isOk());
  auto more = table.extend(1);
  ASSERT_FALSE(more.isOk());
  EXPECT_EQ(more.status().code(), Code::ResourceExhausted);
  EXPECT_NE(more.status().message().find("2 pages"), std::string::npos);
}

TEST(PageTable, WholePagesStaySharedAfterAFork) {
  PagePool pool(4);
  PageTable first(pool, 2);
  ASSERT_TRUE(first.extend(4).isOk());
  PageTable second = first.fork();
  auto copies = second.extend(1);
  ASSERT_TRUE(copies.isOk());
  EXPECT_TRUE(copies->empty());
  EXPECT_EQ(pool.freePages(), 1u);
  EXPECT_EQ(pool.references(first.pages()[0]), 2u);
}

TEST(PageTable, MovedFromTableHoldsNothing) {
  PagePool pool(2);
  PageTable first(pool, 2);
  ASSERT_TRUE(first.extend(3).isOk());
  PageTable second(std::move(first));
  EXPECT_EQ(pool.freePages(), 0u);
  second = PageTable(pool, 2);
  EXPECT_EQ(pool.freePages(), 2u);
}
