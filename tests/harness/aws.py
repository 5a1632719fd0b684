"""AWS calls by boto3's names: each line in is {"service", "operation", "arguments"}, and each line out is
{"response"} or {"error"}."""

import json
import sys

import boto3

for line in sys.stdin:
    call = json.loads(line)
    try:
        response = getattr(boto3.client(call["service"]), call["operation"])(**call["arguments"])
        if "Body" in response:
            response["Body"] = response["Body"].read().decode()
        told = {"response": response}
    except Exception as error:
        told = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(told, default=str), flush=True)
