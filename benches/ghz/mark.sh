#!/usr/bin/env bash
# Pushes the mark that the orders here are priced around: without one the gateway refuses them.
#
#     ./mark.sh [ADDRESS] [GRPCURL]
set -euo pipefail

address=${1:-127.0.0.1:50051}
answer=$("${2:-grpcurl}" -plaintext -max-time 5 -d @ "$address" bulkhead.v1.MarketDataService/PushMarks <<JSON
{"marks": [{"instrument_id": "AAPL", "mark": {"value": "187.50"}, "source_time": "$(date -u +%Y-%m-%dT%H:%M:%SZ)"}]}
JSON
)
if [[ $answer != *MARKET_DATA_STATUS_ACCEPTED* ]]; then
    echo "the mark was not accepted: $answer" >&2
    exit 1
fi
echo "the mark of AAPL is 187.50"
