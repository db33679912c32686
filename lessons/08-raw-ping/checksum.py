# Chapter 8: the internet checksum (RFC 1071) of the bytes given in hexadecimal, step by step.
import sys

data = bytes.fromhex("".join(sys.argv[1:]))
if len(data) % 2:
    data += b"\0"  # an odd byte at the end is the high one of its word

# ANCHOR: steps
total = 0
for at in range(0, len(data), 2):
    word = data[at] << 8 | data[at + 1]  # two bytes are one word, the high one first
    total += word
    print(f"+ {word:04x} = {total:5x}")
while total > 0xFFFF:
    carry, low = total >> 16, total & 0xFFFF
    total = low + carry
    print(f"what stands above 16 bits, brought round: {low:04x} + {carry:x} = {total:04x}")
print(f"every bit turned over: {total ^ 0xFFFF:04x}")
# ANCHOR_END: steps
