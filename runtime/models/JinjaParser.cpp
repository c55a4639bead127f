// Tokens to syntax tree, by recursive descent. Precedence, loosest first:
// inline if, or, and, not, comparison, + -, ~, * / // %, sign, postfix, filter.
#include "runtime/models/JinjaAst.h"
#include <algorithm>
#include <initializer_list>

namespace hetagon {

namespace {

using Token = JinjaToken::Kind;
using Kind = JinjaNode::Kind;

/// After the first error, every method returns null quickly and `failure`
/// holds it.
class Parser {
public:
  Parser(std::vector<JinjaToken> tokens, const std::string &name)
      : tokens(std::move(tokens)), name(name) {}

  StatusOr<JinjaNodePtr> run() {
    JinjaNodePtr root = body({});
    if (failure.isOk() && peek().kind != Token::End)
      fail("an unexpected tag");
    if (!failure.isOk())
      return failure;
    return root;
  }

private:
  using Node = std::shared_ptr<JinjaNode>;

  const JinjaToken &peek(size_t ahead = 0) const {
    return tokens[std::min(at + ahead, tokens.size() - 1)];
  }
  bool isOp(std::string_view op) const {
    return peek().kind == Token::Operator && peek().text == op;
  }
  bool isName(std::string_view word, size_t ahead = 0) const {
    return peek(ahead).kind == Token::Name && peek(ahead).text == word;
  }
  bool skipOp(std::string_view op) {
    bool found = isOp(op);
    at += found;
    return found;
  }
  bool skipName(std::string_view word) {
    bool found = isName(word);
    at += found;
    return found;
  }
  JinjaNodePtr fail(std::string message) {
    if (failure.isOk())
      failure = Status(Code::InvalidArgument, std::move(message),
                       Place{name, peek().line, peek().column, {}});
    at = tokens.size() - 1;
    return nullptr;
  }
  bool failed() const { return !failure.isOk(); }
  void expectOp(std::string_view op) {
    if (!skipOp(op))
      fail("'" + std::string(op) + "' is missing here");
  }
  std::string expectName() {
    if (peek().kind != Token::Name) {
      fail("a name is missing here");
      return {};
    }
    return tokens[at++].text;
  }
  void expectBlockEnd() {
    if (peek().kind == Token::BlockEnd)
      ++at;
    else
      fail("the tag should end here");
  }

  Node make(Kind kind) const {
    auto node = std::make_shared<JinjaNode>();
    node->kind = kind;
    node->line = peek().line;
    node->column = peek().column;
    return node;
  }
  void add(Node &node, JinjaNodePtr child) {
    if (child && child->depth >= maxJinjaDepth)
      fail("nested more than " + std::to_string(maxJinjaDepth) +
           " levels deep");
    if (child)
      node->depth = std::max(node->depth, child->depth + 1);
    node->children.push_back(std::move(child));
  }
  /// Counts the parser's own recursion.
  struct Deeper {
    explicit Deeper(Parser &parser) : parser(parser) {
      if (++parser.depth > maxJinjaDepth / 2)
        parser.fail("nested too deep");
    }
    ~Deeper() { --parser.depth; }
    Parser &parser;
  };

  // Statements.

  bool atBlock(std::initializer_list<std::string_view> words) const {
    return peek().kind == Token::BlockBegin &&
           std::ranges::any_of(
               words, [&](std::string_view word) { return isName(word, 1); });
  }

  /// Statements up to a tag that begins with one of `ends`, which stays.
  JinjaNodePtr body(std::initializer_list<std::string_view> ends) {
    Deeper deeper(*this);
    Node node = make(Kind::Sequence);
    while (!failed() && peek().kind != Token::End && !atBlock(ends)) {
      if (peek().kind == Token::Text) {
        Node text = make(Kind::Text);
        text->text = tokens[at++].text;
        add(node, text);
      } else if (peek().kind == Token::PrintBegin) {
        Node print = make(Kind::Print);
        ++at;
        add(print, tuple());
        if (peek().kind != Token::PrintEnd)
          return fail("the expression should end here");
        ++at;
        add(node, print);
      } else {
        add(node, statement());
      }
    }
    return node;
  }

