// Byte-level BPE. Pieces are lists of token ids, starting with one id for each
// byte; a heap holds the mergeable pairs, so that a piece of n bytes takes
// O(n log n) whatever it contains.
#include "runtime/models/BpeTokenizer.h"
#include <algorithm>
#include <bit>

namespace hetagon {

namespace {

/// The printable alphabet of byte-level vocabularies: bytes that are visible
/// in Latin-1 stand for themselves, the others for U+0100 and up in order.
constexpr std::array<uint16_t, 256> makeAlphabet() {
  std::array<uint16_t, 256> alphabet = {};
  uint16_t next = 256;
  for (unsigned byte = 0; byte < 256; ++byte) {
    bool visible = (byte >= '!' && byte <= '~') ||
                   (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
    alphabet[byte] = visible ? uint16_t(byte) : next++;
  }
  return alphabet;
}

constexpr std::array<uint16_t, 256> alphabet = makeAlphabet();

/// The reverse; -1 for code points outside the alphabet.
constexpr std::array<int16_t, 512> makeReverse() {
  std::array<int16_t, 512> reverse = {};
  for (int16_t &entry : reverse)
    entry = -1;
  for (unsigned byte = 0; byte < 256; ++byte)
    reverse[alphabet[byte]] = int16_t(byte);
  return reverse;
}

constexpr std::array<int16_t, 512> reverseAlphabet = makeReverse();

void appendSpelled(uint8_t byte, std::string &out) {
  uint16_t point = alphabet[byte];
  if (point < 0x80) {
    out += char(point);
  } else {
    out += char(0xC0 | point >> 6);
    out += char(0x80 | (point & 0x3F));
  }
}

uint64_t pairOf(int32_t left, int32_t right) {
  return uint64_t(uint32_t(left)) << 32 | uint32_t(right);
}

uint64_t mix(uint64_t key) {
  key *= 0x9E3779B97F4A7C15;
  return key ^ key >> 32;
}

} // namespace

/// Reused from piece to piece of one text.
struct BpeTokenizer::Scratch {
  struct Symbol {
    int32_t id; ///< -1: no token, or merged into its left neighbour
    int32_t previous, next;
  };
  struct Candidate {
    uint32_t rank;
    int32_t left;
    int32_t leftId, rightId, merged;
    /// Heap order: the lowest rank, then the leftmost, on top.
    bool operator<(const Candidate &other) const {
      return rank != other.rank ? rank > other.rank : left > other.left;
    }
  };
  std::vector<Symbol> symbols;
  std::vector<Candidate> heap;
  std::string spelled;
};

Status BpeTokenizer::prepare() {
  HETAGON_RETURN_IF_ERROR(checkOptions({"whole_piece_first"}));
  HETAGON_ASSIGN_OR_RETURN(wholePieceFirst, flag("whole_piece_first", false));
  HETAGON_ASSIGN_OR_RETURN(splitter,
                           TextSplitter::create(settings.splitPatterns));
  for (unsigned byte = 0; byte < 256; ++byte) {
    std::string spelled;
    appendSpelled(uint8_t(byte), spelled);
    byteTokens[byte] = find(spelled).value_or(-1);
  }
  if (vocab.merges.size() > maxMerges)
    return Status(Code::InvalidArgument,
                  "vocabulary: it has " + std::to_string(vocab.merges.size()) +
                      " merges; at most " + std::to_string(maxMerges) +
                      " are supported");
  merges.resize(std::bit_ceil(vocab.merges.size() * 3 / 2 + 16));
  for (uint32_t rank = 0; rank < vocab.merges.size(); ++rank)
    HETAGON_RETURN_IF_ERROR(addMerge(rank));
  return Status::ok();
}

Status BpeTokenizer::addMerge(uint32_t rank) {
  const auto &[left, right] = vocab.merges[rank];
  auto leftId = find(left), rightId = find(right), merged = find(left + right);
  if (!leftId || !rightId || !merged) {
    const std::string &missing = !leftId    ? left
                                 : !rightId ? right
                                            : left + right;
    return Status(Code::InvalidArgument, "vocabulary: merge " +
                                             std::to_string(rank) + " needs '" +
                                             validUtf8(missing.substr(0, 80)) +
                                             "', which is not a token");
  }
  uint64_t pair = pairOf(*leftId, *rightId);
  size_t slot = mix(pair) & (merges.size() - 1);
  while (merges[slot].pair != emptyPair && merges[slot].pair != pair)
    slot = (slot + 1) & (merges.size() - 1);
  if (merges[slot].pair == emptyPair)
    merges[slot] = {pair, rank, *merged};
  return Status::ok();
}

const BpeTokenizer::Merge *BpeTokenizer::findMerge(int32_t left,
                                                   int32_t right) const {
  if (left < 0 || right < 0)
    return nullptr;
  uint64_t pair = pairOf(left, right);
  for (size_t slot = mix(pair) & (merges.size() - 1);
       merges[slot].pair != emptyPair; slot = (slot + 1) & (merges.size() - 1))
    if (merges[slot].pair == pair)
      return &merges[slot];
  return nullptr;
}

void BpeTokenizer::encodePiece(std::string_view piece, Scratch &scratch,
                               std::vector<int32_t> &ids) const {
  if (wholePieceFirst) {
    scratch.spelled.clear();
    for (char c : piece)
      appendSpelled(uint8_t(c), scratch.spelled);
    auto whole = find(scratch.spelled);
    if (whole && kind(*whole) == TokenKind::Normal) {
      ids.push_back(*whole);
      return;
    }
  }
  auto &symbols = scratch.symbols;
  auto &heap = scratch.heap;
  symbols.resize(piece.size());
  heap.clear();
  const int32_t count = int32_t(piece.size());
  for (int32_t i = 0; i < count; ++i)
    symbols[i] = {byteTokens[uint8_t(piece[i])], i - 1,
                  i + 1 < count ? i + 1 : -1};
  auto candidate = [&](int32_t left,
                       int32_t right) -> std::optional<Scratch::Candidate> {
    if (left < 0 || right < 0)
      return std::nullopt;
    const Merge *merge = findMerge(symbols[left].id, symbols[right].id);
    if (!merge)
      return std::nullopt;
    return Scratch::Candidate{merge->rank, left, symbols[left].id,
                              symbols[right].id, merge->merged};
  };
  for (int32_t i = 0; i + 1 < count; ++i)
    if (auto found = candidate(i, i + 1))
      heap.push_back(*found);
  std::make_heap(heap.begin(), heap.end());
  auto push = [&](int32_t left, int32_t right) {
    if (auto found = candidate(left, right)) {
      heap.push_back(*found);
      std::push_heap(heap.begin(), heap.end());
    }
  };
  while (!heap.empty()) {
    std::pop_heap(heap.begin(), heap.end());
    Scratch::Candidate best = heap.back();
    heap.pop_back();
    Scratch::Symbol &left = symbols[best.left];
    // A candidate is stale when either side has been merged since.
    if (left.id != best.leftId || left.next < 0 ||
        symbols[left.next].id != best.rightId)
      continue;
    int32_t gone = left.next;
    left.id = best.merged;
    left.next = symbols[gone].next;
    symbols[gone].id = -1;
    if (left.next >= 0)
      symbols[left.next].previous = best.left;
    push(left.previous, best.left);
    push(best.left, left.next);
  }
  for (int32_t i = 0; i >= 0; i = symbols[i].next)
    if (symbols[i].id >= 0)
      ids.push_back(symbols[i].id);
}

Status BpeTokenizer::encodePlain(std::string_view text, bool,
                                 std::vector<int32_t> &ids) const {
  Scratch scratch;
  return splitter->split(
      text, [&](std::string_view piece) { encodePiece(piece, scratch, ids); });
}

std::string BpeTokenizer::bytesOf(uint32_t id) const {
  const std::string &spelled = vocab.tokens[id];
  std::string bytes;
  for (size_t i = 0; i < spelled.size(); ++i) {
    uint8_t lead = spelled[i];
    unsigned point = lead;
    if (lead >= 0x80) {
      if (i + 1 == spelled.size() || lead < 0xC2 || lead > 0xC7)
        return spelled;
      point = (lead & 0x1Fu) << 6 | (uint8_t(spelled[++i]) & 0x3Fu);
    }
    // A token outside the alphabet stands for its own text.
    if (point >= reverseAlphabet.size() || reverseAlphabet[point] < 0)
      return spelled;
    bytes += char(reverseAlphabet[point]);
  }
  return bytes;
}

} // namespace hetagon
