"""Write the pages of docs/reference anew."""

from tests.project.reference.pages import FOLDER, pages

for name, text in pages().items():
    (FOLDER / name).write_text(text, encoding="utf-8")