  /// Consumes `{% word %}` where the body stopped.
  void end(std::string_view word) {
    if (!atBlock({word})) {
      fail("'{% " + std::string(word) + " %}' is missing");
      return;
    }
    at += 2;
    expectBlockEnd();
  }

  JinjaNodePtr statement() {
    ++at;
    if (skipName("if"))
      return ifStatement();
    if (skipName("for"))
      return forStatement();
    if (skipName("set"))
      return setStatement();
    if (skipName("macro"))
      return macroStatement();
    if (skipName("generation")) {
      expectBlockEnd();
      JinjaNodePtr inner = body({"endgeneration"});
      end("endgeneration");
      return inner;
    }
    for (auto [word, kind] : {std::pair("break", Kind::Break),
                              std::pair("continue", Kind::Continue)}) {
      if (!isName(word))
        continue;
      if (loops == 0)
        return fail(std::string(word) + " outside of a loop");
      Node node = make(kind);
      ++at;
      expectBlockEnd();
      return node;
    }
    return fail(peek().kind == Token::Name
                    ? "the tag '" + peek().text + "' is not supported here"
                    : "a tag without a name");
  }

  JinjaNodePtr ifStatement() {
    Node node = make(Kind::If);
    while (!failed()) {
      add(node, expression());
      expectBlockEnd();
      add(node, body({"elif", "else", "endif"}));
      if (!atBlock({"elif"}))
        break;
      at += 2;
    }
    if (atBlock({"else"})) {
      end("else");
      add(node, body({"endif"}));
    }
    end("endif");
    return node;
  }

  void targets(JinjaNode &node) {
    bool parenthesis = skipOp("(");
    do
      node.names.push_back(expectName());
    while (!failed() && skipOp(",") && peek().kind == Token::Name);
    if (parenthesis)
      expectOp(")");
  }

  JinjaNodePtr forStatement() {
    Node node = make(Kind::For);
    targets(*node);
    if (!skipName("in"))
      return fail("'in' is missing here");
    add(node, tuple(/*conditional=*/false));
    add(node, skipName("if") ? expression() : nullptr);
    if (isName("recursive"))
      return fail("recursive loops are not supported");
    expectBlockEnd();
    ++loops;
    add(node, body({"else", "endfor"}));
    --loops;
    if (atBlock({"else"})) {
      end("else");
      add(node, body({"endfor"}));
    } else {
      add(node, nullptr);
    }
    end("endfor");
    return node;
  }

  JinjaNodePtr setStatement() {
    Node node = make(Kind::Set);
    targets(*node);
    if (skipOp(".")) {
      if (node->names.size() != 1)
        return fail("an attribute cannot be one of several targets");
      node->text = expectName();
    }
    if (skipOp("=")) {
      add(node, tuple());
      expectBlockEnd();
      return node;
    }
    if (node->names.size() != 1)
      return fail("'=' is missing here");
    expectBlockEnd();
    node->flag = true;
    add(node, body({"endset"}));
    end("endset");
    return node;
  }

  JinjaNodePtr macroStatement() {
    Node node = make(Kind::Macro);
    node->text = expectName();
    std::vector<JinjaNodePtr> defaults;
    expectOp("(");
    while (!failed() && !isOp(")")) {
      node->names.push_back(expectName());
      if (skipOp("="))
        defaults.push_back(expression());
      else if (!defaults.empty())
        return fail("a parameter without default after one with");
      if (!isOp(")"))
        expectOp(",");
    }
    expectOp(")");
    expectBlockEnd();
    uint32_t outerLoops = std::exchange(loops, 0);
    add(node, body({"endmacro"}));
    loops = outerLoops;
    end("endmacro");
    for (JinjaNodePtr &value : defaults)
      add(node, std::move(value));
    return node;
  }

  // Expressions.

  /// One expression, or several with commas between them as a tuple.
  JinjaNodePtr tuple(bool conditional = true) {
    Node node = make(Kind::List);
    JinjaNodePtr first = conditional ? expression() : orExpression();
    if (!isOp(","))
      return first;
    node->flag = true;
    add(node, first);
    while (!failed() && skipOp(",")) {
      if (peek().kind == Token::BlockEnd || peek().kind == Token::PrintEnd ||
          isOp(")"))
        break;
      add(node, conditional ? expression() : orExpression());
    }
    return node;
  }

