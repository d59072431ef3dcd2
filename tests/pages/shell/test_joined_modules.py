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


def test_a_circle_of_imports_is_refused() -> None:
    texts = {
        "one.js": 'import { b } from "./two.js";\nexport const a = 1;\n',
        "two.js": 'import { a } from "./one.js";\nexport const b = 1;\n',
    }
    with pytest.raises(ValueError, match=r"one.js imports itself by one.js and two.js"):
        joined_modules(["one.js"], texts)
