//! Deployments that fail, stacks that are deleted, and records that are given up.
//!
//! The emulator rolls back and deletes as CloudFormation does, with two exceptions: it takes no
//! notice of a table's deletion protection, nor of a table's name that is taken.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use storehook_tests::{Stack, eventually, record, root};

use super::{policy::Policy, template::resource};

/// Whether a table, a queue or a bucket is there.
async fn exists(stack: &Stack, service: &str, operation: &str, arguments: Value) -> Result<bool> {
    let said = |error: &anyhow::Error, text: &str| error.to_string().contains(text);
    match stack.aws(service, operation, arguments).await {
        Ok(_) => Ok(true),
        Err(error) if ["NotFound", "NonExistent", "404"].iter().any(|text| said(&error, text)) => Ok(false),
        Err(error) => Err(error),
    }
}

async fn has_tables_and_queues(stack: &Stack, name: &str) -> Result<[bool; 3]> {
    let table = |table: &str| json!({"TableName": format!("{name}-{table}")});
    Ok([
        exists(stack, "dynamodb", "describe_table", table("registry")).await?,
        exists(stack, "dynamodb", "describe_table", table("history")).await?,
        exists(stack, "sqs", "get_queue_url", json!({"QueueName": format!("{name}-delivery")})).await?,
    ])
}

async fn status(stack: &Stack, name: &str) -> Result<String> {
    let described = stack.aws("cloudformation", "describe_stacks", json!({"StackName": name})).await?;
    Ok(described["Stacks"][0]["StackStatus"].as_str().context("no status")?.to_owned())
}

pub(super) async fn delete(stack: &Stack, name: &str) -> Result<()> {
    let described = stack.aws("cloudformation", "describe_stacks", json!({"StackName": name})).await?;
    let id = described["Stacks"][0]["StackId"].as_str().context("no id")?.to_owned();
    stack.aws("cloudformation", "delete_stack", json!({"StackName": name})).await?;
    eventually("the stack to be deleted", || async {
        Ok((status(stack, &id).await? == "DELETE_COMPLETE").then_some(()))
    })
    .await
}

/// The names of the buckets of stacks whose name begins so.
async fn buckets(stack: &Stack, name: &str) -> Result<Vec<String>> {
    let listed = stack.aws("s3", "list_buckets", json!({})).await?;
    let names = listed["Buckets"].as_array().into_iter().flatten();
    let names = names.filter_map(|bucket| bucket["Name"].as_str().map(str::to_owned));
    Ok(names.filter(|bucket| bucket.starts_with(name)).collect())
}

#[tokio::test]
async fn a_first_deployment_that_fails_can_be_made_again_and_a_deleted_stack_leaves_its_data() -> Result<()> {
    let shared = Stack::shared().await?;
    let name = "storehook-failing";
    // Last of all comes a bucket whose name is taken, by the programs of every stack.
    let failing = "\n  Failing:\n    Type: AWS::S3::Bucket\n    DependsOn: [ApiStage, ApiPermission, FanOutMapping, \
         JobsMapping, DeliveryMapping, RetryMapping, RegistryTable, HistoryTable]\n    Properties:\n      \
         BucketName: storehook-programs\n\nOutputs:\n";
    let text = std::fs::read_to_string(root().join("template.yaml"))?;
    let template = root().join("target/it/failing-template.yaml");
    std::fs::write(&template, text.replace("\nOutputs:\n", failing))?;
    let failed = Stack::deploy_template(template, name, &[]).await;
    assert!(failed.is_err(), "the bucket's name is taken");
    let rolled_back = async || Ok((status(&shared, name).await? == "ROLLBACK_COMPLETE").then_some(()));
    eventually("the stack to be rolled back", rolled_back).await?;
    assert_eq!(has_tables_and_queues(&shared, name).await?, [false; 3]);
    assert_eq!(buckets(&shared, name).await?, Vec::<String>::new());
    delete(&shared, name).await?;

    let stack = Stack::deploy(name, &[]).await?;
    assert_eq!(has_tables_and_queues(&shared, name).await?, [true; 3]);
    stack.install().await?;
    delete(&shared, name).await?;
    assert_eq!(has_tables_and_queues(&shared, name).await?, [true, true, false]);
    assert_eq!(buckets(&shared, name).await?.len(), 1);
    Ok(())
}