  JinjaNodePtr expression() {
    Deeper deeper(*this);
    if (failed())
      return nullptr;
    JinjaNodePtr value = orExpression();
    while (!failed() && isName("if")) {
      Node node = make(Kind::Conditional);
      ++at;
      add(node, value);
      add(node, orExpression());
      add(node, skipName("else") ? expression() : nullptr);
      value = node;
    }
    return value;
  }

  JinjaNodePtr orExpression() {
    JinjaNodePtr left = andExpression();
    while (!failed() && isName("or"))
      left = binary("or", left, &Parser::andExpression);
    return left;
  }
  JinjaNodePtr andExpression() {
    JinjaNodePtr left = notExpression();
    while (!failed() && isName("and"))
      left = binary("and", left, &Parser::notExpression);
    return left;
  }
  JinjaNodePtr binary(std::string op, JinjaNodePtr left,
                      JinjaNodePtr (Parser::*right)()) {
    Node node = make(Kind::Binary);
    ++at;
    node->text = std::move(op);
    add(node, std::move(left));
    add(node, (this->*right)());
    return node;
  }
  JinjaNodePtr notExpression() {
    Deeper deeper(*this);
    if (failed() || !isName("not"))
      return comparison();
    Node node = make(Kind::Unary);
    ++at;
    node->text = "not";
    add(node, notExpression());
    return node;
  }

  JinjaNodePtr comparison() {
    Node node = make(Kind::Compare);
    JinjaNodePtr first = sum();
    while (!failed()) {
      std::string op;
      if (peek().kind == Token::Operator &&
          (isOp("==") || isOp("!=") || isOp("<") || isOp("<=") || isOp(">") ||
           isOp(">=")))
        op = tokens[at++].text;
      else if (skipName("in"))
        op = "in";
      else if (isName("not") && isName("in", 1)) {
        at += 2;
        op = "not in";
      } else
        break;
      if (node->children.empty())
        add(node, first);
      node->names.push_back(op);
      add(node, sum());
    }
    return node->children.empty() ? first : node;
  }

  JinjaNodePtr sum() {
    JinjaNodePtr left = concatenation();
    while (!failed() && (isOp("+") || isOp("-")))
      left = binary(peek().text, left, &Parser::concatenation);
    return left;
  }
  JinjaNodePtr concatenation() {
    JinjaNodePtr left = product();
    while (!failed() && isOp("~"))
      left = binary("~", left, &Parser::product);
    return left;
  }
  JinjaNodePtr product() {
    JinjaNodePtr left = signedValue();
    while (!failed() && (isOp("*") || isOp("/") || isOp("//") || isOp("%")))
      left = binary(peek().text, left, &Parser::signedValue);
    if (isOp("**"))
      return fail("the operator '**' is not supported");
    return left;
  }

  JinjaNodePtr signedValue() { return filters(signedOnly()); }
  JinjaNodePtr signedOnly() {
    Deeper deeper(*this);
    if (failed() || (!isOp("-") && !isOp("+")))
      return postfix(primary());
    Node node = make(Kind::Unary);
    node->text = tokens[at++].text;
    add(node, signedOnly());
    return node;
  }

  JinjaNodePtr primary() {
    Node node = make(Kind::String);
    const JinjaToken &token = peek();
    switch (token.kind) {
    case Token::String:
      while (peek().kind == Token::String)
        node->text += tokens[at++].text;
      return node;
    case Token::Integer:
      node->kind = Kind::Integer;
      node->integer = token.integer;
      ++at;
      return node;
    case Token::Float:
      node->kind = Kind::Float;
      node->number = token.number;
      ++at;
      return node;
    case Token::Name: {
      std::string word = token.text;
      ++at;
      for (std::string_view constant : {"true", "false", "none"}) {
        std::string title(constant);
        title[0] = char(title[0] - 'a' + 'A');
        if (word != constant && word != title)
          continue;
        node->kind = Kind::Constant;
        node->text = constant;
        return node;
      }
      for (std::string_view reserved :
           {"if", "else", "elif", "and", "or", "not", "in", "is", "for"})
        if (word == reserved) {
          --at;
          return fail("an expression is missing before '" + word + "'");
        }
      node->kind = Kind::Name;
      node->text = std::move(word);
      return node;
    }
    default:
      break;
    }
    if (skipOp("(")) {
      if (skipOp(")")) {
        node->kind = Kind::List;
        node->flag = true;
        return node;
      }
      JinjaNodePtr inner = tuple();
      expectOp(")");
      return inner;
    }
    if (skipOp("[")) {
      node->kind = Kind::List;
      while (!failed() && !isOp("]")) {
        add(node, expression());
        if (!isOp("]"))
          expectOp(",");
      }
      expectOp("]");
      return node;
    }
    if (skipOp("{")) {
      node->kind = Kind::Dict;
      while (!failed() && !isOp("}")) {
        add(node, expression());
        expectOp(":");
        add(node, expression());
        if (!isOp("}"))
          expectOp(",");
      }
      expectOp("}");
      return node;
    }
    return fail("an expression is missing here");
  }

