"""Writes templates.jsonl: templates, variables and what jinja2 renders, set up
as Hugging Face transformers does for chat templates.

Usage: make_template_cases.py > templates.jsonl   (needs the PyPI package jinja2)
"""
import datetime
import json

import jinja2
from jinja2.ext import Extension, loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

NOW = 1753660800  # 2025-07-28 00:00 UTC


class Generation(Extension):
    tags = {"generation"}

    def parse(self, parser):
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


def raise_exception(message):
    raise jinja2.exceptions.TemplateError(message)


def environment():
    env = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols, Generation])
    env.filters["tojson"] = lambda x, ensure_ascii=False, indent=None: json.dumps(
        x, ensure_ascii=ensure_ascii, indent=indent)
    env.globals["raise_exception"] = raise_exception
    env.globals["strftime_now"] = lambda f: datetime.datetime.fromtimestamp(NOW, datetime.timezone.utc).strftime(f)
    return env


CHATML = """{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system
You help.<|im_end|>
' }}{% endif %}{{'<|im_start|>' + message['role'] + '
' + message['content'] + '<|im_end|>' + '
'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant
' }}{% endif %}"""

HEADERS = """{{- bos_token }}
{%- if custom_tools is defined %}
    {%- set tools = custom_tools %}
{%- endif %}
{%- if not tools_in_user_message is defined %}
    {%- set tools_in_user_message = true %}
{%- endif %}
{%- if not date_string is defined %}
    {%- if strftime_now is defined %}
        {%- set date_string = strftime_now("%d %b %Y") %}
    {%- else %}
        {%- set date_string = "26 Jul 2024" %}
    {%- endif %}
{%- endif %}
{%- if messages[0]['role'] == 'system' %}
    {%- set system_message = messages[0]['content']|trim %}
    {%- set messages = messages[1:] %}
{%- else %}
    {%- set system_message = "" %}
{%- endif %}

{#- The system message #}
{{- "<|start|>system<|end|>\\n\\n" }}
{{- "Today Date: " + date_string + "\\n\\n" }}
{%- if tools is not none and not tools_in_user_message %}
    {%- for t in tools %}
        {{- t | tojson(indent=4) }}
        {{- "\\n\\n" }}
    {%- endfor %}
{%- endif %}
{{- system_message }}
{{- "<|eot|>" }}
{%- if tools_in_user_message and not tools is none %}
    {%- if messages | length != 0 %}
        {%- set first_user_message = messages[0]['content']|trim %}
        {%- set messages = messages[1:] %}
    {%- else %}
        {{- raise_exception("No first user message to put tools in!") }}
    {%- endif %}
    {{- '<|start|>user<|end|>\\n\\n' -}}
    {%- for t in tools %}
        {{- t | tojson(indent=4) }}
        {{- "\\n\\n" }}
    {%- endfor %}
    {{- first_user_message + "<|eot|>"}}
{%- endif %}
{%- for message in messages %}
    {%- if not (message.role == 'ipython' or message.role == 'tool' or 'tool_calls' in message) %}
        {{- '<|start|>' + message['role'] + '<|end|>\\n\\n'+ message['content'] | trim + '<|eot|>' }}
    {%- elif 'tool_calls' in message %}
        {%- if not message.tool_calls|length == 1 %}
            {{- raise_exception("one tool-call at once!") }}
        {%- endif %}
        {%- set tool_call = message.tool_calls[0].function %}
        {{- '<|start|>assistant<|end|>\\n\\n' -}}
        {{- '{"name": "' + tool_call.name + '", ' }}
        {{- '"parameters": ' }}
        {{- tool_call.arguments | tojson }}
        {{- "}" }}
        {{- "<|eot|>" }}
    {%- elif message.role == "tool" or message.role == "ipython" %}
        {{- "<|start|>ipython<|end|>\\n\\n" }}
        {%- if message.content is mapping or message.content is iterable %}
            {{- message.content | tojson }}
        {%- else %}
            {{- message.content }}
        {%- endif %}
        {{- "<|eot|>" }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|start|>assistant<|end|>\\n\\n' }}
{%- endif %}
"""

