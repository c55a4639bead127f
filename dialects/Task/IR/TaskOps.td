// Everything of the task dialect, for tablegen.
include "dialects/Task/IR/TaskScenarios.td"
include "dialects/Task/IR/TaskSteps.td"
include "dialects/Task/IR/TaskStructure.td"
include "dialects/Task/IR/TaskSymbols.td"
include "dialects/Task/IR/TaskSystem.td"
