"""``python -m tutorial_lib``: the command ``tutorial``, where a launcher wants a module."""

from tutorial_lib.cli import app

if __name__ == "__main__":
    app(prog_name="tutorial")
