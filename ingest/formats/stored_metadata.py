"""Metadata that an event store keeps as a text of its own: JSON, or the XML that XStream writes."""

from __future__ import annotations


def text_of(*inputs: str) -> str:
    """SQL: the first of these inputs that there is, decoded where it is base64."""
    found = f"coalesce({', '.join(f'{{{name}}}' for name in inputs)})"
    # What "{" + a quote and "<me" of <meta-data> look like.
    return f"""CASE
        WHEN starts_with({found}, 'eyJ') OR starts_with({found}, 'PG1l')
            THEN coalesce(try(decode(from_base64({found}))), {found})
        ELSE {found}
    END"""


def values_of(text: str, *keys: str) -> str:
    """SQL: the list of what metadata in the placeholder `text` says of these keys, as texts."""
    json = ", ".join(f"'/{key}'" for key in keys)
    # To look for a text first costs a tenth of looking for the expression.
    xml = ", ".join(
        f"CASE WHEN contains({{{text}}}, '{key.removeprefix('$')}</string>') THEN nullif(regexp_extract("
        f"{{{text}}}, '<string>{key.replace('$', '.')}</string>\\s*<([\\w.-]+)>([^<]*)</', 2), '') END"
        for key in keys
    )
    return f"""CASE
        WHEN starts_with({{{text}}}, '{{{{') THEN try(json_extract_string({{{text}}}, [{json}]))
        WHEN starts_with({{{text}}}, '<') THEN [{xml}]
    END"""
