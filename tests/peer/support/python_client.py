"""Answers questions with the Python client's library, over one connection to the exporter that the environment names.

Reads lines of JSON, each the text of a function's body, and prints a line of JSON for each: {"answer": …} with what the
function returned, or {"error": …} with the exception's classes, from its own up, and its message.
"""

import json
import sys
import textwrap

from jumpstarter.utils.env import env


def ask(client, body):
    names = {}
    exec("def question(client):\n" + textwrap.indent(textwrap.dedent(body), "    "), names)
    try:
        return {"answer": names["question"](client)}
    except Exception as error:
        classes = [one.__name__ for one in type(error).__mro__]
        return {"error": {"classes": classes, "message": str(error)}}


with env() as client:
    for line in sys.stdin:
        print(json.dumps(ask(client, json.loads(line))), flush=True)
