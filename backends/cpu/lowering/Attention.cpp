// Attention kernels: appending to the paged cache, causal attention over it,
// and attention inside segments of an encoder's batch.
#include "backends/cpu/lowering/AttentionCore.h"
#include "backends/cpu/lowering/Columns.h"
#include "llvm/ADT/bit.h"

namespace hetagon::cpu {

namespace {

/// Most rows that one work item takes: a block of keys is transposed once for
/// them. Few rows are dealt out more finely, so that all parts have work.
constexpr int64_t maxItemRows = 16;
/// Keys that segment attention takes at a time.
constexpr int64_t segmentBlock = 32;

std::string scaleName(double scale) {
  return std::to_string(llvm::bit_cast<uint32_t>(static_cast<float>(scale)));
}

Val loadNumber(Emitter &e, Val list, Val index) {
  return e.extendSigned(e.load(e.i32, e.at(list, index * 4), 0, 4), e.i64);
}

/// Address of a head's keys or values in a page.
Val headAddress(Emitter &e, const KvSpec &kv, Val pool, Val page, Val layer,
                int64_t which, Val head) {
  Val index = (layer * 2 + which) * kv.heads + head;
  return e.at(pool, page * kv.pageBytes() + index * kv.headBytes());
}

/// f32 lanes in the cache's format.
Val narrow(Emitter &e, const KvSpec &kv, Val value) {
  if (kv.format == WeightFormat::F32)
    return value;
  if (kv.format == WeightFormat::F16)
    return e.bitcast(
        e.make<mlir::arith::TruncFOp>(e.vec(e.f16), mlir::Value(value)),
        e.vec(e.i16));
  // bf16: round to nearest even on the bits.
  Val bits = e.bitcast(value, e.vi32);
  Val odd = e.shiftRight(bits, 16) & 1;
  return e.truncate(e.shiftRight(bits + odd + 0x7fff, 16), e.i16);
}

/// Calls body(begin, end) for the runs of rows in [from, to) that have equal
/// numbers in `list`.
void forRuns(Emitter &e, Val list, Val from, Val to,
             llvm::function_ref<void(Val, Val)> body) {
  e.loopWhile(
      {from}, [&](const Vals &state) { return state[0] < to; },
      [&](const Vals &state) {
        Val begin = state[0], number = loadNumber(e, list, state[0]);
        Vals end = e.loopWhile(
            {begin + 1},
            [&](const Vals &row) {
              // Beyond the end the last row is read again and the bound
              // decides.
              Val readable = e.min(row[0], to - 1);
              return (row[0] < to) & (loadNumber(e, list, readable) == number);
            },
            [&](const Vals &row) { return Vals{row[0] + 1}; });
        body(begin, end[0]);
        return Vals{end[0]};
      });
}

/// Calls body(head, first row, past row) for the part's share of all
/// (row group, head) pairs, dealt out in turn: later rows cost more.
void forItems(Emitter &e, const KernelFrame &frame, Val rows, int64_t heads,
              llvm::function_ref<void(Val, Val, Val)> body) {
  Val itemRows = e.min(e.max(rows / 8, e.index(1)), e.index(maxItemRows));
  Val groups = (rows + itemRows - 1) / itemRows;
  Val items = groups * heads;
  e.loopWhile(
      {frame.part}, [&](const Vals &state) { return state[0] < items; },
      [&](const Vals &state) {
        Val head = state[0] % heads, begin = state[0] / heads * itemRows;
        body(head, begin, e.min(begin + itemRows, rows));
        return Vals{state[0] + frame.parts};
      });
}

} // namespace

std::string KvSpec::name() const {
  return "l" + std::to_string(layers) + "h" + std::to_string(heads) + "d" +
         std::to_string(headDim) + "t" + std::to_string(pageTokens) + "_" +
         formatName(format).str();
}

std::string requireKvAppend(KernelSet &set, const KvSpec &kv) {
  auto body = [&](Emitter &e, const KernelFrame &frame) {
    Val sources[2] = {frame.binding(0), frame.binding(1)};
    Val pool = frame.binding(2), rowSeq = frame.binding(3);
    Val positions = frame.binding(4), pageTable = frame.binding(5);
    Val layer = frame.constant(1), seqs = frame.constant(2);
    Val maxPages = frame.constant(3), pages = frame.constant(4);
    Val zero = e.index(0), bad = e.integer(e.i32, 1);
    Share share = shareOf(e, frame, frame.constant(0));
    auto emitRow = [&](Val row, const Vals &carried) {
      Val seq = loadNumber(e, rowSeq, row);
      Val position = loadNumber(e, positions, row);
      Val column = position / kv.pageTokens, slot = position % kv.pageTokens;
      Val known = (zero <= seq) & (seq < seqs) & (zero <= position) &
                  (column < maxPages);
      Val entry = e.select(known, seq * maxPages + column, zero);
      Val page = loadNumber(e, pageTable, entry);
      Val inside = known & (zero <= page) & (page < pages);
      e.when(inside, [&] {
        e.loop(0, kv.heads, 1, [&](Val head) {
          Val from = (row * kv.heads + head) * (kv.headDim * 4);
          for (int64_t which : {0, 1}) {
            Val source = e.at(sources[which], from);
            Val target =
                e.at(headAddress(e, kv, pool, page, layer, which, head),
                     slot * (kv.headDim * kv.elementBytes()));
            forColumns(e, kv.headDim, [&](const Lanes &lanes) {
              Val value = narrow(e, kv, loadLanes(e, source, lanes));
              Val to = e.at(target, lanes.first * kv.elementBytes());
              if (lanes.mask)
                e.maskedStore(value, lanes.mask, to);
              else
                e.store(value, to);
            });
          }
        });
      });
      return Vals{e.select(inside, carried[0], bad)};
    };
    return e.loop(share.begin, share.end, 1, {e.integer(e.i32, 0)}, emitRow)[0];
  };
  constexpr uint64_t writesPool = 1 << 2;
  return set.require({"kv_append_" + kv.name(), 6, 5, 0, writesPool}, body);
}

std::string requireAttention(KernelSet &set, const AttentionSpec &spec) {
  const KvSpec &kv = spec.kv;
  int64_t group = spec.heads / kv.heads;
  int64_t states = maxItemRows * group;
  auto body = [&](Emitter &e, const KernelFrame &frame) {
    Val queries = frame.binding(0), pool = frame.binding(1);
    Val rowSeq = frame.binding(2), positions = frame.binding(3);
    Val pageTable = frame.binding(4), result = frame.binding(5);
    Val layer = frame.constant(1), maxPages = frame.constant(2);
    AttentionCore core(e, frame.scratch, kv.headDim, kv.pageTokens, kv.format,
                       spec.scale);
    int64_t columns = spec.heads * kv.headDim;
    int64_t targetRow = rowBytes(spec.output, columns);
    int64_t targetHead = rowBytes(spec.output, kv.headDim);

    // The heads of one group of `together` adjacent rows against positions
    // [begin, end) of one page.
    auto attendRows = [&](Val head, Val row, int64_t together, Val slot,
                          Val begin, Val end, Val values) {
      llvm::SmallVector<AttentionCore::Query> list;
      auto flush = [&] {
        core.attend(list, begin, end, [&](Val token) {
          return e.at(values, token * (kv.headDim * kv.elementBytes()));
        });
        list.clear();
      };
      for (int64_t i = 0; i < together; ++i)
        for (int64_t g = 0; g < group; ++g) {
          Val column = (head * group + g) * kv.headDim;
          list.push_back({e.at(queries, ((row + i) * columns + column) * 4),
                          core.state((slot + i) * group + g)});
          if (int64_t(list.size()) == core.maxQueries())
            flush();
        }
      if (!list.empty())
        flush();
    };
    // The slots of a page that a row sees: an empty range when it sees none.
    auto rangeOf = [&](Val row, Val page) {
      Val position = loadNumber(e, positions, row);
      Val pageBegin = page * kv.pageTokens;
      Val begin = e.index(0);
      if (spec.window)
        begin = e.max(position - (spec.window - 1) - pageBegin, begin);
      return Share{begin,
                   e.min(position + 1 - pageBegin, e.index(kv.pageTokens))};
    };
    // All rows of a run against one page. Rows that see the whole page go
    // together where registers allow: the arithmetic of each is the same.
    int64_t pair = std::max<int64_t>(1, core.maxQueries() / group);
    auto attendPage = [&](Val head, Val begin, Val end, Val page, Val values) {
      auto attendOne = [&](Val row) {
        Share seen = rangeOf(row, page);
        e.when(seen.begin < seen.end, [&] {
          attendRows(head, row, 1, row - begin, seen.begin, seen.end, values);
        });
      };
      Val paired = begin + (end - begin) / pair * pair;
      if (pair > 1)
        e.loop(begin, paired, pair, [&](Val row) {
          Val whole = e.integer(e.i1, 1);
          for (int64_t i = 0; i < pair; ++i) {
            Share seen = rangeOf(row + i, page);
            whole = whole & (seen.begin == 0) & (seen.end == kv.pageTokens);
          }
          e.when(whole, [&] {
            attendRows(head, row, pair, row - begin, e.index(0),
                       e.index(kv.pageTokens), values);
          });
          e.when(whole == e.integer(e.i1, 0),
                 [&] { e.loop(row, row + pair, 1, attendOne); });
        });
      e.loop(pair > 1 ? paired : begin, end, 1, attendOne);
    };

    auto attendRun = [&](Val head, Val begin, Val end) {
      e.loop(e.index(0), (end - begin) * group, 1,
             [&](Val index) { core.clearState(core.state(index)); });
      // Pages from the earliest that any row of the run sees to the last.
      Vals range = e.loop(begin, end, 1, {e.index(INT32_MAX), e.index(-1)},
                          [&](Val row, const Vals &seen) {
                            Val position = loadNumber(e, positions, row);
                            return Vals{e.min(seen[0], position),
                                        e.max(seen[1], position)};
                          });
      Val firstPage = e.index(0);
      if (spec.window)
        firstPage =
            e.max(range[0] - (spec.window - 1), e.index(0)) / kv.pageTokens;
      Val pastPage = (range[1] + kv.pageTokens) / kv.pageTokens;
      Val pages = e.at(pageTable, loadNumber(e, rowSeq, begin) * maxPages * 4);
      int64_t tokenBytes = kv.headDim * kv.elementBytes();
      e.loop(firstPage, pastPage, 1, [&](Val page) {
        Val number = loadNumber(e, pages, page);
        Val keys = headAddress(e, kv, pool, number, layer, 0, head);
        Val values = headAddress(e, kv, pool, number, layer, 1, head);
        // Pages lie far apart: the next one is fetched while this one computes.
        Val next = loadNumber(e, pages, e.min(page + 1, pastPage - 1));
        Val nextKeys = headAddress(e, kv, pool, next, layer, 0, head);
        Val nextValues = headAddress(e, kv, pool, next, layer, 1, head);
        core.transposeKeys([&](Val token) {
          for (int64_t line = 0; line < tokenBytes; line += 64)
            for (Val ahead : {nextKeys, nextValues})
              e.prefetch(e.at(ahead, token * tokenBytes), line, 2);
          return e.at(keys, token * tokenBytes);
        });
        attendPage(head, begin, end, page, values);
      });
      e.loop(begin, end, 1, [&](Val row) {
        e.loop(0, group, 1, [&](Val g) {
          Val target =
              e.at(result, row * targetRow + (head * group + g) * targetHead);
          core.finish(core.state((row - begin) * group + g), target,
                      spec.output);
        });
      });
    };
    forItems(e, frame, frame.constant(0), kv.heads,
             [&](Val head, Val begin, Val end) {
               forRuns(e, rowSeq, begin, end, [&](Val runBegin, Val runEnd) {
                 attendRun(head, runBegin, runEnd);
               });
             });
    return Val();
  };
  std::string name = "attention_" + kv.name() + "_heads" +
                     std::to_string(spec.heads) + "_scale" +
                     scaleName(spec.scale);
  if (spec.window)
    name += "_window" + std::to_string(spec.window);
  name += formSuffix(spec.output);
  uint64_t scratch =
      AttentionCore::scratchBytes(kv.headDim, kv.pageTokens, states);
  return set.require({name, 6, 3, scratch}, body);
}

std::string requireSegmentAttention(KernelSet &set,
                                    const SegmentAttentionSpec &spec) {
  int64_t columns = spec.heads * spec.headDim;
  auto body = [&](Emitter &e, const KernelFrame &frame) {
    Val queries = frame.binding(0), keys = frame.binding(1);
    Val values = frame.binding(2), rowBegin = frame.binding(3);
    Val rowEnd = frame.binding(4), result = frame.binding(5);
    Val rows = frame.constant(0);
    AttentionCore core(e, frame.scratch, spec.headDim, segmentBlock,
                       WeightFormat::F32, spec.scale);
    auto address = [&](Val base, Val row, Val head) {
      return e.at(base, (row * columns + head * spec.headDim) * 4);
    };
    auto attendBlock = [&](Val head, Val begin, Val end, Val first, Val past) {
      core.transposeKeys([&](Val token) {
        return address(keys, e.min(first + token, past - 1), head);
      });
      Val count = e.min(past - first, e.index(segmentBlock));
      Val from = begin;
      for (int64_t together = core.maxQueries(); together >= 1; together /= 2) {
        Val to = from + (end - from) / together * together;
        e.loop(from, to, together, [&](Val row) {
          llvm::SmallVector<AttentionCore::Query> list;
          for (int64_t i = 0; i < together; ++i)
            list.push_back(
                {address(queries, row + i, head), core.state(row + i - begin)});
          core.attend(list, e.index(0), count, [&](Val token) {
            return address(values, first + token, head);
          });
        });
        from = to;
      }
    };
    auto attendRun = [&](Val head, Val begin, Val end) {
      e.loop(e.index(0), end - begin, 1,
             [&](Val index) { core.clearState(core.state(index)); });
      Val segment = loadNumber(e, rowBegin, begin);
      Val past = loadNumber(e, rowEnd, begin);
      e.loop(segment, past, segmentBlock,
             [&](Val first) { attendBlock(head, begin, end, first, past); });
      e.loop(begin, end, 1, [&](Val row) {
        core.finish(core.state(row - begin), address(result, row, head),
                    RowForm::F32);
      });
    };
    // A segment outside the rows would read beyond the buffers.
    Vals status =
        e.loop(e.index(0), rows, 1, {e.integer(e.i32, 0)},
               [&](Val row, const Vals &carried) {
                 Val begin = loadNumber(e, rowBegin, row);
                 Val end = loadNumber(e, rowEnd, row);
                 Val inside =
                     (e.index(0) <= begin) & (begin < end) & (end <= rows);
                 return Vals{e.select(inside, carried[0], e.integer(e.i32, 1))};
               });
    e.when(status[0] == 0, [&] {
      forItems(e, frame, rows, spec.heads, [&](Val head, Val begin, Val end) {
        forRuns(e, rowBegin, begin, end, [&](Val runBegin, Val runEnd) {
          attendRun(head, runBegin, runEnd);
        });
      });
    });
    return status[0];
  };
  return set.require({"segment_attention_" + std::to_string(spec.heads) + "x" +
                          std::to_string(spec.headDim) + "_scale" +
                          scaleName(spec.scale),
                      6, 1,
                      static_cast<uint64_t>(AttentionCore::scratchBytes(
                          spec.headDim, segmentBlock, maxItemRows))},
                     body);
}

} // namespace hetagon::cpu
