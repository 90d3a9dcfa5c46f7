"""Which of the package's files a module reaches by its imports, those inside functions too."""

import ast
from pathlib import Path

SOURCE = Path(__file__).parents[1] / "src"


def file_of(module: str) -> Path | None:
    place = SOURCE.joinpath(*module.split("."))
    found = [path for path in (place.with_suffix(".py"), place / "__init__.py") if path.is_file()]
    return found[0] if found else None


def imports_of(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    if path.name == "phantom_cohort.py":  # it imports the phantoms by name
        names |= {f"bioloc.phantoms.{file.stem}" for file in (SOURCE / "bioloc/phantoms").glob("*.py")}
    return {name for name in names if name.startswith("bioloc.")}


def closure(module: str) -> set[Path]:
    seen: dict[str, Path] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        path = file_of(name)
        if name in seen or path is None:
            continue
        seen[name] = path
        waiting += imports_of(path)
    return set(seen.values())
