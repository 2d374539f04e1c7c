"""The screen, in Textual. What it shows is made in `teachserve.demo` and `teachserve.observe`; here it is drawn."""
