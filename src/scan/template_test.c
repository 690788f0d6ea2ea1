/*
 * template_test.c - suspicious templates, and ordinary ones that are not.
 */
#include "base/unit.h"

#include "scan/template.h"

static const struct {
    const char *text;
    bool suspicious;
} rows[] = {
    {"", false},
    {"plain __class__ text", false},
    {"{# {{ x.__class__ }} #}", false},
    {"{{ m.content }}", false},
    {"{%- for m in messages -%}{{ m['role'] + '_x' }}{%- endfor -%}", false},
    {"{% set _x = 1 %}{{ _x }}", false},
    {"{{ '\\n' ~ bos_token | trim }}", false},
    {"{{ raise_exception('roles must alternate') }}", false},
    {"{% set ns = namespace(found=false) %}", false},
    {"{{ m.items() | list }}", false},
    {"{{ message.import }}", false},
    {"{{ ''.__class__ }}", true},
    {"{{ x._private }}", true},
    {"{{ x . _private }}", true},
    {"{{ x['__init__'] }}", true},
    {"{{ x[\"\\x5f\\x5finit\"] }}", true},
    {"{{ x['\\137_init'] }}", true},
    {"{{ x['\\x5F\\u005Finit'] }}", true},
    {"{{ x['\\N{LOW LINE}init'] }}", true},
    {"{{ '\\u2581' ~ '\\x41\\n' }}", false},
    {"{{ x['_' ~ '_init__'] }}", true},
    {"{{ x['_' + \"_init__\"] }}", true},
    {"{{ x['_' '_init__'] }}", true},
    {"{{ x['' ~ '_' ~ '' ~ '_init__'] }}", true},
    {"{{ '_' ~ x ~ '_' }}", false},
    {"{{ ['_', '_init'] }}", false},
    {"{{ '_' }}{{ '_' }}", false},
    {"{{ 'a' ~ '__b' }}", true},
    {"{{ 'a_' ~ '_b' }}", false},
    {"{{ '_' == '_' }}", false},
    {"{{ {'a': {'b': 1}}.__class__ }}", true},
    {"{{ {'a': {'b': 1}}['a'] }} .__class__ {{ x }}", false},
    {"{{ [{}][0]}}.__class__", false},
    {"{% if x[1 %} __class__ {{ y._z }}", true},
    {"{{ x|attr('a') }}", true},
    {"{{ x | attr ('a') }}", true},
    {"{% import 'a' as b %}", true},
    {"{%- include 'a' -%}", true},
    {"{%+ extends 'a' %}", true},
    {"{% from 'a' import b %}", true},
    {"{{ cycler('a') }}", true},
    {"{{ lipsum }}", true},
    {"{{ __import__ }}", true},
    {"{{ os.popen }}", true},
    {"{{ 'unclosed }} {{ x.__class__ }}", false},
    {"{{ x.__class__", true},
    {"{{", false},
    {"{%", false},
    {"{{ 'a\\", false},
};

static void suspicion_is_where_it_belongs(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct wh_str s = wh_str_of(rows[i].text);
        size_t at = 0;
        const char *why = scan_template_suspect(s, &at);
        if ((why != NULL) != rows[i].suspicious) {
            fail_msg("%s: %s", rows[i].text, why ? why : "nothing");
        }
        assert_true(at <= s.n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(suspicion_is_where_it_belongs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
