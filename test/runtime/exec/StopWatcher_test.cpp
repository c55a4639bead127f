// Against the plain definition: cut the whole text at the first stop text.
#include "runtime/exec/StopWatcher.h"
#include <algorithm>
#include <gtest/gtest.h>
#include <random>

using hetagon::StopWatcher;

TEST(StopWatcher, RandomTextsInRandomPieces) {
  for (uint32_t seed = 0; seed < 3000; ++seed) {
    std::mt19937 random(seed);
    auto letters = [&](size_t count) {
      std::string text(count, 'a');
      for (char &c : text)
        c = char('a' + random() % 3);
      return text;
    };
    std::vector<std::string> stops(random() % 4);
    for (std::string &stop : stops)
      stop = letters(1 + random() % 5);
    std::string text = letters(random() % 60);
    StopWatcher watcher(stops);
    std::string shown, fed;
    bool stopped = false;
    for (size_t at = 0; at < text.size();) {
      std::string piece = text.substr(at, 1 + random() % 4);
      at += piece.size();
      fed += piece;
      stopped = watcher.add(piece);
      shown += watcher.take(false);
      ASSERT_TRUE(watcher.whole().starts_with(shown));
      if (stopped)
        break;
    }
    shown += watcher.take(true);
    // A longer stop text may begin earlier than one that was complete first.
    size_t first = std::string::npos;
    for (const std::string &stop : stops)
      first = std::min(first, fed.find(stop));
    EXPECT_EQ(stopped, first != std::string::npos);
    EXPECT_EQ(shown, fed.substr(0, first));
    EXPECT_EQ(watcher.whole(), shown);
  }
}
