"""Renders small templates with Jinja itself, set as transformers sets it, into templates.json beside the references.

    pip install jinja2==3.1.6
    python3 make_templates.py ../resources/reference/templates.json

Each case is a template with its variables and the text that it gives, or "raises" where it fails.
"""

import json
import sys

import jinja2
import jinja2.ext
import jinja2.sandbox

MESSAGES = [
    {"role": "system", "content": "Be kind."},
    {"role": "user", "content": "  Where's my \"card\"?\n"},
    {"role": "assistant", "content": "<think>post</think>On its way: 1 < 2 & 3 > 2. Größe 👩‍👩‍👧!"},
    {"role": "user", "content": "", "tool_calls": [{"name": "find", "arguments": {"a": 1, "b": [True, None, 2.5]}}]},
]
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "find_card",
            "description": "Finds a card",
            "parameters": {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]},
        },
    }
]
VARIABLES = {"messages": MESSAGES, "tools": TOOLS, "documents": None, "bos_token": "<s>", "add_generation_prompt": True}

TEMPLATES = """
{{ 1 + 2 * 3 }} {{ 7 // 2 }} {{ -7 // 2 }} {{ 7 % 3 }} {{ -7 % 3 }} {{ 2 ** 10 }} {{ 7 / 2 }} {{ 6 / 2 }}
{{ 1.0 }} {{ 1e20 }} {{ 1e-7 }} {{ 123456789.25 }} {{ 0x1f }} {{ 1_000 }} {{ 0.1 + 0.2 }}
{{ true }} {{ False }} {{ none }} {{ None is none }} {{ [1, 'a', "it's", None, true, 1.5] }} {{ (1,) }} {{ (1, 2) }}
{{ {'a': 1, "b": [2]} }} {{ {} }} {{ [] }} {{ () }}
{{ 'a' 'b' "c" }} {{ 'x\\ty\\u00fc\\x41\\n' }} {{ "a\\qb" }}
{{ 'a' ~ 1 ~ none ~ true ~ 1.5 }}
{{ undefined_name }}|{{ undefined_name is defined }}|{{ undefined_name | default('d') }}|{{ '' | default('e', true) }}
{{ undefined_name.attribute }}
{{ messages[0].missing }}|{{ messages[0]['missing'] is undefined }}
{{ messages[0].missing.deeper }}
{{ undefined_name + 'x' }}
{{ 'x' if undefined_name }}|{{ 'x' if false else 'y' }}|{{ 'a' if true else 'b' if true else 'c' }}
{{ 1 < 2 < 3 }} {{ 1 < 2 > 3 }} {{ 'a' == 'a' }} {{ 1 == 1.0 }} {{ true == 1 }} {{ 'a' < 'b' }} {{ [1, 2] < [1, 3] }}
{{ 1 < 'a' }}
{{ 'a' in 'abc' }} {{ 'x' not in 'abc' }} {{ 2 in [1, 2] }} {{ 'role' in messages[0] }} {{ 'x' in undefined_name }}
{{ not true or true }} {{ not (true or true) }} {{ 1 and 'x' }} {{ 0 or 'y' }} {{ '' and 1 }}|
{{ 'abcdef'[1:4] }} {{ 'abcdef'[::-1] }} {{ 'abcdef'[-2:] }} {{ 'abcdef'[:-2] }} {{ 'abcdef'[::2] }} {{ 'abc'[10:] }} {{ [1,2,3][::-1] }} {{ 'abc'[-1] }}
{{ [1,2,3][5] }}|{{ [1,2,3][-1] }}|{{ 'abc'[7] }}
{{ '👩a'[0] }} {{ '👩a' | length }} {{ '👩a'[::-1] }}
{{ messages | length }} {{ messages[1:] | length }} {{ messages[0]['role'] }} {{ messages[0].role }} {{ (messages | last).role }}
{{ messages[1].content.strip() }}|{{ messages[1]['content'] | trim }}|{{ messages[1].content.lstrip() }}|{{ 'xxaxx'.strip('x') }}|{{ 'abcb'.rstrip('bc') }}
{{ messages[2].content.split('</think>')[-1] }} {{ messages[2].content.split('</think>')[0].split('<think>')[-1] }}
{{ 'a,b,,c'.split(',') }} {{ ' a  b '.split() }} {{ 'a b c'.split(' ', 1) }} {{ 'a b c'.rsplit(' ', 1) }} {{ 'a.b.c'.partition('.') }} {{ 'a.b.c'.rpartition('.') }}
{{ ''.split() }} {{ ''.split(',') }} {{ 'abc'.split('abc') }}
{{ 'x'.startswith('x') }} {{ 'xy'.endswith(('a', 'y')) }} {{ 'hello world'.title() }} {{ "it's o'clock".title() }} {{ 'hELLO'.capitalize() }} {{ 'aB'.swapcase() }}
{{ 'a-b'.replace('-', '+') }} {{ 'aaa'.replace('a', 'b', 2) }} {{ 'abc'.find('c') }} {{ 'abc'.find('z') }} {{ 'abcabc'.rfind('b') }} {{ 'banana'.count('an') }}
{{ 'abc'.index('z') }}
{{ ','.join(['a', 'b']) }} {{ ['a', 1, none] | join('-') }} {{ messages | map(attribute='role') | join(',') }}
{{ 'prefix-x'.removeprefix('prefix-') }} {{ 'x.py'.removesuffix('.py') }} {{ 'a\\nb\\r\\nc'.splitlines() }} {{ '5'.zfill(3) }} {{ 'ab'.ljust(4) }}|{{ 'ab'.rjust(4, '.') }}|{{ 'ab'.center(5) }}|{{ 'abc'.center(6) }}|
{{ 'abc'.isalpha() }} {{ '12'.isdigit() }} {{ 'a1'.isalnum() }} {{ ' '.isspace() }} {{ 'ab'.islower() }} {{ 'AB'.isupper() }}
{{ '{} and {x} {0}'.format('a', x='b') if false else '{0} {x}'.format('a', x='b') }} {{ '%s-%d' % ('a', 3) }} {{ '%s' | format('x') }}
{{ 'abc'.nothing() }}
{{ messages[0].items() | list }} {{ messages[0].keys() | list }} {{ messages[0].values() | list }} {{ messages[0].get('x', 'y') }} {{ messages[0].get('x') }}
{{ messages[0].pop('role') }}
{{ messages.append(1) }}
{{ messages[0].__class__ }}|
{{ tools | tojson }}
{{ tools[0] | tojson(indent=2) }}
{{ tools[0].function | tojson(indent=4, sort_keys=true) }}
{{ {'a': 'ü"\\n', 'b': 1.0, 'c': none, 'd': [], 'e': {}} | tojson }} {{ 'é' | tojson(ensure_ascii=true) }} {{ [1, 2] | tojson(separators=(',', ':')) }}
{{ undefined_name | tojson }}
{{ messages[3].tool_calls[0].arguments | tojson }} {{ messages[3].tool_calls[0].arguments | string }}
{{ messages | selectattr('role', 'equalto', 'user') | list | length }} {{ messages | selectattr('role', '==', 'user') | map(attribute='content') | list }}
{{ messages | rejectattr('role', 'in', ['user', 'system']) | map(attribute='role') | first }} {{ messages | selectattr('tool_calls') | list | length }} {{ messages | selectattr('tool_calls', 'defined') | list | length }}
{{ [1, 2, 3, 4] | select('even') | list }} {{ [1, 2, 3] | reject('equalto', 2) | list }} {{ ['a', '', 'b'] | select | list }} {{ ['a', 'b'] | map('upper') | join }}
{{ [3, 1, 2] | sort }} {{ ['b', 'A', 'c'] | sort }} {{ ['b', 'A'] | sort(case_sensitive=true) }} {{ [1, 2] | sort(reverse=true) }} {{ messages | sort(attribute='role') | map(attribute='role') | list }}
{{ [1, 1, 2] | unique | list }} {{ ['a', 'A'] | unique | list }} {{ [1, 2, 3] | sum }} {{ [1, 5, 3] | max }} {{ ['b', 'a'] | min }} {{ [] | first }}| {{ [1, 2] | last }} {{ 'abc' | first }}
{{ [1, 2, 3] | reverse | list }} {{ 'abc' | reverse }} {{ 'abc' | list }} {{ [1,2,3,4,5] | batch(2) | list }} {{ [1,2,3,4,5] | slice(2) | list }} {{ [1,2,3] | batch(2, 'x') | list }}
{% for k, v in {'b': 1, 'a': 2} | dictsort %}{{ k }}={{ v }};{% endfor %}{% for k, v in {'b': 1, 'a': 2} | items %}{{ k }}={{ v }};{% endfor %}{% for g in messages | groupby('role') %}{{ g[0] }}{{ g[1] | length }},{% endfor %}
{{ '42' | int }} {{ 'x' | int }} {{ 'x' | int(7) }} {{ '4.7' | int }} {{ 3.9 | int }} {{ '1.5' | float }} {{ 2.5 | round }} {{ 2.675 | round(2) }} {{ 2.1 | round(0, 'ceil') }} {{ -3 | abs }} {{ 5 | string }}
{{ 'hello world' | title }} {{ "it's (a test-case)" | title }} {{ 'hELLO' | capitalize }} {{ 'ab' | upper }} {{ 'AB' | lower }} {{ 'a b c' | wordcount }} {{ '<a href="x">' | e }} {{ '<b>' | safe }} {{ 'ab' | center(6) }}|
{{ 'one\\ntwo\\n\\nthree' | indent }} {{ 'a\\nb' | indent(2, true) }} {{ 'a\\n\\nb' | indent(2, blank=true) }} {{ 'a\\nb' | indent('> ') }}
{{ 'the quick brown fox' | truncate(10) }} {{ 'the quick brown fox' | truncate(10, true) }} {{ 'short' | truncate(10) }} {{ 'a-b-a' | replace('a', 'x', 1) }}
{{ 'ab' is string }} {{ 1 is number }} {{ 1.5 is float }} {{ 1 is integer }} {{ true is integer }} {{ true is boolean }} {{ [] is iterable }} {{ {} is mapping }} {{ [] is sequence }} {{ 'a' is sequence }} {{ none is none }}
{{ 4 is even }} {{ 3 is odd }} {{ 9 is divisibleby 3 }} {{ 9 is divisibleby(2) }} {{ 1 is eq 1 }} {{ 1 is sameas true }} {{ true is sameas true }} {{ 2 is in [1, 2] }} {{ 'a' is lower }} {{ 1 is gt 0 }} {{ not 1 is defined }} {{ x is not defined }}
{% set x = 1 %}{% if x == 1 %}{% set x = 2 %}{% endif %}{{ x }}{% for i in [1] %}{% set x = 3 %}{{ x }}{% endfor %}{{ x }}
{% set ns = namespace(a=1, found=false) %}{% for m in messages %}{% if m.role == 'user' %}{% set ns.found = true %}{% set ns.a = ns.a + 1 %}{% endif %}{% endfor %}{{ ns.a }} {{ ns.found }} {{ ns.other }}|
{% set a, b = 1, 2 %}{{ a }}{{ b }}{% set c = (1, 2) %}{{ c[0] }}{% set t %}in {{ a }}{% endset %}{{ t }}{% set u | upper %}abc{% endset %}{{ u }}
{% set messages[0] = 1 %}
{% set m = messages[0] %}{% set m.x = 1 %}
{% for m in messages %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{% if not loop.last %}{{ loop.nextitem.role }}{% endif %}{{ loop.previtem.role if loop.previtem else '-' }}{{ loop.cycle('a', 'b') }};{% endfor %}
{% for m in messages if m.role == 'user' %}{{ loop.index }}{{ m.role }}{{ loop.length }}{% else %}none{% endfor %}{% for x in [] %}{% else %}empty{% endfor %}
{% for m in messages %}{% if loop.index == 3 %}{% break %}{% endif %}{% if m.role == 'system' %}{% continue %}{% endif %}{{ m.role }}{% endfor %}
{% for a, b in [(1, 2), (3, 4)] %}{{ a }}-{{ b }} {% endfor %}{% for k in messages[0] %}{{ k }} {% endfor %}{% for c in 'ab' %}{{ c }}.{% endfor %}{% for i in range(3) %}{{ i }}{% endfor %}{% for i in range(5, 0, -2) %}{{ i }}{% endfor %}
{% for i in [1, 2] %}{% for j in [1, 2] %}{{ loop.index }}{{ i }}{{ j }} {% endfor %}{{ loop.index }}{% endfor %}{% for x in undefined_name %}x{% endfor %}
{% for x in 5 %}{% endfor %}
{% for n in [{'v': 1, 'c': [{'v': 2, 'c': []}]}] recursive %}{{ n.v }}{{ loop.depth }}{{ loop(n.c) }}{% endfor %}
{% for i in [1, 1, 2] %}{{ loop.changed(i) }} {% endfor %}
{% macro hello(name, greeting='Hello', *rest) %}{% endmacro %}
{% macro hello(name, greeting='Hello') %}{{ greeting }}, {{ name }}{% endmacro %}{{ hello('Mia') }} {{ hello('Mia', 'Hi') }} {{ hello(greeting='Oh', name='Bo') }} {{ hello() }}|{{ hello('a') | upper }} {{ hello('a') | length }}
{% macro a(n) %}{{ n }}{% if n > 0 %}{{ a(n - 1) }}{% endif %}{% endmacro %}{{ a(3) }}
{% macro box() %}[{{ caller() }}]{% endmacro %}{% call box() %}in{% endcall %} {% macro each(xs) %}{% for x in xs %}{{ caller(x) }};{% endfor %}{% endmacro %}{% call(v) each([1, 2]) %}<{{ v }}>{% endcall %}
{% macro m(x) %}{{ x }}{% endmacro %}{{ m(1, 2) }}
{% filter upper %}abc {{ 'd' }}{% endfilter %} {% with a = 1, b = 2 %}{{ a }}{{ b }}{% endwith %}{{ a }}|
{% raw %}{{ not }} {% this %}{% endraw %} {# gone #}x{#- also -#} y
{% generation %}{{ 'spoken' }}{% endgeneration %}.
{{ raise_exception('No system: ' ~ messages[0].role) }}
{{ range(3) | list }} {{ dict(a=1, b=2) }} {% set j = joiner('|') %}{{ j() }}a{{ j() }}b {% set c = cycler('x', 'y') %}{{ c.next() }}{{ c.next() }}{{ c.next() }}
{{ bos_token }}{{ eos_token }}|{{ [1] + [2] }} {{ (1, 2) + (3,) }} {{ 'ab' * 2 }} {{ [0] * 3 }} {{ 'a' + 'b' }}
{{ 'a' + 1 }}
{{ [1] + 'a' }}
{{ 1 / 0 }}
{{ messages[0] }}
{{ messages[0].content[0] | upper }}{{ messages[0].content[1:] }}
{{ 5 is string or 'x' is string }} {{ (messages | selectattr('role', 'equalto', 'tool') | list) == [] }}
{{ - 3 }} {{ +3 }} {{ 2 - -2 }} {{ -2 ** 2 }} {{ 2 ** 2 ** 3 }} {{ 2 ** -1 ** 2 }} {{ 10 - 2 - 3 }} {{ 1 ~ 2 }}
{{ 'a' ~ 1 + 2 }}
{{ ['\\u200d', '\\u00a0', '\\u2028', '\\ufeff', '\\ue000', 'ü', '👩'] }} {{ messages[2] }}
{{ none | selectattr('a') | list }} {{ 0 | map('upper') | list }} {{ '' | reject | list }}
{{ 'a' | safe + '<' }} {{ '<' + (tools | tojson | safe) + '>' }} {{ '<a>' | safe | e }} {{ '<a>' | e | e }} {{ ('<' | safe) ~ '<' }} {{ ('<b>' | safe).upper() }}
{{ 'y' if messages | selectattr('role', 'equalto', 'tool') else 'n' }} {{ messages | selectattr('role', 'equalto', 'tool') | list | length }}
{{ messages | map(attribute='role') | length }}
{{ messages | map(attribute='role') | tojson }}
{{ messages | map(attribute='role') | last }}
{% set g = messages | map(attribute='role') %}{{ g | first }}{{ g | list }}{{ g | list }}{% for x in g %}x{% endfor %}
{{ [1, 2] | reverse | first }} {{ [3, 1] | map('string') | reverse }} {{ 'y' if [] | reverse else 'n' }} {{ {'a': 1} | items | list }}
{% for i in [1, 2] %}{% break %}{% else %}x{% endfor %}{% for i in [1, 2] %}{% continue %}{% else %}y{% endfor %}{% for i in [1] %}{% else %}z{% endfor %}
{% set a = 5 %}{% with a = 1, b = a %}{{ a }}{{ b }}{% endwith %}
{{ '%s' % zz }}|{{ '%s-' % ('x' | upper) }}
{{ 'Größe 日本 🎉' | truncate(5, true) }} {{ 'Größe 日本 🎉 und mehr noch' | truncate(8, true, leeway=0) }}
{{ none | truncate(3) }}
{{ 5 | indent }}
{% for a, (b, c) in [(1, (2, 3))] %}{{ a }}{{ b }}{{ c }}{% endfor %}{% for i in 1, 2 %}{{ i }}{% endfor %}{% for i in 1, 2 if i > 1 %}{{ i }}{% endfor %}
{{ 5 | round }} {{ 5.4 | round }} {{ '5d' | int }} {{ '3f' | float }} {{ '1_000' | float }} {{ (1, 2) == [1, 2] }} {{ (1,) == (1,) }}
{{ (1,) + [2] }}
{{ [x for x in y] }}
{{ messages | unknown_filter }}
{% if %}{% endif %}
{% for x in y %}
{{ 'unclosed }}
{% unknown_tag %}
{{ "}}" }}{{ '%}' }}{{ {'a': {'b': 1}}['a']['b'] }}
{{ 1 if messages is defined and messages[0]['role'] == 'system' else 2 }}
{{ messages[0]["role"]|upper|lower|replace("s", "S")|trim }}
{{ none | default('x') }} {{ none or 'y' }} {{ none | default('z', true) }}
{{ 'ŉ' | upper }} {{ 'İ'.lower() }} {{ 'ß'.upper() }} {{ 'straße'.title() }}
{{ '\\u00a0x\\u3000'.strip() }}|{{ 'a\\u00a0b'.split() }}
{{ true + 1 }} {{ [true, false] | sum }} {{ 'a' in ['a'] and 'b' in {'b': 1} }} {{ 3 in (1, 2, 3) }}
{{ messages[0].role is in ['system'] }} {{ messages[0].role is not in ['user'] }}
""".strip().split("\n")

