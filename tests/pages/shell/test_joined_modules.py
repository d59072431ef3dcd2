"""Modules joined into one script."""

import pytest
from playwright.sync_api import Page

from pages.components.shell.joined_modules import joined_modules

TEXTS = {
    "main.js": """import { one, two as second } from "./parts/one.js";
import {
  Three,
} from "./parts/three.js";

export const sum = () => one() + second + new Three().value;
""",
    "parts/one.js": """import { base } from "../base.js";
export function one() {
  return base;
}
export const two = base * 10;
""",
    "parts/three.js": """import { base } from "../base.js";
export class Three {
  value = base * 100;
}
export default function (x) {
  return x + base;
}
""",
    "base.js": "window.runs = (window.runs ?? 0) + 1;\nexport const base = 1;\n",
    "unused.js": "window.runs = 100;\n",
}


@pytest.mark.browser
def test_each_module_runs_once_before_those_that_import_it(page: Page) -> None:
    script = joined_modules(["main.js", "parts/three.js"], TEXTS)
    results = "[modules['main.js'].sum(), modules['parts/three.js'].default(5), runs]"
    found = page.evaluate(f"(() => {{ {script} return {results}; }})()")
    assert found == [111, 6, 1]


@pytest.mark.parametrize(
    "statement",
    [
        'import one from "./two.js";',
        'import * as two from "./two.js";',
        'import "./two.js";',
        "import { b } from './two.js';",
        'import { b } from "two.js";',
        'import { b } from "./two.js"',
        "export { b };",
        'export * from "./two.js";',
        "export let b = 1;",
        "export default class {}",
        "export default b;",
        "export const { b } = window;",
        "  export const b = 1;",
    ],
)
def test_an_import_or_export_of_another_form_is_refused(statement: str) -> None:
    texts = {"one.js": f"{statement}\nwindow.a = 1;\n", "two.js": "export const b = 1;\n"}
    with pytest.raises(ValueError, match=r"one\.js cannot be joined with others because of: (im|ex)port"):
        joined_modules(["one.js"], texts)


def test_a_circle_of_imports_is_refused() -> None:
    texts = {
        "one.js": 'import { b } from "./two.js";\nexport const a = 1;\n',
        "two.js": 'import { a } from "./one.js";\nexport const b = 1;\n',
    }
    with pytest.raises(ValueError, match=r"one.js imports itself by one.js and two.js"):
        joined_modules(["one.js"], texts)
