// Everything of the agent dialect, for tablegen.
include "dialects/Agent/IR/AgentControl.td"
include "dialects/Agent/IR/AgentModels.td"
include "dialects/Agent/IR/AgentRequirements.td"
include "dialects/Agent/IR/AgentStructure.td"
include "dialects/Agent/IR/AgentSymbols.td"
include "dialects/Agent/IR/AgentText.td"
include "dialects/Agent/IR/AgentTools.td"
