// Gives the precompiled MLIR header a target to belong to.
