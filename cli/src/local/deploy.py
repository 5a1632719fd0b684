"""Deploys template.yaml into the emulator: what `sam deploy` does, in two seconds.

Reads a job as JSON from standard input, prints the stack's outputs as JSON. The template goes in as it
is, but for each function's CodeUri, which is pointed at the uploaded program, as `sam package` does, and for
what the emulator does not know.
"""

import hashlib
import io
import json
import sys
import zipfile

import boto3
from botocore.exceptions import ClientError
from samtranslator.yaml_helper import yaml_parse

# All stacks of an emulator share their programs.
BUCKET = "storehook-programs"

job = json.load(sys.stdin)
session = boto3.Session(
    aws_access_key_id=job["access_key_id"],
    aws_secret_access_key=job["secret_access_key"],
    region_name=job["region"],
)


def client(service):
    return session.client(service, endpoint_url=job["endpoint_url"])


def upload(binary, path):
    """Zips a program as Lambda wants it, a file named bootstrap, and uploads it."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as zipped, open(path, "rb") as program:
        entry = zipfile.ZipInfo("bootstrap")
        entry.external_attr = 0o755 << 16
        zipped.writestr(entry, program.read())
    # Named by its content: a kept stack is updated when the program changes, and a second stack of the same
    # emulator uploads nothing. A program has some 50 MB, and an upload stops the emulator for that long.
    key = f"{binary}-{hashlib.sha256(archive.getvalue()).hexdigest()}.zip"
    kept = [entry["Key"] for entry in s3.list_objects_v2(Bucket=BUCKET, Prefix=f"{binary}-").get("Contents", [])]
    if key not in kept:
        for old in kept:
            s3.delete_object(Bucket=BUCKET, Key=old)
        s3.put_object(Bucket=BUCKET, Key=key, Body=archive.getvalue())
    return f"s3://{BUCKET}/{key}"


def deploy():
    """Creates the stack, or updates it where it exists, and returns its outputs."""
    template = yaml_parse(open(job["template"], encoding="utf-8").read())
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            binary = resource["Metadata"]["BuildProperties"]["Binary"]
            resource["Properties"]["CodeUri"] = upload(binary, job["programs"][binary])
    numbers = {
        name: int(job["parameters"].get(name, parameter["Default"]))
        for name, parameter in template["Parameters"].items() if parameter["Type"] == "Number"
    }
    template["Resources"] = with_numbers(template["Resources"], numbers)
    with_batch_action(template["Resources"])
    without_alarms(template["Resources"])
    stack = {
        "StackName": job["stack_name"],
        "TemplateBody": json.dumps(template),
        "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        "Parameters": [
            {"ParameterKey": key, "ParameterValue": value} for key, value in job["parameters"].items()
        ],
    }
    existing = [summary["StackName"] for summary in cloudformation.list_stacks(
        StackStatusFilter=["CREATE_COMPLETE", "IMPORT_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"],
    )["StackSummaries"]]
    if job["stack_name"] not in existing:
        cloudformation.create_stack(**stack)
        wait_until("stack_create_complete")
    elif is_updated(stack):
        wait_until("stack_update_complete")
    described = cloudformation.describe_stacks(StackName=job["stack_name"])["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}


def is_updated(stack):
    """Begins to update a stack, unless it is already as it should be."""
    try:
        cloudformation.update_stack(**stack)
    except ClientError as error:
        if "No updates are to be performed" in str(error):
            return False
        raise
    return True


def wait_until(done):
    """Waits for a change of the stack to be done."""
    waiter = cloudformation.get_waiter(done)
    waiter.wait(StackName=job["stack_name"], WaiterConfig={"Delay": 1, "MaxAttempts": 120})


def with_numbers(node, numbers):
    """Puts the values of Number parameters in the place of their Refs.

    CloudFormation makes numbers of them where a resource wants one; the emulator leaves the texts that they
    came as, and its event source mappings then fail. Variables of a function's environment are texts anyway.
    """
    if isinstance(node, dict):
        if node.keys() == {"Ref"} and node["Ref"] in numbers:
            return numbers[node["Ref"]]
        return {key: value if key == "Environment" else with_numbers(value, numbers) for key, value in node.items()}
    if isinstance(node, list):
        return [with_numbers(value, numbers) for value in node]
    return node


def with_batch_action(resources):
    """Grants sqs:SendMessageBatch where sqs:SendMessage is granted.

    AWS has no such action: sending a batch wants sqs:SendMessage. The emulator asks for it by that name.
    """
    for resource in resources.values():
        for policy in resource["Properties"].get("Policies", []):
            for statement in policy["PolicyDocument"]["Statement"]:
                if statement["Action"] == "sqs:SendMessage":
                    statement["Action"] = ["sqs:SendMessage", "sqs:SendMessageBatch"]


def without_alarms(resources):
    """Leaves out the alarms, and the dashboard, which shows them.

    The emulator knows neither alarms on expressions nor composite alarms, and it has none of the metrics.
    """
    for name in [name for name, resource in resources.items() if resource["Type"].startswith("AWS::CloudWatch::")]:
        del resources[name]


def disable_stream_mappings(functions):
    """Takes the stream from the emulator's own poller; kinesis/poller.rs says why."""
    mappings = client("lambda")
    for function in functions:
        for mapping in mappings.list_event_source_mappings(FunctionName=function)["EventSourceMappings"]:
            if ":kinesis:" in mapping["EventSourceArn"]:
                mappings.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)


def tell_public_url(function, url):
    """Tells the admin API where it is: the emulator leaves its port out of a request's `domainName`."""
    functions = client("lambda")
    variables = functions.get_function_configuration(FunctionName=function)["Environment"]["Variables"]
    if not variables.get("PUBLIC_URL"):
        functions.update_function_configuration(
            FunctionName=function, Environment={"Variables": {**variables, "PUBLIC_URL": url}})


s3 = client("s3")
s3.create_bucket(Bucket=BUCKET)
cloudformation = client("cloudformation")
outputs = deploy()
disable_stream_mappings([outputs["FanOutFunction"]])
tell_public_url(outputs["AdminApiFunction"], outputs["ApiUrl"])
json.dump(outputs, sys.stdout)
