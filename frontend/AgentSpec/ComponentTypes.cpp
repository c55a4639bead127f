// The table itself, and look-ups in it.
#include "frontend/AgentSpec/ComponentTypes.h"
#include <algorithm>
#include <map>

namespace hetagon {

namespace {

constexpr std::string_view versionNames[] = {"25.3.0", "25.3.1", "25.4.0",
                                             "25.4.1", "25.4.2", "26.1.0",
                                             "26.1.2", "26.3.1"};

/// A field under construction: Field with words that read like a sentence.
struct F : Field {
  F(std::string_view fieldName, FieldKind fieldKind) {
    name = fieldName;
    kind = fieldKind;
  }
  F &must() { return required = true, *this; }
  F &orNull() { return nullable = true, *this; }
  F &type(std::string_view types) { return of = types, *this; }
  F &oneOf(std::vector<std::string_view> list) {
    return words = std::move(list), *this;
  }
  F &atLeast(double bound) { return least = bound, *this; }
  F &moreThan(double bound) { return least = bound, above = true, *this; }
  F &notEmpty() { return minLength = 1, *this; }
  F &from(SpecVersion version) { return since = version, *this; }
  F &whenSetFrom(SpecVersion version) {
    return since = version, sinceWhenSet = true, *this;
  }
};

using K = FieldKind;
using V = SpecVersion;

F text(std::string_view name) { return F(name, K::Text); }
F boolean(std::string_view name) { return F(name, K::Boolean); }
F integer(std::string_view name) { return F(name, K::Integer); }
F number(std::string_view name) { return F(name, K::Number); }
F any(std::string_view name) { return F(name, K::Any); }
F anyMap(std::string_view name) { return F(name, K::AnyMap); }
F textMap(std::string_view name) { return F(name, K::TextMap); }
F texts(std::string_view name) { return F(name, K::TextList); }
F word(std::string_view name, std::vector<std::string_view> words) {
  return F(name, K::Word).oneOf(std::move(words));
}
F component(std::string_view name, std::string_view type) {
  return F(name, K::Component).type(type);
}
F components(std::string_view name, std::string_view type) {
  return F(name, K::ComponentList).type(type);
}
F record(std::string_view name, std::string_view type) {
  return F(name, K::Record).type(type);
}
F retryPolicy(SpecVersion since = V::v26_1_2) {
  return record("retry_policy", "RetryPolicy").orNull().from(since);
}

struct Declaration {
  std::string_view name, base;
  bool abstract;
  SpecVersion since;
  std::vector<F> fields;
};

std::vector<Declaration> declarations() {
  const std::vector<std::string_view> openAiApi = {"chat_completions",
                                                   "responses"};
  auto type = [](std::string_view name, std::string_view base,
                 std::vector<F> fields = {}, V since = V::v25_4_1) {
    return Declaration{name, base, false, since, std::move(fields)};
  };
  auto abstract = [](std::string_view name, std::string_view base,
                     std::vector<F> fields = {}, V since = V::v25_4_1) {
    return Declaration{name, base, true, since, std::move(fields)};
  };
  auto httpCall = [] {
    return std::vector<F>{text("url").must(),
                          text("http_method").must(),
                          text("api_spec_uri").orNull(),
                          any("data"),
                          anyMap("query_params"),
                          anyMap("headers"),
                          anyMap("sensitive_headers").whenSetFrom(V::v25_4_2),
                          texts("url_allow_list").orNull().from(V::v26_1_2),
                          retryPolicy()};
  };
  auto certificates = [] {
    return std::vector<F>{text("key_file").must(), text("cert_file").must(),
                          text("ca_file").must()};
  };
  auto mapNode = [] {
    return std::vector<F>{component("subflow", "Flow").must(),
                          F("reducers", K::WordMap)
                              .oneOf({"append", "sum", "average", "max", "min"})
                              .orNull()};
  };
  auto summarizer = [](std::vector<F> own) {
    std::vector<F> fields = {component("llm", "LlmConfig").must()};
    fields.insert(fields.end(), own.begin(), own.end());
    fields.push_back(text("summarization_instructions"));
    fields.push_back(text("cache_collection_name"));
    fields.push_back(integer("max_cache_size").orNull().moreThan(0));
    fields.push_back(integer("max_cache_lifetime").orNull().moreThan(0));
    fields.push_back(component("datastore", "InMemoryCollectionDatastore|"
                                            "OracleDatabaseDatastore|"
                                            "PostgresDatabaseDatastore")
                         .orNull());
    return fields;
  };

  return {
      abstract("Component", "",
               {text("id"), text("name").must(), text("description").orNull(),
                anyMap("metadata").orNull()}),
      abstract("ComponentWithIO", "Component",
               {F("inputs", K::Properties).orNull(),
                F("outputs", K::Properties).orNull()}),
      abstract("AgenticComponent", "ComponentWithIO"),

      // Flows, their edges and nodes.
      type("Flow", "AgenticComponent",
           {component("start_node", "Node").must(),
            components("nodes", "Node").must(),
            components("control_flow_connections", "ControlFlowEdge").must(),
            components("data_flow_connections", "DataFlowEdge").orNull()}),
      type("ControlFlowEdge", "Component",
           {component("from_node", "Node").must(), text("from_branch").orNull(),
            component("to_node", "Node").must()}),
      type("DataFlowEdge", "Component",
           {component("source_node", "Node").must(),
            text("source_output").must(),
            component("destination_node", "Node").must(),
            text("destination_input").must()}),
      abstract("Node", "ComponentWithIO", {texts("branches")}),
      type("StartNode", "Node"),
      type("EndNode", "Node", {text("branch_name")}),
      type("LlmNode", "Node",
           {component("llm_config", "LlmConfig").must(),
            text("prompt_template").must()}),
      type("ToolNode", "Node", {component("tool", "Tool").must()}),
      type("ApiNode", "Node", httpCall()),
      type("AgentNode", "Node",
           {component("agent", "AgenticComponent").must()}),
      type("FlowNode", "Node", {component("subflow", "Flow").must()}),
      type("MapNode", "Node", mapNode()),
      type("ParallelMapNode", "Node", mapNode(), V::v25_4_2),
      type("ParallelFlowNode", "Node", {components("subflows", "Flow")},
           V::v25_4_2),
      type("BranchingNode", "Node", {textMap("mapping").must()}),
      type("InputMessageNode", "Node", {text("message").orNull()}),
      type("OutputMessageNode", "Node", {text("message").must()}),
      type("CatchExceptionNode", "Node", {component("subflow", "Flow").must()},
           V::v26_1_2),

      // Tools.
      abstract("Tool", "ComponentWithIO",
               {boolean("requires_confirmation").whenSetFrom(V::v25_4_2)}),
      type("ServerTool", "Tool"),
      type("ClientTool", "Tool"),
      type("BuiltinTool", "Tool",
           {text("tool_type").must(), anyMap("configuration").orNull(),
            F("executor_name", K::TextOrList).orNull(),
            text("tool_version").orNull()},
           V::v25_4_2),
      type("RemoteTool", "Tool", httpCall()),
      type("MCPTool", "Tool",
           {component("client_transport", "ClientTransport").must(),
            retryPolicy(V::v26_3_1)}),
      type("MCPToolSpec", "ComponentWithIO",
           {boolean("requires_confirmation").whenSetFrom(V::v25_4_2)}),
      abstract("ToolBox", "Component",
               {boolean("requires_confirmation").whenSetFrom(V::v26_1_2)}),
      type("MCPToolBox", "ToolBox",
           {component("client_transport", "ClientTransport").must(),
            retryPolicy(V::v26_3_1),
            F("tool_filter", K::ComponentsOrNames)
                .type("MCPToolSpec")
                .orNull()}),

      // Transports of the Model Context Protocol.
      abstract("ClientTransport", "Component",
               {record("session_parameters", "SessionParameters")}),
      type("StdioTransport", "ClientTransport",
           {text("command").must(), texts("args"), textMap("env").orNull(),
            text("cwd").orNull()}),
      abstract("RemoteTransport", "ClientTransport",
               {text("url").must(),
                component("auth", "AuthConfig").orNull().from(V::v26_1_2),
                textMap("headers").orNull(),
                textMap("sensitive_headers").orNull().whenSetFrom(V::v25_4_2),
                retryPolicy()}),
      type("SSETransport", "RemoteTransport"),
      type("SSEmTLSTransport", "SSETransport", certificates()),
      type("StreamableHTTPTransport", "RemoteTransport"),
      type("StreamableHTTPmTLSTransport", "StreamableHTTPTransport",
           certificates()),
      abstract("AuthConfig", "Component"),
      type("OAuthConfig", "AuthConfig",
           {text("issuer").orNull(),
            record("endpoints", "OAuthEndpoints").orNull(),
            component("client", "OAuthClientConfig").must(),
            text("redirect_uri").must(), F("scopes", K::TextOrList).orNull(),
            word("scope_policy", {"use_challenge_or_supported", "fixed"})
                .orNull(),
            record("pkce", "PKCEPolicy").orNull(), text("resource").orNull()},
           V::v26_1_2),
      type("OAuthClientConfig", "Component",
           {word("type", {"pre_registered", "client_id_metadata_document",
                          "dynamic_registration"})
                .must(),
            text("client_id").orNull(), text("client_secret").orNull(),
            text("token_endpoint_auth_method").orNull(),
            text("client_id_metadata_url").orNull(),
            text("registration_endpoint").orNull()},
           V::v26_1_2),

      // Models.
      type("LlmConfig", "Component",
           {text("model_id").must(), text("provider").orNull(),
            text("api_provider").orNull(), text("api_type").orNull(),
            text("url").orNull(), text("api_key").orNull(),
            record("default_generation_parameters", "GenerationParameters")
                .orNull(),
            retryPolicy()}),
      type("OpenAiCompatibleConfig", "LlmConfig",
           {text("url").must(), text("model_id").must(),
            word("api_type", openAiApi).whenSetFrom(V::v25_4_2),
            text("api_key").orNull().from(V::v25_4_2),
            text("key_file").orNull().from(V::v26_1_2),
            text("cert_file").orNull().from(V::v26_1_2),
            text("ca_file").orNull().from(V::v26_1_2)}),
      type("VllmConfig", "OpenAiCompatibleConfig",
           {word("api_provider", {"vllm"})}),
      type("OllamaConfig", "OpenAiCompatibleConfig",
           {word("api_provider", {"ollama"})}),
      type("OpenAiConfig", "LlmConfig",
           {word("provider", {"openai"}), word("api_provider", {"openai"}),
            word("api_type", openAiApi).whenSetFrom(V::v25_4_2),
            text("api_key").orNull().from(V::v25_4_2)}),
      type("GeminiConfig", "LlmConfig",
           {component("auth", "GeminiAuthConfig").must(),
            word("provider", {"google"})},
           V::v26_1_2),
      abstract("GeminiAuthConfig", "Component", {}, V::v26_1_2),
      type("GeminiAIStudioAuthConfig", "GeminiAuthConfig",
           {text("api_key").orNull()}, V::v26_1_2),
      type("GeminiVertexAIAuthConfig", "GeminiAuthConfig",
           {text("project_id").orNull(), text("location"),
            F("credentials", K::TextOrMap).orNull()},
           V::v26_1_2),
      type("OciGenAiConfig", "LlmConfig",
           {word("api_provider", {"oci"}), text("compartment_id").must(),
            word("serving_mode", {"ON_DEMAND", "DEDICATED"}),
            word("provider", {"META", "GROK", "XAI", "COHERE", "OTHER"})
                .orNull(),
            component("client_config", "OciClientConfig").must(),
            word("api_type",
                 {"oci", "openai_chat_completions", "openai_responses"})
                .whenSetFrom(V::v25_4_2),
            text("conversation_store_id").orNull().from(V::v25_4_2)}),
      abstract("OciClientConfig", "Component",
               {text("service_endpoint").must(),
                word("auth_type", {"SECURITY_TOKEN", "INSTANCE_PRINCIPAL",
                                   "RESOURCE_PRINCIPAL", "API_KEY"})
                    .must()}),
      type("OciClientConfigWithSecurityToken", "OciClientConfig",
           {text("auth_profile").must(), text("auth_file_location").must(),
            word("auth_type", {"SECURITY_TOKEN"})}),
      type("OciClientConfigWithInstancePrincipal", "OciClientConfig",
           {word("auth_type", {"INSTANCE_PRINCIPAL"})}),
      type("OciClientConfigWithResourcePrincipal", "OciClientConfig",
           {word("auth_type", {"RESOURCE_PRINCIPAL"})}),
      type("OciClientConfigWithApiKey", "OciClientConfig",
           {text("auth_profile").must(), text("auth_file_location").must(),
            word("auth_type", {"API_KEY"})}),
      type("DbmsVectorChainLlmConfig", "LlmConfig",
           {text("model_id").must().notEmpty(),
            text("provider").must().notEmpty(), text("url").must().notEmpty(),
            word("host", {"local"}).orNull(),
            text("credential_name").orNull().notEmpty(),
            integer("transfer_timeout").orNull().atLeast(0),
            component("connection_config", "OracleDatabaseConnectionConfig")
                .orNull()},
           V::v26_3_1),

      // Agents and their combinations.
      type("Agent", "AgenticComponent",
           {component("llm_config", "LlmConfig").must(),
            text("system_prompt").must(), components("tools", "Tool"),
            components("toolboxes", "ToolBox").whenSetFrom(V::v25_4_2),
            boolean("human_in_the_loop"),
            components("transforms", "MessageTransform")
                .whenSetFrom(V::v26_1_2)}),
      type("SpecializedAgent", "AgenticComponent",
           {component("agent", "Agent").must(),
            component("agent_specialization_parameters",
                      "AgentSpecializationParameters")
                .must()},
           V::v25_4_2),
      type("AgentSpecializationParameters", "ComponentWithIO",
           {text("additional_instructions").orNull(),
            components("additional_tools", "Tool").orNull(),
            boolean("human_in_the_loop").orNull()},
           V::v25_4_2),
      type("Swarm", "AgenticComponent",
           {component("first_agent", "AgenticComponent").must(),
            F("relationships", K::ComponentPairs)
                .type("AgenticComponent")
                .must(),
            F("handoff", K::Handoff).oneOf({"never", "optional", "always"})},
           V::v25_4_2),
      type("ManagerWorkers", "AgenticComponent",
           {component("group_manager", "AgenticComponent").must(),
            components("workers", "AgenticComponent").must()},
           V::v25_4_2),
      abstract("RemoteAgent", "AgenticComponent"),
      type("A2AAgent", "RemoteAgent",
           {text("agent_url").must(),
            component("connection_config", "A2AConnectionConfig").must(),
            record("session_parameters", "A2ASessionParameters")},
           V::v25_4_2),
      type("A2AConnectionConfig", "Component",
           {number("timeout"), textMap("headers").orNull(), boolean("verify"),
            text("key_file").orNull(), text("cert_file").orNull(),
            text("ssl_ca_cert").orNull(), retryPolicy()},
           V::v25_4_2),
      type("OciAgent", "RemoteAgent",
           {text("agent_endpoint_id").must(),
            component("client_config", "OciClientConfig").must(),
            retryPolicy()}),

      // Data stores and message transforms.
      abstract("Datastore", "Component", {}, V::v26_1_2),
      abstract("RelationalDatastore", "Datastore",
               {F("datastore_schema", K::Entities).must()}, V::v26_1_2),
      type("InMemoryCollectionDatastore", "Datastore",
           {F("datastore_schema", K::Entities).must()}, V::v26_1_2),
      abstract("OracleDatabaseConnectionConfig", "Component", {}, V::v26_1_2),
      type("OracleDatabaseDatastore", "RelationalDatastore",
           {component("connection_config", "OracleDatabaseConnectionConfig")
                .must()},
           V::v26_1_2),
      type("TlsOracleDatabaseConnectionConfig",
           "OracleDatabaseConnectionConfig",
           {text("user").must(), text("password").must(), text("dsn").must(),
            text("config_dir").orNull(), word("protocol", {"tcp", "tcps"})},
           V::v26_1_2),
      type("MTlsOracleDatabaseConnectionConfig",
           "TlsOracleDatabaseConnectionConfig",
           {text("wallet_location").must(), text("wallet_password").must()},
           V::v26_1_2),
      abstract("PostgresDatabaseConnectionConfig", "Component", {}, V::v26_1_2),
      type("PostgresDatabaseDatastore", "RelationalDatastore",
           {component("connection_config", "PostgresDatabaseConnectionConfig")
                .must()},
           V::v26_1_2),
      type("TlsPostgresDatabaseConnectionConfig",
           "PostgresDatabaseConnectionConfig",
           {text("user").must(), text("password").must(), text("url").must(),
            word("sslmode", {"disable", "allow", "prefer", "require",
                             "verify-ca", "verify-full"}),
            text("sslcert").orNull(), text("sslkey").orNull(),
            text("sslrootcert").orNull(), text("sslcrl").orNull()},
           V::v26_1_2),
      abstract("MessageTransform", "Component", {}, V::v26_1_2),
      type("MessageSummarizationTransform", "MessageTransform",
           summarizer({integer("max_message_size").moreThan(0),
                       text("summarized_message_template")}),
           V::v26_1_2),
      type("ConversationSummarizationTransform", "MessageTransform",
           summarizer({integer("max_num_messages").orNull().moreThan(0),
                       integer("max_num_characters").orNull().moreThan(0),
                       integer("min_num_messages").moreThan(0),
                       text("summarized_conversation_template")}),
           V::v26_1_2),
  };
}

std::vector<Declaration> recordDeclarations() {
  auto make = [](std::string_view name, std::vector<F> fields) {
    return Declaration{name, "", false, V::v25_4_1, std::move(fields)};
  };
  return {
      make("RetryPolicy",
           {integer("max_attempts").atLeast(0),
            number("request_timeout").orNull().moreThan(0),
            number("initial_retry_delay").atLeast(0),
            number("max_retry_delay").atLeast(0),
            number("backoff_factor").moreThan(0),
            word("jitter", {"equal", "full", "full_and_equal_for_throttle",
                            "decorrelated"})
                .orNull(),
            boolean("service_error_retry_on_any_5xx"),
            any("recoverable_statuses")}),
      make("SessionParameters", {number("read_timeout_seconds")}),
      make("A2ASessionParameters", {number("timeout"), number("poll_interval"),
                                    integer("max_retries")}),
      make("GenerationParameters",
           {integer("max_tokens").orNull(), number("temperature").orNull(),
            number("top_p").orNull()}),
      make("OAuthEndpoints",
           {text("authorization_endpoint").must(),
            text("token_endpoint").must(), text("refresh_endpoint").orNull(),
            text("revocation_endpoint").orNull(),
            text("userinfo_endpoint").orNull()}),
      make("PKCEPolicy",
           {boolean("required"), word("method", {"plain", "S256"})}),
  };
}

using Table = std::map<std::string_view, ComponentType>;

Table build(const std::vector<Declaration> &list) {
  Table table;
  auto add = [&](auto &&self, const Declaration &declared) -> ComponentType & {
    if (auto known = table.find(declared.name); known != table.end())
      return known->second;
    ComponentType made;
    if (!declared.base.empty()) {
      auto base =
          std::find_if(list.begin(), list.end(), [&](const Declaration &d) {
            return d.name == declared.base;
          });
      made.fields = self(self, *base).fields;
    }
    made.name = declared.name;
    made.base = declared.base;
    made.abstract = declared.abstract;
    made.since = declared.since;
    for (const F &field : declared.fields) {
      auto inherited = std::find_if(
          made.fields.begin(), made.fields.end(),
          [&](const Field &other) { return other.name == field.name; });
      if (inherited == made.fields.end())
        made.fields.push_back(field);
      else
        *inherited = field;
    }
    return table.emplace(declared.name, std::move(made)).first->second;
  };
  for (const Declaration &declared : list)
    add(add, declared);
  return table;
}

const Table &types() {
  static const Table table = build(declarations());
  return table;
}

} // namespace

std::string_view specVersionName(SpecVersion version) {
  return versionNames[size_t(version)];
}

const std::vector<std::string_view> &specVersionNames() {
  static const std::vector<std::string_view> names(std::begin(versionNames),
                                                   std::end(versionNames));
  return names;
}

const Field *ComponentType::find(std::string_view field) const {
  for (const Field &candidate : fields)
    if (candidate.name == field)
      return &candidate;
  return nullptr;
}

bool ComponentType::isA(std::string_view ancestor) const {
  for (const ComponentType *type = this; type;
       type = findComponentType(type->base))
    if (type->name == ancestor)
      return true;
  return false;
}

const ComponentType *findComponentType(std::string_view name) {
  auto found = types().find(name);
  return found == types().end() ? nullptr : &found->second;
}

const ComponentType *findRecord(std::string_view name) {
  static const Table records = build(recordDeclarations());
  auto found = records.find(name);
  return found == records.end() ? nullptr : &found->second;
}

const std::vector<std::string_view> &componentTypeNames() {
  static const std::vector<std::string_view> names = [] {
    std::vector<std::string_view> list;
    for (const auto &[name, type] : types())
      if (!type.abstract)
        list.push_back(name);
    return list;
  }();
  return names;
}

bool isAnyOf(const ComponentType &type, std::string_view bases) {
  while (!bases.empty()) {
    size_t bar = std::min(bases.find('|'), bases.size());
    if (type.isA(bases.substr(0, bar)))
      return true;
    bases.remove_prefix(std::min(bar + 1, bases.size()));
  }
  return false;
}

std::vector<std::string_view> componentTypesUnder(std::string_view bases) {
  std::vector<std::string_view> list;
  for (std::string_view name : componentTypeNames())
    if (isAnyOf(*findComponentType(name), bases))
      list.push_back(name);
  return list;
}

} // namespace hetagon
