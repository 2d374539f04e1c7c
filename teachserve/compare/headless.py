"""A comparison without a screen: its score is printed at the end."""

import json
import sys
import threading

from teachserve.compare.report import as_json, as_text
from teachserve.compare.run import Run
from teachserve.demo.endings import DONE, Ending, Endings


def run(compared: Run, endings: Endings, json_wanted: bool) -> Ending:
    """Run until the plan is over or there is another reason to end; print the report; take everything down."""
    compared.start()

    def end_when_over() -> None:
        compared.over.wait()
        endings.end(DONE)

    threading.Thread(target=end_when_over, name="over", daemon=True).start()
    try:
        ending = endings.wait()
        comparison = compared.now()  # what is given up from here on is no side's fault
    finally:
        compared.end()
    if compared.began:
        text = json.dumps(as_json(compared, comparison)) if json_wanted else as_text(compared, comparison)
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
    return ending
