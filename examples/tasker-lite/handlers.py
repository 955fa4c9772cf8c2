# The steps' work in another runtime: one JSON request a line in, one JSON answer a line out.
import json
import sys


def square(request):
    dependencies = list(request["dependencies"].values())
    number = dependencies[0] if dependencies else request["context"].get("even_number", 0)
    return number * number


HANDLERS = {"square": square}

for line in sys.stdin:
    request = json.loads(line)
    try:
        answer = {"result": HANDLERS[request["handler"]](request)}
    except Exception as error:
        answer = {"error": f"{type(error).__name__}: {error}"}
    answer["id"] = request["id"]
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()
