"""One of River's detectors on the stream of detectors.rs: millions of updates per second of
processor time, drifts, values.

    python detectors.py adwin
"""

import sys
import time

from river import drift

MAKE = {
    "adwin": drift.ADWIN,
    "page_hinkley": drift.PageHinkley,
    "ddm": drift.binary.DDM,
    "eddm": drift.binary.EDDM,
    "hddm_a": drift.binary.HDDMA,
    "hddm_w": drift.binary.HDDMW,
    "kswin": lambda: drift.KSWIN(seed=0),
}
VALUES = 1_000_000


def errors(count):
    state, values = 1, []
    for i in range(count):
        state = (state * 1103515245 + 12345) % 2**31
        chance = 0.2 if i < VALUES // 2 else 1 / 3
        values.append(1.0 if (state >> 8) / 2**23 < chance else 0.0)
    return values


key = sys.argv[1]
if key in MAKE:
    # enough for a second or so.
    values = errors(3_000 if key == "kswin" else 300_000)
    detector, drifts = MAKE[key](), 0
    begun = time.process_time()
    for value in values:
        detector.update(value)
        if detector.drift_detected:
            drifts += 1
    seconds = time.process_time() - begun
    print(len(values) / seconds / 1e6, drifts, len(values))