/// DynamoDB refuses, whoever asks: so does it CloudFormation.
#[tokio::test]
async fn a_protected_table_cannot_be_deleted() -> Result<()> {
    let stack = Stack::deploy("storehook-protected", &[("DeletionProtection", "true")]).await?;
    for table in ["registry", "history"] {
        let arguments = json!({"TableName": stack.resource(table)});
        let refused = stack.aws("dynamodb", "delete_table", arguments).await.err().context(table)?;
        assert!(refused.to_string().contains("deletion protection"), "{refused}");
    }
    Ok(())
}

#[test]
fn data_outlives_the_stack_unless_its_first_deployment_fails() -> Result<()> {
    for name in ["RegistryTable", "HistoryTable", "GivenUpRecords"] {
        let resource = resource(name)?;
        assert_eq!(resource["DeletionPolicy"].as_str(), Some("RetainExceptOnCreate"), "{name}");
        assert_eq!(resource["UpdateReplacePolicy"].as_str(), Some("Retain"), "{name}");
    }
    Ok(())
}

#[test]
fn the_mapping_gives_nothing_up_that_the_stream_would_not_forget() -> Result<()> {
    let mapping = resource("FanOutMapping")?["Properties"].clone();
    let retention = resource("EventStream")?["Properties"]["RetentionPeriodHours"].as_u64();
    let retention = retention.context("no retention")? * 3_600;
    let age = mapping["MaximumRecordAgeInSeconds"].as_u64().context("no age")?;
    assert!(age < retention && age >= retention - 3_600, "{age} s of {retention} s");
    // A record that crashes the function, or makes it time out, must not hold up the others for a day.
    let timeout = resource("FanOutFunction")?["Properties"]["Timeout"].as_u64().context("no timeout")?;
    let retries = mapping["MaximumRetryAttempts"].as_u64().context("no retries")?;
    assert!(retries * timeout <= 12 * 3_600, "{retries} tries of {timeout} s");
    let destination = yaml_serde::to_string(&mapping["DestinationConfig"]["OnFailure"]["Destination"])?;
    assert!(destination.contains("GivenUpRecords.Arn"), "a queue would get the place only: {destination}");
    Ok(())
}

#[tokio::test]
async fn a_record_that_is_given_up_is_in_the_bucket_whole() -> Result<()> {
    let stack = Stack::deploy("storehook-given-up", &[]).await?;
    Policy::of(&stack, "FanOutRole").await?.take_away(&stack, "sqs:SendMessage").await?;
    let installed = stack.install().await?;
    installed.api.create_webhook("orders/create", "https://a.example/").await?;
    let bucket = buckets(&stack, &stack.name).await?.pop().context("no bucket")?;
    // A mapping of its own, because the template's gives up later than a test can wait.
    let stream = "given-up";
    stack.aws("kinesis", "create_stream", json!({"StreamName": stream, "ShardCount": 1})).await?;
    let data = record(&installed.shop, "orders/create", "o-1", r#"{"total": 199.0}"#);
    let put = json!({"StreamName": stream, "PartitionKey": "k", "Data": data});
    stack.aws("kinesis", "put_record", put).await?;
    let mapping = json!({
        "EventSourceArn": format!("arn:aws:kinesis:us-east-1:000000000000:stream/{stream}"),
        "FunctionName": stack.resource("fan-out"),
        "StartingPosition": "TRIM_HORIZON",
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "MaximumRetryAttempts": 1,
        "MaximumRecordAgeInSeconds": 82_800,
        "DestinationConfig": {"OnFailure": {"Destination": format!("arn:aws:s3:::{bucket}")}},
        // The poller of the local stack takes such mappings.
        "Enabled": false,
    });
    let mapping = stack.aws("lambda", "create_event_source_mapping", mapping).await?;
    let prefix = format!("aws/lambda/{}/shardId-000000000000/", mapping["UUID"].as_str().context("no id")?);
    let key = eventually("the record in the bucket", || async {
        let listed = stack.aws("s3", "list_objects_v2", json!({"Bucket": bucket, "Prefix": prefix})).await?;
        Ok(listed["Contents"][0]["Key"].as_str().map(str::to_owned))
    })
    .await?;
    let object = stack.object(&bucket, &key).await?;
    assert_eq!(object["requestContext"]["condition"], "RetryAttemptsExhausted");
    assert_eq!(object["requestContext"]["approximateInvokeCount"], 2);
    let event: Value = serde_json::from_str(object["payload"].as_str().context("no payload")?)?;
    let kept = event["Records"][0]["kinesis"]["data"].as_str().context("no data")?;
    use base64::Engine as _;
    assert_eq!(base64::engine::general_purpose::STANDARD.decode(kept)?, data.as_bytes());
    Ok(())
}
