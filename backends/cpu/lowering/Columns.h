// Loops over the columns of a row in vectors of 16, the last one masked when
// the row's length is no multiple.
#ifndef HETAGON_BACKENDS_CPU_LOWERING_COLUMNS_H
#define HETAGON_BACKENDS_CPU_LOWERING_COLUMNS_H

#include "backends/cpu/lowering/KernelSet.h"
#include "backends/cpu/lowering/Layout.h"

namespace hetagon::cpu {

/// Sixteen adjacent columns, or fewer at the end of a row.
struct Lanes {
  Val first; ///< the first column's number
  Val mask;  ///< empty: all sixteen
};

/// f32 columns of a row; absent lanes read as zero.
Val loadLanes(Emitter &e, Val row, const Lanes &lanes);
void storeLanes(Emitter &e, Val value, Val row, const Lanes &lanes);

/// Calls `body` for all columns in order with carried values.
Vals forColumns(Emitter &e, int64_t columns, const Vals &carried,
                llvm::function_ref<Vals(const Lanes &, const Vals &)> body);
void forColumns(Emitter &e, int64_t columns,
                llvm::function_ref<void(const Lanes &)> body);

/// Calls `body` for the part's share of `rows`.
void forRows(Emitter &e, const KernelFrame &frame, Val rows,
             llvm::function_ref<void(Val)> body);

/// Stores value(lanes) for all columns of a row; `columns` is a multiple of 32
/// where the form is quantised.
void storeRow(Emitter &e, int64_t columns, RowForm form, Val target,
              llvm::function_ref<Val(const Lanes &)> value);

} // namespace hetagon::cpu

#endif // HETAGON_BACKENDS_CPU_LOWERING_COLUMNS_H
