// The interface of every operation that becomes a step of the plan.
#ifndef HETAGON_DIALECTS_TASK_IR_TASKINTERFACES_TD
#define HETAGON_DIALECTS_TASK_IR_TASKINTERFACES_TD

include "mlir/IR/OpBase.td"

def Task_StepOpInterface : OpInterface<"StepOpInterface"> {
  let cppNamespace = "::hetagon::task";
  let description = [{
    A step: it has a name, unique in its graph, and stands for one node of the
    user's. Common to all steps, and each optional, are the attributes read by
    the methods with a body here.
  }];
  let methods = [
    InterfaceMethod<"The step's name.", "::llvm::StringRef", "getStep">,
    InterfaceMethod<"The user's node; the step's own name unless stated.",
                    "::llvm::StringRef", "getNode", (ins), "", [{
      auto node = $_op->template getAttrOfType<::mlir::StringAttr>("node");
      return node ? node.getValue() : $_op.getStep();
    }]>,
    InterfaceMethod<"Names of steps that must have finished, beyond operands.",
                    "::llvm::SmallVector<::llvm::StringRef>", "getAfter", (ins),
                    "", [{
      ::llvm::SmallVector<::llvm::StringRef> names;
      if (auto after = $_op->template getAttrOfType<::mlir::ArrayAttr>("after"))
        for (auto name : after.template getAsRange<::mlir::StringAttr>())
          names.push_back(name.getValue());
      return names;
    }]>,
    InterfaceMethod<"Classes of the data that the step sees.",
                    "::llvm::SmallVector<::llvm::StringRef>", "getDataClasses",
                    (ins), "", [{
      ::llvm::SmallVector<::llvm::StringRef> names;
      if (auto classes =
              $_op->template getAttrOfType<::mlir::ArrayAttr>("data_classes"))
        for (auto name :
             classes.template getAsRange<::mlir::FlatSymbolRefAttr>())
          names.push_back(name.getValue());
      return names;
    }]>,
    InterfaceMethod<"The service it asks, null for none.",
                    "::mlir::FlatSymbolRefAttr", "getServiceRef", (ins), "", [{
      return $_op->template getAttrOfType<::mlir::FlatSymbolRefAttr>("service");
    }]>,
    InterfaceMethod<"What it takes, null where nobody knows.",
                    "::mlir::Attribute", "getCostAttribute", (ins), "", [{
      return $_op->getAttr("cost");
    }]>,
  ];
  let verify = "return ::hetagon::task::verifyStep($_op);";
}

#endif // HETAGON_DIALECTS_TASK_IR_TASKINTERFACES_TD
