"""One AWS call, by boto3's names: {"service", "operation", "arguments"} in, the answer's JSON out."""

import base64
import json
import sys

import boto3

call = json.loads(sys.argv[1])
client = boto3.client(call["service"])
if call["operation"] == "invoke_with_log":
    answer = client.invoke(LogType="Tail", **call["arguments"])
    answer["Log"] = base64.b64decode(answer.get("LogResult", "")).decode(errors="replace")
    answer["Payload"] = answer["Payload"].read().decode()
else:
    answer = getattr(client, call["operation"])(**call["arguments"])
json.dump(answer, sys.stdout, default=str)