  JinjaNodePtr postfix(JinjaNodePtr value) {
    while (!failed()) {
      if (isOp(".")) {
        Node node = make(Kind::Attribute);
        ++at;
        add(node, value);
        if (peek().kind == Token::Integer) {
          node->kind = Kind::Subscript;
          add(node, primary());
        } else {
          node->text = expectName();
        }
        value = node;
      } else if (isOp("[")) {
        value = subscript(value);
      } else if (isOp("(")) {
        Node node = make(Kind::Call);
        add(node, value);
        arguments(node);
        value = node;
      } else {
        break;
      }
    }
    return value;
  }

  JinjaNodePtr subscript(JinjaNodePtr value) {
    Node node = make(Kind::Subscript);
    ++at;
    add(node, value);
    if (!isOp(":"))
      add(node, expression());
    if (isOp(":")) {
      node->kind = Kind::Slice;
      if (node->children.size() == 1)
        add(node, nullptr);
      for (int part = 0; part < 2; ++part) {
        bool given = skipOp(":") && !isOp(":") && !isOp("]");
        add(node, given ? expression() : nullptr);
      }
    }
    expectOp("]");
    return node;
  }

  /// "(a, b, key=c)"; one entry of `names` for each.
  void arguments(Node &node) {
    expectOp("(");
    while (!failed() && !isOp(")")) {
      std::string keyword;
      if (peek().kind == Token::Name && peek(1).kind == Token::Operator &&
          peek(1).text == "=") {
        keyword = peek().text;
        at += 2;
      }
      node->names.push_back(std::move(keyword));
      add(node, expression());
      if (!isOp(")"))
        expectOp(",");
    }
    expectOp(")");
  }

  JinjaNodePtr filters(JinjaNodePtr value) {
    while (!failed()) {
      if (isOp("|")) {
        Node node = make(Kind::Filter);
        ++at;
        add(node, value);
        node->text = expectName();
        if (isOp("("))
          arguments(node);
        value = node;
      } else if (isName("is")) {
        value = test(value);
      } else if (isOp("(") || isOp(".") || isOp("[")) {
        value = postfix(value);
      } else {
        break;
      }
    }
    return value;
  }

  JinjaNodePtr test(JinjaNodePtr value) {
    Node node = make(Kind::Test);
    ++at;
    node->flag = skipName("not");
    add(node, value);
    node->text = expectName();
    if (isOp("(")) {
      arguments(node);
      return node;
    }
    bool startsValue = peek().kind == Token::String ||
                       peek().kind == Token::Integer ||
                       peek().kind == Token::Float || isOp("[") || isOp("{") ||
                       (peek().kind == Token::Name && !isName("else") &&
                        !isName("or") && !isName("and") && !isName("if") &&
                        !isName("is") && !isName("not") && !isName("in"));
    if (startsValue) {
      node->names.emplace_back();
      add(node, postfix(primary()));
    }
    return node;
  }

  const std::vector<JinjaToken> tokens;
  const std::string &name;
  size_t at = 0;
  uint32_t depth = 0, loops = 0;
  Status failure;
};

} // namespace

StatusOr<JinjaNodePtr> parseJinja(std::string_view source,
                                  const std::string &name) {
  HETAGON_ASSIGN_OR_RETURN(std::vector<JinjaToken> tokens,
                           lexJinja(source, name));
  return Parser(std::move(tokens), name).run();
}

} // namespace hetagon
