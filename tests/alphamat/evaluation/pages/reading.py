"""A page of HTML, read strictly."""

from html.parser import HTMLParser

VOID = {"meta", "img", "input"}


class Page(HTMLParser):
    """A page as tags, with their attributes; a tag out of place is an error."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.words = [], [], []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, text):
        self.words.append(text)

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]
