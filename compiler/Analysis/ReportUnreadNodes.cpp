// Warns about nodes that dead-code elimination is going to drop.
#include "compiler/Analysis/Passes.h"
#include "mlir/IR/Iterators.h"
#include "llvm/ADT/SmallPtrSet.h"

namespace hetagon {
#define GEN_PASS_DEF_REPORTUNREADNODES
#include "compiler/Analysis/Passes.h.inc"
} // namespace hetagon

using namespace mlir;
using namespace hetagon;

namespace {
struct ReportUnreadNodesPass
    : hetagon::impl::ReportUnreadNodesBase<ReportUnreadNodesPass> {
  void runOnOperation() override {
    // Readers come after what they read, so that one walk backwards finds whole
    // chains.
    llvm::SmallPtrSet<Operation *, 8> dropped;
    getOperation().walk<WalkOrder::PostOrder, mlir::ReverseIterator>(
        [&](agent::NodeOpInterface node) {
          bool isRead = llvm::any_of(node->getUsers(), [&](Operation *user) {
            return !dropped.contains(user);
          });
          if (isRead || !wouldOpBeTriviallyDead(node))
            return;
          dropped.insert(node);
          InFlightDiagnostic diag =
              node.emitWarning() << "node '" << node.getNode()
                                 << "' will not run: nobody reads its output "
                                    "and it has no effects";
          diag.attachNote() << "make its output one of the flow's, or state "
                               "what it writes";
        });
    markAllAnalysesPreserved();
  }
};
} // namespace
