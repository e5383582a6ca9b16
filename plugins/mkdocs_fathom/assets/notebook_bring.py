def bring(folder: str, files: dict[str, str | tuple[str, str]], paths: list[str], threads: list[str]) -> None:
    """Write what this notebook imports and reads into a folder beside it, and let Python import from there.

    What is there already is left alone, so that you may change it.
    """
    import base64
    import importlib.util
    import os
    import sys
    from pathlib import Path

    for name in threads:  # as when the outputs below were made: more threads round otherwise
        os.environ.setdefault(name, "1")
    root = Path(folder).absolute()
    installed = importlib.util.find_spec("mkdocs_fathom") is not None
    for name, content in files.items():
        file = root / name
        data = base64.b64decode(content[1]) if isinstance(content, tuple) else content.encode()
        if name.startswith("mkdocs_fathom/") and installed:
            continue
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
        elif file.read_bytes() != data:
            print(f"{folder}/{name} differs from what made the outputs below. It is yours now, and is used.")
    sys.path[:0] = [str(root / path) for path in paths if str(root / path) not in sys.path]
    os.environ.setdefault("FATHOM_ROOT", str(root))  # where `artifacts.source` finds files
