"""English: the day first, the month as a word, so that nobody in London or New York reads another day."""

DATE_FORMAT = "j M Y"
DATETIME_FORMAT = "j M Y, H:i"