THINKING = """{%- if tools %}
    {{- '<|im_start|>system\\n' }}
    {%- if messages[0].role == 'system' %}
        {{- messages[0].content + '\\n\\n' }}
    {%- endif %}
    {{- "# Tools\\n<tools>" }}
    {%- for tool in tools %}
        {{- "\\n" }}
        {{- tool | tojson }}
    {%- endfor %}
    {{- "\\n</tools><|im_end|>\\n" }}
{%- else %}
    {%- if messages[0].role == 'system' %}
        {{- '<|im_start|>system\\n' + messages[0].content + '<|im_end|>\\n' }}
    {%- endif %}
{%- endif %}
{%- set ns = namespace(multi_step_tool=true, last_query_index=messages|length - 1) %}
{%- for message in messages[::-1] %}
    {%- set index = (messages|length - 1) - loop.index0 %}
    {%- if ns.multi_step_tool and message.role == "user" and message.content is string and not(message.content.startswith('<tool_response>') and message.content.endswith('</tool_response>')) %}
        {%- set ns.multi_step_tool = false %}
        {%- set ns.last_query_index = index %}
    {%- endif %}
{%- endfor %}
{%- for message in messages %}
    {%- if message.content is string %}
        {%- set content = message.content %}
    {%- else %}
        {%- set content = '' %}
    {%- endif %}
    {%- if (message.role == "user") or (message.role == "system" and not loop.first) %}
        {{- '<|im_start|>' + message.role + '\\n' + content + '<|im_end|>' + '\\n' }}
    {%- elif message.role == "assistant" %}
        {%- set reasoning_content = '' %}
        {%- if message.reasoning_content is string %}
            {%- set reasoning_content = message.reasoning_content %}
        {%- else %}
            {%- if '</think>' in content %}
                {%- set reasoning_content = content.split('</think>')[0].rstrip('\\n').split('<think>')[-1].lstrip('\\n') %}
                {%- set content = content.split('</think>')[-1].lstrip('\\n') %}
            {%- endif %}
        {%- endif %}
        {%- if loop.index0 > ns.last_query_index %}
            {%- if loop.last or (not loop.last and reasoning_content) %}
                {{- '<|im_start|>' + message.role + '\\n<think>\\n' + reasoning_content.strip('\\n') + '\\n</think>\\n\\n' + content.lstrip('\\n') }}
            {%- else %}
                {{- '<|im_start|>' + message.role + '\\n' + content }}
            {%- endif %}
        {%- else %}
            {{- '<|im_start|>' + message.role + '\\n' + content }}
        {%- endif %}
        {%- if message.tool_calls %}
            {%- for tool_call in message.tool_calls %}
                {%- if (loop.first and content) or (not loop.first) %}
                    {{- '\\n' }}
                {%- endif %}
                {%- if tool_call.function %}
                    {%- set tool_call = tool_call.function %}
                {%- endif %}
                {{- '<tool_call>\\n{"name": "' }}
                {{- tool_call.name }}
                {{- '", "arguments": ' }}
                {%- if tool_call.arguments is string %}
                    {{- tool_call.arguments }}
                {%- else %}
                    {{- tool_call.arguments | tojson }}
                {%- endif %}
                {{- '}\\n</tool_call>' }}
            {%- endfor %}
        {%- endif %}
        {{- '<|im_end|>\\n' }}
    {%- elif message.role == "tool" %}
        {%- if loop.first or (messages[loop.index0 - 1].role != "tool") %}
            {{- '<|im_start|>user' }}
        {%- endif %}
        {{- '\\n<tool_response>\\n' }}
        {{- content }}
        {{- '\\n</tool_response>' }}
        {%- if loop.last or (messages[loop.index0 + 1].role != "tool") %}
            {{- '<|im_end|>\\n' }}
        {%- endif %}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
    {%- if enable_thinking is defined and enable_thinking is false %}
        {{- '<think>\\n\\n</think>\\n\\n' }}
    {%- endif %}
{%- endif %}"""

SYSTEM = {"role": "system", "content": "  Be brief.\n"}
USER = {"role": "user", "content": " Hi 'there' \"you\" é 中 😀 "}
REPLY = {"role": "assistant", "content": "<think>\nhm\n</think>\n\nHello."}
CALL = {"role": "assistant", "content": "", "tool_calls": [
    {"type": "function", "function": {"name": "now", "arguments": {"zone": "Europe/Berlin", "n": 1.5, "deep": [1, None, True]}}}]}
