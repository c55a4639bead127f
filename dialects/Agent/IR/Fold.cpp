// Folds and canonicalisations: what is known moves into the templates.
#include "dialects/Agent/IR/Agent.h"
#include "dialects/Agent/IR/Template.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace hetagon::agent;

OpFoldResult ConstantOp::fold(FoldAdaptor) { return getValueAttr(); }

// A node that a requirement measures stays a node.
OpFoldResult RenderOp::fold(FoldAdaptor) {
  bool isMeasured = llvm::any_of(getResult().getUsers(), [](Operation *user) {
    return isa<RequireOp>(user);
  });
  if (!getInputs().empty() || isMeasured)
    return nullptr;
  return getTextTemplateAttr();
}

namespace {
/// render "Dear {{name}}"("name" = constant "Ada") -> render "Dear Ada"().
/// A constant that itself holds braces stays an operand: its braces are text,
/// not placeholders. JSON stays too: how it appears as text is for the runtime.
template <typename Op> struct FillTemplateWithConstant : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;

  LogicalResult matchAndRewrite(Op op,
                                PatternRewriter &rewriter) const override {
    for (auto [index, input] : llvm::enumerate(op.getInputs())) {
      auto constant = input.template getDefiningOp<ConstantOp>();
      if (!constant || !isa<TextType>(constant.getType()) ||
          constant.getValue().contains("{{") ||
          constant.getValue().contains("}}"))
        continue;
      StringRef name = cast<StringAttr>(op.getInputNames()[index]).getValue();
      rewriter.modifyOpInPlace(op, [&] {
        for (StringAttr attribute : templatesOf(op)) {
          StringRef text = cast<StringAttr>(op->getAttr(attribute));
          op->setAttr(attribute, rewriter.getStringAttr(fillTemplate(
                                     text, name, constant.getValue())));
        }
        SmallVector<Attribute> names(op.getInputNames().getValue());
        names.erase(names.begin() + index);
        op.setInputNamesAttr(rewriter.getArrayAttr(names));
        op->eraseOperand(index);
      });
      return success();
    }
    return rewriter.notifyMatchFailure(op, "no input is a known plain text");
  }

private:
  static SmallVector<StringAttr> templatesOf(RenderOp op) {
    return {op.getTextTemplateAttrName()};
  }
  static SmallVector<StringAttr> templatesOf(GenerateOp op) {
    SmallVector<StringAttr> names = {op.getPromptAttrName()};
    if (op.getSystem())
      names.push_back(op.getSystemAttrName());
    return names;
  }
};
} // namespace

void RenderOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                           MLIRContext *context) {
  patterns.add<FillTemplateWithConstant<RenderOp>>(context);
}

void GenerateOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                             MLIRContext *context) {
  patterns.add<FillTemplateWithConstant<GenerateOp>>(context);
}
