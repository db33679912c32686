"""What it costs to parse again whenever a byte has come: the bytes that are looked at, for a message sent byte by byte."""

import json


# ANCHOR: again
def parse_again(message):
    """At each byte, tries to parse everything that has come so far."""
    looked_at = 0
    for end in range(1, len(message) + 1):
        looked_at += end
        try:
            json.loads(message[:end])
            return looked_at
        except ValueError:
            pass  # not whole yet
# ANCHOR_END: again


# ANCHOR: remember
def remember(message):
    """Looks at each byte once to find the object's end, then parses once. Remembers where it was in three variables."""
    looked_at = depth = 0
    in_string = escaped = False
    for end, byte in enumerate(message, start=1):
        looked_at += 1
        if escaped:
            escaped = False
        elif byte == ord("\\"):
            escaped = in_string
        elif byte == ord('"'):
            in_string = not in_string
        elif not in_string:
            depth += (byte == ord("{")) - (byte == ord("}"))
            if depth == 0:
                json.loads(message[:end])
                return looked_at + end
# ANCHOR_END: remember


print("message       parse again at each byte     remember")
for size in [100, 1_000, 10_000]:
    message = json.dumps({"text": "x" * (size - len('{"text": ""}'))}).encode()
    print(f"{size:6,} bytes {parse_again(message):17,} bytes {remember(message):12,} bytes")
