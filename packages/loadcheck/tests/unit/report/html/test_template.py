import json

from loadcheck.report.html.template import render, script_json

ODD = "</script><b>&'\"\u2028"


def test_json_in_a_script_comes_back_as_it_was():
    told = script_json({"name": ODD})
    assert not set(told) & set("<>&\u2028")
    assert json.loads(told) == {"name": ODD}


def test_a_page_has_all_styles_and_scripts_in_it(tmp_path):
    template = "<style>{{ styles }}</style>{{ name }}<script>{{ scripts }}</script>"
    (tmp_path / "own.html.j2").write_text(template)
    (tmp_path / "own.css").write_text(".own { color: red; }")
    styles, scripts = ("uplot/uPlot.min.css", "page.css", "own.css"), ("uplot/uPlot.iife.min.js",)
    page = render("own.html.j2", folder=tmp_path, styles=styles, scripts=scripts, name=ODD)
    assert ".uplot" in page
    assert ".badge.met" in page
    assert ".own { color: red; }" in page
    assert "uPlot" in page.partition("<script>")[2]
    assert ODD not in page
