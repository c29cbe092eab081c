"""The Content-Security-Policy of a report: nothing from the network, and only the scripts written here."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable

#: plotly.js makes one empty <style> element, which it fills rule by rule, and gives colour bars an empty style attribute
_EMPTY = ""
_PLACEHOLDER = re.compile(r'document\.getElementById\("([0-9a-f]{64})"\)')


def source_hash(content: str) -> str:
    """The hash by which a policy allows one inline script or style.

    Examples
    --------
    >>> source_hash("")
    "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"
    """
    digest = hashlib.sha256(content.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"


def policy(scripts: Iterable[str], styles: Iterable[str]) -> str:
    """The policy that allows these inline scripts and styles, and nothing else.

    Parameters
    ----------
    scripts, styles : iterable of str
        The text between the tags, exactly as it stands in the file.

    Returns
    -------
    str
        ``img-src`` allows ``data:`` and ``blob:``, which plotly needs to make a PNG in the page.
        The only style attribute allowed is an empty one.
    """
    script = " ".join(source_hash(s) for s in scripts)
    style = " ".join(source_hash(s) for s in (*styles, _EMPTY))
    return (
        f"default-src 'none'; script-src {script}; style-src {style}; "
        f"style-src-attr 'unsafe-hashes' {source_hash(_EMPTY)}; img-src data: blob:; "
        "connect-src 'none'; font-src 'none'; object-src 'none'; frame-src 'none'; base-uri 'none'; form-action 'none'"
    )


def placeholders(plotly_js: str) -> tuple[str, ...]:
    """Ids of style sheets that the bundle adds on loading unless an element has that id.

    They belong to maps, which a report does not draw; an empty element of that id keeps them out, so that
    the policy need not allow them.
    """
    return tuple(dict.fromkeys(_PLACEHOLDER.findall(plotly_js)))


def inline(content: str) -> str:
    """A script or style as it can stand between its tags.

    Raises
    ------
    ValueError
        If it holds an end tag or a carriage return, which a browser would read differently.
    """
    if re.search(r"</(script|style)|<!--", content, re.IGNORECASE) or "\r" in content:
        raise ValueError("an inline script or style must not hold an end tag, a comment opener or a carriage return")
    return content
