"""Compiling: what comes out, what campaign values can never do, and where each fault is said to be."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markupsafe import escape

from campaigns.content.compile import SubjectFault, compile_content
from campaigns.content.compose import recipient_fields
from campaigns.content.language import LANGUAGES
from campaigns.content.merge import MergeDataFault
from campaigns.content.model import Brand
from campaigns.content.render import Renderer, RenderFault
from campaigns.errors import InputError, TemplateFault
from tests.content.material import BRAND, FACTS, VIEW, compiled, mjml, source

FIELDS = recipient_fields(VIEW)
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 20


def html_of(body: str, **merge_data: object) -> str:
    return Renderer(compiled(source(body), merge_data)).html(FIELDS)


@pytest.mark.parametrize(
    "payload",
    ["{{ 7*7 }}", "{{7*7}}", "{% for x in y %}", "{# gone #}", "{{ first_name }}", "{", "{{", "}}", "[[ 7*7 ]]",
     "{{ ''.__class__.__mro__ }}", "&#123;&#123; 7*7 }}", "{ { 7*7 } }", "{%raw%}", "{{ '{{' }}"],
)  # fmt: skip
def test_a_campaign_value_is_never_a_template(payload: str) -> None:
    content = compiled(source("<h1>[[ heading ]]</h1><p title='[[ heading ]]'>x</p>"), {"heading": payload})
    renderer = Renderer(content)
    assert f"<h1>{escape(payload)}</h1>" in renderer.html(FIELDS)
    assert renderer.text(FIELDS).startswith(f"{payload}\n")


@given(
    st.text(st.sampled_from("{}%#[] 7*qQTx0zB\\'\""), max_size=30),
    st.text(st.sampled_from("{}%# 7*"), max_size=30),
)
@example("{", "{ 7*7 }}")
def test_no_two_values_side_by_side_make_a_template(first: str, second: str) -> None:
    template = source("<h1>a[[ heading ]][[ link ]]b</h1>", "a[[ heading ]][[ link ]]b\n")
    renderer = Renderer(compiled(template, {"heading": f"x{first}", "link": second}))
    assert f"<h1>a{escape('x' + first + second)}b</h1>" in renderer.html(FIELDS)
    assert renderer.text(FIELDS).startswith(f"ax{first}{second}b\n")


def test_a_contact_value_is_never_a_template_and_always_escaped() -> None:
    renderer = Renderer(compiled(source("<p>{{ first_name }}</p>", "{{ first_name }}\n")))
    fields = FIELDS | {"first_name": "<img onerror=x>{{ 7*7 }}"}
    assert "<p>&lt;img onerror=x&gt;{{ 7*7 }}</p>" in renderer.html(fields)
    assert renderer.text(fields).startswith("<img onerror=x>{{ 7*7 }}\n")


def test_campaign_values_cannot_add_markup() -> None:
    html = html_of("<h1>[[ heading ]]</h1>", heading='</h1><mj-raw><script>1</script>"')
    assert "<script>" not in html
    assert "&lt;/h1&gt;&lt;mj-raw&gt;" in html


def test_recipient_tags_work_wherever_mjml_lets_text_stand() -> None:
    whole = mjml(
        '<a href="{{ view_url }}">{% if first_name is defined and 1 < 2 %}{{ first_name }}{% endif %}</a>'
    )
    whole = whole.replace("<mj-body>", "<mj-body>{% if company %}<!-- {{ company }} -->{% endif %}")
    html = Renderer(compiled(source(whole=whole))).html(FIELDS)
    assert f'<a href="{VIEW.view_url}">Åsa</a>' in html
    assert "<!-- Ett &amp; Två Ab -->" in html


def test_strings_may_hold_recipient_tags_and_values_still_may_not() -> None:
    template = source("<p>[[ t.greet ]] [[ heading ]]</p>", strings={"greet": "Hej {{ first_name }} <&>"})
    html = Renderer(compiled(template, {"heading": "{{ first_name }}"})).html(FIELDS)
    assert "<p>Hej Åsa &lt;&amp;&gt; {{ first_name }}</p>" in html


def test_partials_macros_loops_and_tables_with_awkward_keys() -> None:
    template = source(
        '[% from "partials/bits.mjml" import row %][% for item in items %][[ row(item) ]][% endfor %]'
        '[% include "partials/foot.mjml" %]',
        files={
            "partials/bits.mjml": "[% macro row(item) %]<p>[[ item.items ]]/[[ item.title ]]</p>[% endmacro %]",
            "partials/foot.mjml": "<p>{{ email }}</p>",
        },
    )
    html = Renderer(
        compiled(template, {"items": [{"items": 1, "title": "A"}, {"items": 2.5, "title": "B"}]})
    ).html(FIELDS)
    assert "<p>1/A</p><p>2.5/B</p>" in html
    assert "<p>asa@kund.example</p>" in html


def test_facts_of_campaign_controller_and_date_are_there() -> None:
    body = "[[ campaign.key ]] [[ campaign.edition ]] [[ campaign.kind ]] [[ campaign.language ]] [[ campaign.date ]]"
    shown = {
        language: Renderer(compiled(source(body), language=language)).html(FIELDS) for language in LANGUAGES
    }
    assert "autumn 2026-11 newsletter sv 24 november 2026" in shown["sv"]
    assert "fi 24. marraskuuta 2026" in shown["fi"]
    assert "en 24 November 2026" in shown["en"]
    assert "Timmero Ab" in html_of("[[ controller.name ]]")


def test_pictures_have_one_address_made_of_their_content() -> None:
    template = source(
        '<img alt="" src="[[ asset(heading) ]]" />', assets={"a.png": PNG, "unused.png": PNG + b"1"}
    )
    compilation = compile_content(template, "sv", {"heading": "a.png"}, BRAND, FACTS)
    (asset,) = compilation.assets
    assert (asset.name, asset.extension, asset.media_type, len(asset.hash)) == (
        "a.png",
        "png",
        "image/png",
        32,
    )
    assert f'src="https://mail.timmero.example/a/{asset.hash}.png"' in compilation.content.html


def test_compiling_is_deterministic_and_the_digest_tells_contents_apart() -> None:
    first, second = (compiled(source(), {"heading": "{x}"}) for _ in range(2))
    assert first == second
    others = [
        compiled(source(), language="fi"),
        compiled(source(), subject="X"),
        compiled(source("<h1>y</h1>")),
    ]
    assert len({first.digest, *(other.digest for other in others)}) == 4


MJML = "test/template.mjml"
PARTIAL = "partials/p.mjml"
FAULTS = {
    "campaign syntax": (source("<p>\n[% if %]</p>"), MJML, 4, "expression"),
    "unknown campaign name": (source("<p>\n  [% if typo %]x[% endif %]</p>"), MJML, 4, "'typo'"),
    "absent value printed": (source("<p>\n\n[[ link ]]</p>"), MJML, 5, "'link' is undefined"),
    "missing string": (source("\n[[ t.mail.gone ]]", strings={"mail": {}}), MJML, 4, "sv.mail.gone"),
    "missing string in a condition": (source("\n[% if t.gone %]x[% endif %]"), MJML, 4, "sv.gone"),
    "list printed": (source("[[ controller ]]"), MJML, 3, "only text and numbers"),
    "missing picture": (source("\n\n[[ asset('x.png') ]]"), MJML, 5, "x.png"),
    "missing partial": (source('\n[% include "../../etc/passwd" %]'), MJML, 4, "etc/passwd"),
    "recipient syntax": (source("<p>\n\n{{ first_name + }}</p>"), MJML, 5, "xpect"),
    "recipient block open": (source("\n{% if first_name %}"), MJML, 5, "endif"),
    "recipient tag open": (source("<p>\n{{ first_name </p>"), MJML, 4, "not closed"),
    "recipient tag on two lines": (source("<p>\n{{ first_name\n}}</p>"), MJML, 4, "one line"),
    "unknown recipient field": (source("<p>\n\n {{ frist_name }}</p>"), MJML, 5, "'frist_name'"),
    "unknown filter": (source("\n{{ first_name | shout }}"), MJML, 4, "shout"),
    "campaign tag in a recipient tag": (source("\n{{ first_name or '[[ link ]]' }}"), MJML, 4, "[[ ]]"),
    "filter over a recipient tag": (
        source("[[ t.x | upper ]]", strings={"x": "{{ email }}"}), MJML, 1, "filter",
    ),
    "size from the recipient": (
        source(whole=mjml("x").replace("<mj-column>", '\n<mj-column width="{{ title }}">', 1)),
        MJML, 3, "MJML drops",
    ),
    "malformed MJML": (source("<p>\n<b>x</p>"), MJML, 4, "mismatched"),
    "text alternative": (source(text="a\n{{ nope }}\n"), "test/text.txt", 2, "'nope'"),
    "fault in a partial": (
        source('[% include "partials/p.mjml" %]', files={PARTIAL: "a\nb\n[[ gone ]]"}), PARTIAL, 3, "gone",
    ),
    "malformed partial": (
        source(
            '[% if 1 %]\n[% include "partials/p.mjml" %][% endif %]',
            files={PARTIAL: "<p>a</p>\n\n[% if 1 %]\n<p></b></p>[% endif %]"},
        ),
        PARTIAL, 4, "mismatched",
    ),
    "script": (source("<p>\n<script>1</script></p>"), MJML, 4, "script"),
    "handler": (source('<p>\n<b onclick="x()">x</b></p>'), MJML, 4, "onclick"),
    "relative link": (source('\n<a href="/x">x</a>'), MJML, 4, "https://"),
    "import at recipient level": (source("\n{% include 'x' %}"), MJML, 4, "Include"),
}  # fmt: skip


@pytest.mark.parametrize("case", FAULTS)
def test_a_fault_names_its_file_and_line(case: str) -> None:
    template, file, line, words = FAULTS[case]
    with pytest.raises(TemplateFault) as caught:
        compiled(template)
    assert (caught.value.file, caught.value.line) == (file, line), str(caught.value)
    assert words in caught.value.problem


def test_a_fault_knows_its_column_where_it_can() -> None:
    with pytest.raises(TemplateFault) as caught:
        compiled(source("<p>\n  text {{ frist_name }}</p>"))
    assert (caught.value.line, caught.value.column) == (4, 11)


@pytest.mark.parametrize(
    "link",
    ["javascript:alert(1)", "data:text/html,x", "//evil.example", "http://a.example/", " https://a.example",
     "java\nscript:x", "x", "JaVaScRiPt:x", "https:///x", "https://[x"],
)  # fmt: skip
def test_a_campaign_link_that_is_not_https_is_refused(link: str) -> None:
    with pytest.raises(TemplateFault, match="merge data"):
        html_of('<a href="[[ heading ]]">x</a>', heading=link)


def test_https_mail_telephone_and_loopback_links_pass() -> None:
    for link in (
        "https://a.example/?a=1&b=2",
        "mailto:a@b.example",
        "tel:+358",
        "http://127.0.0.1:8025/x",
        "#top",
    ):
        assert f'href="{escape(link)}"' in html_of('<a href="[[ heading ]]">x</a>', heading=link)


def test_the_way_out_and_the_privacy_notice_are_required_in_both_parts() -> None:
    complete = source()
    for file in (MJML, "test/text.txt"):
        for tag in ("{{ unsubscribe_url }}", "[[ controller.privacy_url ]]"):
            cut = replace(complete, files={**complete.files, file: complete.files[file].replace(tag, "")})
            with pytest.raises(TemplateFault, match="must show") as caught:
                compiled(cut)
            assert caught.value.file == file


def test_html_that_would_be_clipped_is_refused_and_large_html_is_warned_of() -> None:
    def sized(count: int) -> list[str]:
        return ["x" * 1000] * count

    body = "[% for item in items %]<p>[[ item ]]</p>[% endfor %]"
    large = compile_content(source(body), "sv", {"heading": "x", "items": sized(82)}, BRAND, FACTS)
    assert "keep it under" in str(large.warnings[0])
    with pytest.raises(TemplateFault, match="clip"):
        compile_content(source(body), "sv", {"heading": "x", "items": sized(96)}, BRAND, FACTS)


@pytest.mark.parametrize(
    "subject", ["", "  ", "a\nb", "a\x00b", "x" * 301, "{{ nope }}", "{{ first_name", "{% include 'x' %}"]
)
def test_a_subject_that_cannot_be_is_refused_with_its_path(subject: str) -> None:
    with pytest.raises(SubjectFault) as caught:
        compiled(source(), subject=subject)
    assert caught.value.faults[0].where == "subject.sv"


def test_a_subject_may_name_the_recipient() -> None:
    content = compiled(source(), subject="{% if first_name %}{{ first_name }}: {% endif %}R&D")
    assert Renderer(content).subject(FIELDS) == "Åsa: R&D"
    assert Renderer(content).subject({"companies": ()}) == "R&D"


@pytest.mark.parametrize(
    "merge_data, where",
    [
        ({}, "merge_data.sv.heading"),
        ({"heading": ""}, "merge_data.sv.heading"),
        ({"heading": None}, "merge_data.sv.heading"),
        ({"fi": {"heading": "x"}}, "merge_data.sv.heading"),
        ({"heading": "x", "hedding": "y"}, "merge_data.hedding"),
        ({"heading": "x", "en": {"hedding": "y"}}, "merge_data.en.hedding"),
        ({"heading": "x", "sv": "y"}, "merge_data.sv"),
        ({"heading": object()}, "merge_data.heading"),
        ({"heading": "x", "items": [[[[[[[1]]]]]]]}, "merge_data.items[0][0][0][0][0][0]"),
        ({"heading": "x", "items": [0] * 6000}, "merge_data"),
        ({"heading": "x" * 300_000}, "merge_data"),
        ({"heading": "x\x00"}, "merge_data.heading"),
        ({"heading": "\ud800"}, "merge_data.heading"),
        ({"heading": "x", "items": [{1: 2}]}, "merge_data.items[0]"),
    ],
)
def test_merge_data_that_do_not_fit_are_refused_with_their_paths(
    merge_data: dict[str, object], where: str
) -> None:
    with pytest.raises(MergeDataFault) as caught:
        compile_content(source(), "sv", merge_data, BRAND, FACTS)
    assert [fault.where for fault in caught.value.faults] == [where]


def test_a_language_wins_over_the_common_value() -> None:
    assert "<h1>B</h1>" in html_of("<h1>[[ heading ]]</h1>", heading="A", sv={"heading": "B"})


@pytest.mark.parametrize("url", ["http://mail.example", "javascript:x", "mail.example"])
def test_the_public_url_is_https(url: str) -> None:
    with pytest.raises(InputError):
        Brand(url, {})


CAMPAIGN_BOMBS = [
    "[% for a in range(200) %][% for b in range(200) %][% for c in range(200) %][% endfor %][% endfor %][% endfor %]",
    "[% for a in range(100000000) %]x[% endfor %]",
    "[% macro m() %][[ m() ]][[ m() ]][% endmacro %][[ m() ]]",
    "[% set a = 'x' * 50000000 %][[ a ]]",
    "[% set a = 'xxxxxxxxxxxxxxxx' %]" + "[% set a = a ~ a %]" * 40 + "[[ a ]]",
    "[% set a = 'xxxxxxxxxxxxxxxx' %]" + "[% set a = a + a %]" * 40 + "[[ a ]]",
    "[% set a = 'xxxxxxxxxxxxxxxx' %]" + "[% set a = a | replace('x', 'xx') %]" * 40 + "[[ a ]]",
    "[% set a = 'xxxxxxxxxxxxxxxx' %]" + "[% set a = [a, a] | join %]" * 40 + "[[ a ]]",
    "[% set a %]xxxxxxxx[% endset %]" + "[% set a %][[ a ]][[ a ]][% endset %]" * 40 + "[[ a ]]",
    "[[ 'x'.center(50000000) ]]",
    "[[ '%50000000d' % 1 ]]",
    "[[ '{:>50000000}'.format(1) ]]",
    "[[ 10 ** 10 ** 10 ]]",
    "[[ ''.__class__.__mro__ ]]",
    "[[ asset.__globals__ ]]",
    "[[ t.__init__ ]]",
    "[[ heading.__class__ ]]",
    "[[ cycler ]]",
]


@pytest.mark.parametrize("body", CAMPAIGN_BOMBS)
def test_a_campaign_level_template_can_do_no_harm(body: str) -> None:
    with pytest.raises(TemplateFault):
        compiled(source(body))


RECIPIENT_BOMBS = [
    "{% for a in range(9) %}{% for b in range(9) %}{% for c in range(9) %}{% endfor %}{% endfor %}{% endfor %}",
    "{% set a %}x{% endset %}{{ a }}",
    "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "{% block b %}{% endblock %}",
    "{{ first_name | center(50000000) }}",
    "{{ first_name | safe }}",
    "{% autoescape false %}{{ first_name }}{% endautoescape %}",
]


@pytest.mark.parametrize("body", RECIPIENT_BOMBS)
def test_a_recipient_level_template_that_could_do_harm_does_not_compile(body: str) -> None:
    with pytest.raises(TemplateFault):
        compiled(source(body))


DOUBLING = "".join(f"{{% set a{n + 1} = a{n} ~ a{n} %}}" for n in range(40))


@pytest.mark.parametrize(
    "body",
    ["{{ first_name.__class__ }}", "{{ first_name.format(1) }}", "{{ first_name * 50000000 }}", "{{ 9 ** 9 ** 9 }}",
     "{% for a in range(100000) %}x{% endfor %}", "{{ first_name % 1 }}", "{{ companies.__class__.__base__ }}",
     "{{ self.__class__ }}", f"{{% set a0 = 'x' %}}{DOUBLING}{{{{ a40 }}}}"],
)  # fmt: skip
def test_a_recipient_level_template_can_do_no_harm_when_rendered(body: str) -> None:
    renderer = Renderer(compiled(source(f"{{% if title %}}{body}{{% endif %}}")))
    renderer.html(FIELDS)
    with pytest.raises(RenderFault):
        renderer.html(FIELDS | {"title": "x"})


def test_merge_data_come_as_json_and_stay_data() -> None:
    merge_data = json.loads('{"heading": "x", "items": [{"title": "T", "__class__": "c"}]}')
    assert "T c" in html_of(
        "[% for i in items %][[ i.title ]] [[ i['__class__'] ]][% endfor %]", **merge_data
    )
