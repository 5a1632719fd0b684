"""Checks commands of the AWS CLI against botocore's model of each service: a line in is a command, in the words of
a shell. A line out is what is wrong with it, or nothing. `logs tail` and `s3` are the CLI's own. A command with `...` leaves
options out."""

import shlex
import sys

import boto3
from botocore import xform_name

GLOBAL = {"query", "output", "region", "profile", "endpoint-url", "cli-binary-format"}
OWN = {("logs", "tail"): {"since", "filter-pattern", "follow"}, ("s3", "ls"): {"recursive"}, ("s3", "cp"): set(), ("s3", "rb"): {"force"}}


def wrong(words):
    for end in ("|", ";", "do", ">"):
        words = words[: words.index(end)] if end in words else words
    if len(words) < 3:
        return ""  # a program or a service that a sentence names
    service, operation = words[1], words[2]
    if operation == "wait":
        waiters = boto3.client(service, region_name="us-east-1").waiter_names
        return "" if words[3].replace("-", "_") in waiters else f"{service} has no waiter {words[3]}"
    options = {word[2:] for word in words[3:] if word.startswith("--")} - GLOBAL
    if (service, operation) in OWN:
        known = OWN[service, operation]
    else:
        model = boto3.client(service.removesuffix("api"), region_name="us-east-1").meta.service_model
        operations = {xform_name(name, "-"): name for name in model.operation_names}
        if operation not in operations:
            return f"{service} has no {operation}"
        shape = model.operation_model(operations[operation]).input_shape
        members = {xform_name(name, "-"): member for name, member in shape.members.items()}
        known = set(members) | {f"no-{name}" for name, member in members.items() if member.type_name == "boolean"}
        required = {xform_name(name, "-") for name in shape.required_members}
        if "..." not in words and (missing := required - {option.removeprefix("no-") for option in options}):
            return f"{service} {operation} needs {sorted(missing)}"
    unknown = options - known
    return f"{service} {operation} has no {sorted(unknown)}" if unknown else ""


for line in sys.stdin:
    try:
        print(wrong(shlex.split(line)))
    except Exception as error:
        print(f"{type(error).__name__}: {error}")
