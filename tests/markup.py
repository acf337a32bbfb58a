"""A page of HTML as a reader finds it."""

from html.parser import HTMLParser

_VOID = {"meta", "link", "br", "img", "hr", "input"}


class Markup(HTMLParser):
    """The tags of a page in their order, its ids, what is left open or was closed wrongly, and the text."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.ids, self.open, self.wrong, self._text = [], [], [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.handle_startendtag(tag, attrs)
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.ids += [value for name, value in attrs if name == "id"]

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)

    def handle_data(self, data):
        if not self.open or self.open[-1] not in ("style", "script"):
            self._text.append(data)

    @property
    def words(self):
        """What there is to read, with single spaces."""
        return " ".join(" ".join(self._text).split())
