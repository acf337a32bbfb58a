"""One module a library; a contestant is a function of the row's data that returns figures by name."""
