"""Pages that need nothing but themselves: a template, our styles and our scripts in one file."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

HERE: Final = Path(__file__).parent


def render(
    template: str, *, styles: Iterable[str], scripts: Iterable[str], folder: Path = HERE, **values: object
) -> str:
    """Fill in a template; all names are those of files in a folder or, where not there, in this one."""
    templates = Environment(
        loader=FileSystemLoader([folder, HERE]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return templates.get_template(template).render(
        styles=_own(folder, styles), scripts=_own(folder, scripts), **values
    )


def script_json(value: object) -> Markup:
    """Encode for a `<script>`: with no `<` in it, nothing can end the element early."""
    text = msgspec.json.encode(value).decode()
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(text)  # noqa: S704 - escaped just now


def _own(folder: Path, names: Iterable[str]) -> Markup:
    paths = (folder / name if (folder / name).exists() else HERE / name for name in names)
    return Markup("".join(path.read_text(encoding="utf-8") for path in paths))  # noqa: S704 - our own files
