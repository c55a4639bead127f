// Masked column loops.
#include "backends/cpu/lowering/Columns.h"
#include "backends/cpu/lowering/Layout.h"
#include "backends/cpu/lowering/Math.h"

namespace hetagon::cpu {

Val loadLanes(Emitter &e, Val row, const Lanes &lanes) {
  Val address = e.at(row, lanes.first * 4);
  return lanes.mask ? e.maskedLoad(e.vf32, lanes.mask, address)
                    : e.load(e.vf32, address);
}

void storeLanes(Emitter &e, Val value, Val row, const Lanes &lanes) {
  Val address = e.at(row, lanes.first * 4);
  if (lanes.mask)
    e.maskedStore(value, lanes.mask, address);
  else
    e.store(value, address);
}

Vals forColumns(Emitter &e, int64_t columns, const Vals &carried,
                llvm::function_ref<Vals(const Lanes &, const Vals &)> body) {
  int64_t whole = columns / Emitter::lanes * Emitter::lanes;
  Vals state = carried;
  if (whole > 0)
    state = e.loop(e.index(0), e.index(whole), Emitter::lanes, carried,
                   [&](Val first, const Vals &values) {
                     return body({first, Val()}, values);
                   });
  if (whole < columns)
    state = body(
        {e.index(whole), e.laneIndices() < e.integer(e.vi32, columns - whole)},
        state);
  return state;
}

void forColumns(Emitter &e, int64_t columns,
                llvm::function_ref<void(const Lanes &)> body) {
  forColumns(e, columns, {}, [&](const Lanes &lanes, const Vals &) {
    body(lanes);
    return Vals{};
  });
}

void forRows(Emitter &e, const KernelFrame &frame, Val rows,
             llvm::function_ref<void(Val)> body) {
  Share share = shareOf(e, frame, rows);
  e.loop(share.begin, share.end, 1, body);
}

void storeRow(Emitter &e, int64_t columns, RowForm form, Val target,
              llvm::function_ref<Val(const Lanes &)> value) {
  if (form == RowForm::F32)
    return forColumns(e, columns, [&](const Lanes &lanes) {
      storeLanes(e, value(lanes), target, lanes);
    });
  e.loop(0, columns / QuantisedBlock::elements, 1, [&](Val block) {
    Val first = block * QuantisedBlock::elements;
    Val low = value({first, Val()});
    Val high = value({first + Emitter::lanes, Val()});
    emitQuantiseBlock(e, form, low, high,
                      e.at(target, block * QuantisedBlock::size(form)));
  });
}

} // namespace hetagon::cpu