BLANKS = [
    "{% if true %}\nx\n{% endif %}\ny\n",
    "  {% if true %}\n  x\n  {% endif %}\n  y",
    "a {% if true %} b {% endif %} c",
    "a\n  {%- if true -%}\n  b\n  {%- endif -%}\n  c",
    "a\n  {{- 'b' -}}\n  c",
    "a {{ 'b' }}\nc\n\n",
    "a\n  {# note #}\nb {#- x -#}  c",
    "  {%+ if true %}x{% endif +%}\ny",
    "{% for i in [1, 2] %}\n  {{ i }}\n{% endfor %}\nend",
    "{% for i in [1, 2] -%}\n  {{ i }}\n{%- endfor %}\nend",
    "a\r\nb\rc\n{% if true %}\r\nx{% endif %}",
    "\n\n{% set x = 1 %}\n\n{{ x }}\n\n",
    "\t{% set x = 1 %}  \n{{ x }}",
    "x\u00a0{%- if true %}y{% endif %}",
    "{% raw -%}\n  {{ x }}\n{%- endraw %}\nz",
    "  {% raw %}\n {{ x }}\n  {% endraw %}\nz",
    "{{ 'a\\\n b' }}",
    "{{\n  'a'\n}}\nb{%\n if true\n%}c{% endif %}",
    "{#\n{% if %}\n#}\nx",
    "x{% if false %}\ny{% elif true %}\nz{% else %}\nw{% endif %}\n",
]


class Generation(jinja2.ext.Extension):
    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return jinja2.nodes.Scope(body).set_lineno(line)


def environment():
    env = jinja2.sandbox.ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, "jinja2.ext.loopcontrols"]
    )

    def raise_exception(message):
        raise jinja2.exceptions.TemplateError(message)

    def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
        return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)

    env.filters["tojson"] = tojson
    env.globals["raise_exception"] = raise_exception
    return env


def main(path):
    cases = []
    for template in TEMPLATES + BLANKS:
        case = {"template": template}
        try:
            case["text"] = environment().from_string(template).render(**VARIABLES)
        except Exception as error:  # whatever it is, ours must fail, too
            case["raises"] = str(error)
        cases.append(case)
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"variables": VARIABLES, "cases": cases}, file, ensure_ascii=False, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main(sys.argv[1])
