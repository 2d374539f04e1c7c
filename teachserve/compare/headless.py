"""A comparison without a screen: its score is told at the end."""

import json
import threading

from teachserve.compare.report import as_json, as_text
from teachserve.compare.run import Run
from teachserve.demo.endings import DONE, Ending, Endings


def run(compared: Run, endings: Endings, json_wanted: bool) -> tuple[Ending, str]:
    """Run until the plan is over or there is another reason to end; take everything down. The report is "" for no request."""
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
    if not compared.began:
        return ending, ""
    return ending, json.dumps(as_json(compared, comparison)) if json_wanted else as_text(compared, comparison)
