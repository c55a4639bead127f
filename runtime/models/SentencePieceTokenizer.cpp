// SentencePiece BPE with a heap of the pairs that form a token.
#include "runtime/models/SentencePieceTokenizer.h"
#include <algorithm>
#include <cmath>

namespace hetagon {

namespace {

constexpr std::string_view spaceMark = "\xE2\x96\x81"; // U+2581

struct Symbol {
  uint32_t begin, length; ///< length 0: merged into its left neighbour
  int32_t previous, next;
};

struct Candidate {
  float score;
  int32_t left;
  uint32_t leftLength, length;
  /// Heap order: the highest score, then the leftmost, on top.
  bool operator<(const Candidate &other) const {
    return score != other.score ? score < other.score : left > other.left;
  }
};

/// The value of "<0xNN>", or -1.
int byteValue(std::string_view spelling) {
  auto digit = [](char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
  };
  if (spelling.size() != 6 || !spelling.starts_with("<0x") ||
      spelling[5] != '>' || digit(spelling[3]) < 0 || digit(spelling[4]) < 0)
    return -1;
  return digit(spelling[3]) * 16 + digit(spelling[4]);
}

size_t leadLength(uint8_t lead) {
  return lead < 0xC0 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
}

} // namespace

Status SentencePieceTokenizer::prepare() {
  HETAGON_RETURN_IF_ERROR(checkOptions({"space_prefix"}));
  HETAGON_ASSIGN_OR_RETURN(spacePrefix, flag("space_prefix", true));
  if (vocab.scores.empty())
    return Status(Code::InvalidArgument,
                  "vocabulary: sentencepiece needs a score for each token");
  byteTokens.fill(-1);
  for (size_t id = 0; id < size(); ++id) {
    const std::string &spelling = vocab.tokens[id];
    if (std::isnan(vocab.scores[id]))
      return Status(Code::InvalidArgument, "vocabulary: the score of token " +
                                               std::to_string(id) +
                                               " is not a number");
    TokenKind kind = this->kind(int32_t(id));
    if (kind == TokenKind::Byte) {
      int value = byteValue(spelling);
      if (value < 0)
        return Status(Code::InvalidArgument, "vocabulary: byte token " +
                                                 std::to_string(id) +
                                                 " is not spelled <0xNN>");
      byteTokens[size_t(value)] = int32_t(id);
    } else if (!spelling.empty() &&
               (kind == TokenKind::Normal || kind == TokenKind::UserDefined)) {
      longest = std::max(longest, spelling.size());
    }
  }
  return Status::ok();
}

int32_t SentencePieceTokenizer::findMergeable(std::string_view text) const {
  if (text.size() > longest)
    return -1;
  int32_t id = find(text).value_or(-1);
  TokenKind kind = this->kind(id);
  return kind == TokenKind::Normal || kind == TokenKind::UserDefined ? id : -1;
}

Status SentencePieceTokenizer::encodePlain(std::string_view text,
                                           bool afterSpecial,
                                           std::vector<int32_t> &ids) const {
  std::string marked;
  marked.reserve(text.size() + text.size() / 4 + spaceMark.size());
  if (spacePrefix && afterSpecial)
    marked += spaceMark;
  for (char c : text)
    if (c == ' ')
      marked += spaceMark;
    else
      marked += c;
  std::string_view all = marked;

  std::vector<Symbol> symbols;
  symbols.reserve(all.size());
  for (size_t at = 0; at < all.size();) {
    size_t length = std::min(leadLength(uint8_t(all[at])), all.size() - at);
    for (size_t i = 1; i < length; ++i)
      if ((uint8_t(all[at + i]) & 0xC0) != 0x80)
        length = i;
    int32_t index = int32_t(symbols.size());
    symbols.push_back({uint32_t(at), uint32_t(length), index - 1, index + 1});
    at += length;
  }
  if (symbols.empty())
    return Status::ok();
  symbols.back().next = -1;

  std::vector<Candidate> heap;
  auto push = [&](int32_t left, int32_t right) {
    if (left < 0 || right < 0)
      return;
    const Symbol &a = symbols[left], &b = symbols[right];
    int32_t id = findMergeable(all.substr(a.begin, a.length + b.length));
    if (id < 0)
      return;
    heap.push_back({vocab.scores[id], left, a.length, a.length + b.length});
    std::push_heap(heap.begin(), heap.end());
  };
  for (int32_t i = 0; i + 1 < int32_t(symbols.size()); ++i)
    push(i, i + 1);
  while (!heap.empty()) {
    std::pop_heap(heap.begin(), heap.end());
    Candidate best = heap.back();
    heap.pop_back();
    Symbol &left = symbols[best.left];
    // A candidate is stale when either side has been merged since.
    if (left.length != best.leftLength || left.next < 0 ||
        left.length + symbols[left.next].length != best.length)
      continue;
    int32_t gone = left.next;
    left.length = best.length;
    left.next = symbols[gone].next;
    symbols[gone].length = 0;
    if (left.next >= 0)
      symbols[left.next].previous = best.left;
    push(left.previous, best.left);
    push(best.left, left.next);
  }

  for (int32_t i = 0; i >= 0; i = symbols[i].next) {
    std::string_view piece = all.substr(symbols[i].begin, symbols[i].length);
    if (int32_t id = findMergeable(piece); id >= 0) {
      ids.push_back(id);
      continue;
    }
    bool asBytes = std::ranges::all_of(
        piece, [&](char c) { return byteTokens[uint8_t(c)] >= 0; });
    if (asBytes)
      for (char c : piece)
        ids.push_back(byteTokens[uint8_t(c)]);
    else if (vocab.unknown)
      ids.push_back(int32_t(*vocab.unknown));
    else
      return Status(Code::InvalidArgument,
                    "the vocabulary has no token for '" + validUtf8(piece) +
                        "', and neither byte tokens nor an unknown token");
  }
  return Status::ok();
}

std::string SentencePieceTokenizer::bytesOf(uint32_t id) const {
  const std::string &spelling = vocab.tokens[id];
  if (kind(int32_t(id)) == TokenKind::Byte)
    return std::string(1, char(byteValue(spelling)));
  std::string bytes;
  for (size_t at = 0; at < spelling.size();) {
    if (spelling.compare(at, spaceMark.size(), spaceMark) == 0) {
      bytes += ' ';
      at += spaceMark.size();
    } else {
      bytes += spelling[at++];
    }
  }
  return bytes;
}

std::string_view
SentencePieceTokenizer::trimFirst(std::string_view text) const {
  return spacePrefix && text.starts_with(' ') ? text.substr(1) : text;
}

} // namespace hetagon