RESULT = {"role": "tool", "content": "12:00"}
TOOLS = [{"type": "function", "function": {"name": "now", "description": "Der \"Zeit\"", "parameters": {
    "type": "object", "properties": {"zone": {"type": "string"}}, "required": ["zone"]}}}]
CHATS = [
    {"messages": [USER], "add_generation_prompt": True},
    {"messages": [SYSTEM, USER], "add_generation_prompt": True},
    {"messages": [SYSTEM, USER, REPLY, USER], "add_generation_prompt": False},
    {"messages": [USER, CALL, RESULT], "add_generation_prompt": True, "tools": TOOLS},
    {"messages": [SYSTEM, USER, CALL, RESULT, RESULT, REPLY], "add_generation_prompt": False, "tools": TOOLS},
    {"messages": [USER], "add_generation_prompt": True, "tools": None, "enable_thinking": False, "date_string": "1 May"},
]

V = {"s": "Hello World", "n": 5, "f": 2.5, "l": [3, 1, 2], "d": {"b": 1, "a": [1, "x"], "items": 7}, "t": True,
     "none": None, "e": "", "people": [{"name": "Ann", "age": 3}, {"name": "bob", "age": 7}, {"name": "Cy"}],
     "u": "äÖß é 中文 😀"}

SMALL = [
    # White space.
    "a\n  {% if t %}\n  b\n  {% endif %}\nc\n", "a {%- if t -%} b {%- endif -%} c", "{% if t %}\n\nx{% endif %}\n\n",
    "  {# note #}\n x", "  {{ s }}\n y\n", "{%+ if t %} x {% endif %}", "  {%+ if t %}\n x {%+ endif %}\n", "x\r\ny\rz\n\n",
    "{{ s -}}   \n  x", "x \n {{- s }}", "{#- a -#}  b", "a\n  {% set x = 1 %}\n  {% set y = 2 %}  \nb{{ x }}", "{% if t %}{% endif %}\n{{ s }}",
    "{% if t +%}\nx{% endif %}", "{ {} % } {'", "a{% if t %}   {% endif %}b",
    # Literals and printing.
    "{{ 'a\\n\\t\\'\\\\' }}|{{ \"\\u00e9\" }}|{{ 'x' 'y' }}", "{{ 1 }} {{ 1.0 }} {{ 1e }}" if False else "{{ 1 }} {{ 1.0 }} {{ 100000.5 }}",
    "{{ [1, 'a', none, true, 1.5] }}", "{{ {'a': 1, 'b': [\"it's\"]} }}", "{{ (1, 2) }}{{ (1,) }}{{ () }}", "{{ none }}{{ true }}{{ missing }}",
    "{{ 0.1 + 0.2 }} {{ 10000000000000000.0 * 10 }} {{ 0.00001 * 1.0 }}", "{{ ['a\\nb\\\\', \"q'\\\"\"] }}",
    # Operators.
    "{{ 7 // 2 }} {{ -7 // 2 }} {{ -7 % 3 }} {{ 7 / 2 }} {{ 2 * 3 + 4 }} {{ 2 + 3 * 4 }}", "{{ 1 ~ 'a' ~ none ~ 2.5 }}",
    "{{ 1 + 2 ~ 3 }}", "{{ -n + 3 }} {{ -n | abs }}", "{{ 'ab' * 3 }}", "{{ l + [4] }}", "{{ 1 < 2 < 3 }} {{ 3 > 2 > 2 }} {{ 1 == 1.0 }} {{ 'a' != 'b' }}",
    "{{ not t and false }} {{ t or 1 }} {{ e or 'x' }} {{ n and 0 }}", "{{ 2 in l }} {{ 9 not in l }} {{ 'ell' in s }} {{ 'b' in d }} {{ not 2 in l }}",
    "{{ 'y' if t else 'n' }} {{ 'y' if not t }}|", "{{ true == 1 }} {{ 'a' < 'b' }}", "{{ 7.5 // 2 }} {{ -7.5 % 2 }}",
    # Access.
    "{{ d.b }}{{ d['a'][1] }}{{ d.missing }}{{ l[0] }}{{ l[-1] }}{{ l[9] }}{{ s[0] }}{{ u[-1] }}{{ d['items'] }}",
    "{{ l[1:] }} {{ l[:-1] }} {{ l[::-1] }} {{ l[::2] }} {{ s[2:5] }} {{ s[::-1] }} {{ u[1:4] }} {{ l[5:] }} {{ l[-9:9] }}",
    "{{ people[0].name }}{{ people[-1].age is defined }}", "{{ l[2:0:-1] }} {{ s[-3:] }}",
    # Loops.
    "{% for x in l %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ x }};{% endfor %}",
    "{% for x in l %}{{ loop.previtem }}<{{ x }}>{{ loop.nextitem if loop.nextitem is defined }} {% endfor %}",
    "{% for k, v in d.items() %}{{ k }}={{ v }},{% endfor %}", "{% for k in d %}{{ k }}{% endfor %}", "{% for c in u %}[{{ c }}]{% endfor %}",
    "{% for x in [] %}a{% else %}none{% endfor %}", "{% for x in l if x > 1 %}{{ x }}{{ loop.length }}{% endfor %}", "{% for x in missing %}a{% endfor %}",
    "{% for x in range(10) %}{% if x == 2 %}{% continue %}{% endif %}{% if x > 4 %}{% break %}{% endif %}{{ x }}{% endfor %}",
    "{% set x = 1 %}{% for i in l %}{% set x = i %}{% endfor %}{{ x }}", "{% set ns = namespace(x=1) %}{% for i in l %}{% set ns.x = ns.x + i %}{% endfor %}{{ ns.x }}",
    "{% for x in l %}{% for y in l %}{{ x * y }}{{ loop.last }} {% endfor %}{{ loop.index }}{% endfor %}", "{% for i in range(5, 0, -2) %}{{ i }}{% endfor %}{{ range(3) | list }}",
    # Set and macros.
    "{% set x %}a{{ n }}b{% endset %}[{{ x }}]", "{% set a, b = 1, 2 %}{{ b }}{{ a }}", "{% if t %}{% set z = 3 %}{% endif %}{{ z }}",
    "{% macro m(a, b=2, c='x') %}({{ a }},{{ b }},{{ c }}){% endmacro %}{{ m(1) }}{{ m(1, c=3) }}{{ m(1, 5, 6) }}{{ m() }}",
    "{% macro fact(k) %}{% if k > 1 %}{{ k * (fact(k - 1) | int) }}{% else %}1{% endif %}{% endmacro %}{{ fact(5) }}",
    "{% generation %}x{{ n }}{% endgeneration %}y",
    # Filters.
    "{{ '  a ' | trim }}|{{ 'xxaxx' | trim('x') }}|{{ s | upper }}{{ s | lower }}{{ u | upper }}{{ u | lower }}{{ 'hello wORLD' | capitalize }}{{ \"they're bill's\" | lower | title }}",
    "{{ s | length }}{{ u | length }}{{ l | count }}{{ d | length }}", "{{ missing | default('x') }}{{ e | default('y') }}{{ e | default('z', true) }}{{ none | d('q') }}",
    "{{ l | join(', ') }} {{ l | join }} {{ people | join('-', attribute='name') }}", "{{ d | tojson }} {{ u | tojson }} {{ d | tojson(indent=2) }} {{ [] | tojson(indent=2) }} {{ [1.0, none] | tojson }}",
    "{{ l | first }}{{ l | last }}{{ [] | first }}{{ s | first }}", "{{ s | replace('l', 'LL') }}{{ s | replace('l', '', 1) }}", "{{ 'abc' | list }} {{ n | string + 'x' }} {{ '42' | int + 1 }} {{ '1.5' | float }} {{ 'x' | int }} {{ 2.9 | int }}",
    "{{ l | sort }} {{ l | sort(reverse=true) }} {{ ['b', 'A', 'c'] | sort }} {{ l | reverse | list }} {{ [1, 2, 1] | unique | list }}",
    "{{ people | map(attribute='name') | list }} {{ people | map(attribute='name') | map('upper') | join(',') }} {{ people | selectattr('age') | map(attribute='name') | list }}",
    "{{ people | selectattr('age', 'defined') | list | length }} {{ people | selectattr('name', 'equalto', 'bob') | map(attribute='age') | first }} {{ people | rejectattr('age', 'defined') | list }}",
    "{{ l | select('odd') | list }} {{ l | reject('gt', 1) | list }} {{ [0, 1] | select | list }}", "{{ d | items | list }} {{ d | dictsort }}", "{{ 'a\nb\n\nc' | indent }} {{ 'a\nb' | indent(2, true) }}", "{{ '<b>' | safe }}",
    "{{ people | map(attribute='age', default=0) | list }}",
    # Tests.
    "{{ s is defined }}{{ missing is defined }}{{ missing is undefined }}{{ none is none }}{{ none is not none }}{{ s is string }}{{ d is mapping }}{{ l is mapping }}{{ l is iterable }}{{ s is iterable }}{{ n is iterable }}{{ l is sequence }}",
    "{{ n is number }}{{ f is number }}{{ t is boolean }}{{ t is true }}{{ t is false }}{{ n is integer }}{{ f is float }}{{ n is equalto 5 }}{{ n is eq(5) }}{{ n is in [5] }}{{ n is odd }}{{ n is even }}{{ n is divisibleby 5 }}{{ n is gt 3 }}{{ n is ne 5 }}",
    "{{ 'a' is string and 'b' is defined }}{{ 'x' if s is defined else 'y' }}", "{% if missing is defined and missing %}a{% elif not missing %}b{% endif %}",
    # Methods.
    "{{ ' a '.strip() }}|{{ 'xax'.strip('x') }}|{{ ' a'.lstrip() }}|{{ 'a '.rstrip() }}|{{ 'a,b,c'.split(',') }}|{{ ' a  b '.split() }}|{{ 'a,b,c'.split(',', 1) }}|{{ 'a,b,c'.rsplit(',', 1) }}",
    "{{ s.startswith('He') }}{{ s.endswith('x') }}{{ s.startswith(('x', 'H')) }}{{ s.upper() }}{{ s.lower() }}{{ s.title() }}{{ 'abc'.capitalize() }}{{ s.replace('o', '0') }}{{ s.find('W') }}{{ s.find('zz') }}{{ s.count('l') }}",
    "{{ d.get('b') }}{{ d.get('zz') }}{{ d.get('zz', 9) }}{{ d.keys() | list }}{{ d.values() | list }}", "{{ '-'.join(['a', 'b']) }}", "{{ 'a\nb\n'.splitlines() }} {{ '12'.isdigit() }}",
    "{{ dict(a=1, b=2) }}", "{{ s.split('o')[-1] }}", "{{ ('a' ~ s).split('H')[0] | upper }}", "{{ strftime_now('%Y-%m-%d') }}", "{{ s|length > 3 and n == 5 }}", "{{ (s)|upper }}{{ [1,2]|length }}{{ {'a': {'b': 'c'}}.a.b }}",
]

FAILING = ["{{ missing.x }}", "{{ 1 + 'a' }}", "{% if %}", "{{ s", "{% for x in l %}", "{{ raise_exception('no') }}", "{{ s | nofilter }}", "{{ 1 / 0 }}", "{% endif %}",
           "{{ n is notest }}", "{{ 'a' + none }}", "{% for x in n %}{% endfor %}", "{{ nofunction() }}", "{% set x %}", "{# open", "{{ ) }}", "{% nosuchtag %}", "{{ 1 < 'a' }}"]


def main():
    env = environment()
    for template in [CHATML, HEADERS, THINKING]:
        for chat in CHATS:
            variables = {"bos_token": "<s>", "eos_token": "</s>", "tools": None, **chat}
            emit(env, template, variables)
    for template in SMALL:
        emit(env, template, V)
    for template in FAILING:
        emit(env, template, V)


def emit(env, template, variables):
    case = {"template": template, "variables": variables}
    try:
        case["rendered"] = env.from_string(template).render(**variables)
    except Exception:
        case["fails"] = True
    print(json.dumps(case))


main()
