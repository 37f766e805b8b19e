#!/usr/bin/env python3
"""Reads a JSON report of ghz, prints what it says, and fails when it says something bad.

ghz has no thresholds and ends with status 0 even when every call failed.

    ghz --config smoke.json -O json -o report.json 127.0.0.1:50051
    ./summary.py report.json [--p99-ms N] [--rate N] [--by-second]
"""

import argparse
import json
import sys
from collections import defaultdict


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("report")
    parser.add_argument("--p99-ms", type=float, help="most that 99 %% of the calls may take")
    parser.add_argument("--rate", type=float, help="least calls per second, over the whole run")
    parser.add_argument(
        "--by-second", action="store_true", help="one line for each second: where is the knee?"
    )
    options = parser.parse_args()

    with open(options.report, encoding="utf-8") as file:
        report = json.load(file)
    statuses = report.get("statusCodeDistribution") or {}
    percentiles = {
        entry["percentage"]: entry["latency"] / 1e6
        for entry in report.get("latencyDistribution") or []
    }
    print(
        f"{report.get('name', 'ghz')}: {report['count']} calls in {report['total'] / 1e9:.1f} s, "
        f"{report['rps']:.0f}/s, ended: {report.get('endReason', 'unknown')}"
    )
    print("latency ms: " + ", ".join(f"p{at} {ms:.3f}" for at, ms in percentiles.items()))
    print("status: " + ", ".join(f"{status} {count}" for status, count in statuses.items()))
    for error, count in (report.get("errorDistribution") or {}).items():
        print(f"error: {count} x {error}")
    if options.by_second:
        by_second(report)

    bad = []
    failed = report["count"] - statuses.get("OK", 0)
    if report["count"] == 0 or failed:
        bad.append(f"{failed} of {report['count']} calls failed")
    if options.p99_ms is not None and percentiles.get(99, float("inf")) > options.p99_ms:
        bad.append(f"p99 is {percentiles.get(99)} ms, allowed are {options.p99_ms}")
    if options.rate is not None and report["rps"] < options.rate:
        bad.append(f"rate is {report['rps']:.0f}/s, wanted are {options.rate:.0f}")
    for line in bad:
        print(f"FAILED: {line}", file=sys.stderr)
    return 1 if bad else 0


def by_second(report):
    seconds = defaultdict(list)
    for detail in report.get("details") or []:
        seconds[detail["timestamp"][:19]].append((detail["latency"] / 1e6, detail["status"]))
    print("ended in             calls/s   p50 ms   p99 ms   not OK")
    for second, calls in sorted(seconds.items()):
        latencies = sorted(latency for latency, _ in calls)
        failed = sum(status != "OK" for _, status in calls)
        p50, p99 = (latencies[int(len(latencies) * part)] for part in (0.5, 0.99))
        print(f"{second}  {len(calls):7} {p50:8.3f} {p99:8.3f} {failed:8}")


if __name__ == "__main__":
    sys.exit(main())
