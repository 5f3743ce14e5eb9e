"""How dates are written in each language, where Django's own habit is another than that of our readers."""
