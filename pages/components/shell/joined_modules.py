"""JavaScript modules joined into one script, for a page without a server from which they could come."""

import posixpath
import re
from collections.abc import Iterable, Mapping

# As our modules are written: names in braces, each statement from the start of a line.
_IMPORT = re.compile(r'^import \{(.*?)\} from "(\..*?)";\n', re.MULTILINE | re.DOTALL)
_EXPORT = re.compile(r"^export (?:async )?(?:function|class|const) (\w+)", re.MULTILINE)
_DEFAULT = re.compile(r"^export default function ", re.MULTILINE)
_OTHER = re.compile(r"^\s*(?:import|export)\b.*", re.MULTILINE)
_RENAMED = re.compile(r"(\w+) as (\w+)")


def joined_modules(entries: Iterable[str], texts: Mapping[str, str]) -> str:
    """The script of all modules that the entries need, each run once, before those that import it.

    Afterwards `modules` has the exports of each by its name. Raises ValueError if a module imports one that
    imports it, or has an import or export of another form than ours.

    Args:
        entries: names of modules.
        texts: the text of each module by its name, a path that imports are relative to.
    """
    done: dict[str, str] = {}

    def add(name: str, importing: tuple[str, ...]) -> None:
        if name in importing:
            raise ValueError(f"{name} imports itself by {' and '.join(importing)}")
        if name in done:
            return

        def import_names(found: re.Match[str]) -> str:
            names, path = found.groups()
            imported = posixpath.normpath(posixpath.join(posixpath.dirname(name), path))
            add(imported, (*importing, name))
            renamed = _RENAMED.sub(r"\1: \2", names)
            return f'const {{{renamed}}} = modules["{imported}"];\n'

        text = _IMPORT.sub(import_names, texts[name])
        exports = _EXPORT.findall(text)
        text = _EXPORT.sub(lambda found: found.group().removeprefix("export "), text)
        if _DEFAULT.search(text):
            text = _DEFAULT.sub("function defaultExport", text)
            exports.append("default: defaultExport")
        if other := _OTHER.search(text):
            raise ValueError(f"{name} cannot be joined with others because of: {other.group().strip()}")
        done[name] = f'modules["{name}"] = (() => {{\n{text}\nreturn {{ {", ".join(exports)} }};\n}})();\n'

    for name in entries:
        add(name, ())
    return '"use strict";\nconst modules = {};\n' + "".join(done.values())
