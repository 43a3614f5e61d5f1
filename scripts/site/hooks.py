"""What mkdocs is told by the code: the navigation, how headings are called, and which links leave the documentation."""

from __future__ import annotations

import re
from typing import Any

from entrepot.dashboard.handbook import anchor, navigation

#: A link to a file above the folder of the pages: the text is kept, for nobody reads the site beside a checkout.
_LINK_OUT = re.compile(r"\[([^\]]+)\]\((?:\.\./)+(?:README|CHANGELOG|LICENSE)[^)]*\)")


def on_config(config: Any) -> Any:  # noqa: ANN401 - mkdocs' own type
    """Set the navigation, and let headings have the ids that GitHub gives them."""
    config["nav"] = [{section: [f"{slug}.md" for slug in slugs]} for section, slugs in navigation()]
    config["mdx_configs"].setdefault("toc", {})["slugify"] = lambda title, _separator: anchor(title)
    return config


def on_page_markdown(markdown: str, **_others: object) -> str:
    """Make text of links that lead out of the documentation."""
    return _LINK_OUT.sub(r"\1", markdown)
