"""Puts an object into a bucket: reads a job as JSON from standard input, and prints the object's key as JSON."""

import json
import sys

import boto3

job = json.load(sys.stdin)
session = boto3.Session(
    aws_access_key_id=job["access_key_id"],
    aws_secret_access_key=job["secret_access_key"],
    region_name=job["region"],
)
s3 = session.client("s3", endpoint_url=job["endpoint_url"])
s3.put_object(Bucket=job["bucket"], Key=job["key"], Body=job["body"].encode())
json.dump(job["key"], sys.stdout)
