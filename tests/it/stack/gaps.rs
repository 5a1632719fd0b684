//! The emulator's gaps that our local stack works round. A small test holds each: when an upgrade
//! closes a gap, its test fails, and the work-around can go.

use anyhow::{Context as _, Result};
use aws_sdk_sqs::types::{Message, MessageSystemAttributeName, QueueAttributeName};
use serde_json::json;
use storehook_tests::{Stack, eventually, record, stream_event};

use super::policy::Policy;

#[tokio::test]
async fn the_emulators_redrive_keeps_the_receive_count_the_message_id_and_the_time_of_sending() -> Result<()>
{
    let stack = Stack::shared().await?;
    let client = aws_sdk_sqs::Client::new(&stack.sdk());
    let unique = uuid::Uuid::new_v4().simple().to_string();
    let second = client
        .create_queue()
        .queue_name(format!("second-{unique}"))
        .send()
        .await?
        .queue_url
        .unwrap_or_default();
    let arn = format!("arn:aws:sqs:us-east-1:000000000000:second-{unique}");
    let policy = json!({"deadLetterTargetArn": arn, "maxReceiveCount": 1}).to_string();
    let first = client
        .create_queue()
        .queue_name(format!("first-{unique}"))
        .attributes(QueueAttributeName::RedrivePolicy, policy);
    let first = first.send().await?.queue_url.unwrap_or_default();
    let sent = client.send_message().queue_url(&first).message_body("m").send().await?;
    let receive = async |queue: &str| {
        let receive = client.receive_message().queue_url(queue).visibility_timeout(0);
        let receive = receive.message_system_attribute_names(MessageSystemAttributeName::All);
        anyhow::Ok(receive.send().await?.messages.unwrap_or_default().pop())
    };
    let before = receive(&first).await?.context("no message")?;
    let after = eventually("the message in the second queue", || async {
        receive(&first).await?;
        receive(&second).await
    })
    .await?;
    let attribute = |message: &Message, name| message.attributes.as_ref()?.get(&name).cloned();
    let count = attribute(&after, MessageSystemAttributeName::ApproximateReceiveCount);
    assert_eq!(count.as_deref(), Some("2"), "the schedule is right with a fresh start as well");
    // Runs are right with another id as well: `shared/domain/tests/runs` tries both.
    assert_eq!(after.message_id, sent.message_id, "AWS documents neither");
    let sent_at = |message| attribute(message, MessageSystemAttributeName::SentTimestamp);
    assert_eq!(sent_at(&after), sent_at(&before), "on AWS, too: the retention counts from it");
    Ok(())
}

#[tokio::test]
async fn the_emulator_has_no_message_move_tasks() -> Result<()> {
    let stack = Stack::shared().await?;
    let source =
        json!({"SourceArn": format!("arn:aws:sqs:us-east-1:000000000000:{}", stack.resource("dead-letter"))});
    let error = stack.aws("sqs", "start_message_move_task", source).await.map_err(|error| error.to_string());
    assert!(error.as_ref().is_err_and(|error| error.contains("InvalidAction")), "{error:?}");
    Ok(())
}

#[tokio::test]
async fn the_emulator_requires_a_separate_action_for_sending_batches() -> Result<()> {
    let stack = Stack::shared().await?;
    let unique = uuid::Uuid::new_v4().simple().to_string();
    let trust = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"},
    ]});
    let policy = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*"},
    ]});
    let role = stack
        .aws("iam", "create_role", json!({"RoleName": unique, "AssumeRolePolicyDocument": trust.to_string()}))
        .await?;
    let put = json!({"RoleName": unique, "PolicyName": "p", "PolicyDocument": policy.to_string()});
    stack.aws("iam", "put_role_policy", put).await?;
    let arguments = json!({"RoleArn": role["Role"]["Arn"], "RoleSessionName": "test"});
    let credentials = stack.aws("sts", "assume_role", arguments).await?["Credentials"].clone();
    let text = |name: &str| credentials[name].as_str().unwrap_or_default().to_owned();
    let credentials = aws_sdk_sqs::config::Credentials::new(
        text("AccessKeyId"),
        text("SecretAccessKey"),
        Some(text("SessionToken")),
        None,
        "test",
    );
    let config = aws_sdk_sqs::config::Builder::from(&stack.sdk()).credentials_provider(credentials).build();
    let client = aws_sdk_sqs::Client::from_conf(config);
    let url = stack.queue_url("rejected").await?;
    client.send_message().queue_url(&url).message_body(&unique).send().await?;
    let entry =
        aws_sdk_sqs::types::SendMessageBatchRequestEntry::builder().id("0").message_body(&unique).build()?;
    let batch = client.send_message_batch().queue_url(&url).entries(entry).send().await;
    assert!(batch.is_err_and(|error| error.into_service_error().meta().code() == Some("AccessDenied")));
    Ok(())
}

#[tokio::test]
async fn the_emulators_stream_mapping_loses_records_reported_as_failed() -> Result<()> {
    let stack = Stack::deploy("storehook-gap", &[]).await?;
    Policy::of(&stack, "FanOutRole").await?.take_away(&stack, "sqs:SendMessage").await?;
    let installed = stack.install().await?;
    installed.api.create_webhook("orders/create", "https://a.example/").await?;

    // The function does report it.
    let event = stream_event(&record(&installed.shop, "orders/create", "o-1", "{}"));
    let (response, _) = stack.invoke("fan-out", &event).await?;
    assert_eq!(response, json!({"batchItemFailures": [{"itemIdentifier": "1"}]}));

    let stream = "own-mapping";
    stack.aws("kinesis", "create_stream", json!({"StreamName": stream, "ShardCount": 1})).await?;
    let mapping = json!({
        "EventSourceArn": format!("arn:aws:kinesis:us-east-1:000000000000:stream/{stream}"),
        "FunctionName": stack.resource("fan-out"),
        "StartingPosition": "TRIM_HORIZON",
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
    });
    // The role may read the template's stream alone, and this test is about what comes after that.
    stack.aws("kinesis", "put_record", json!({
        "StreamName": stream, "PartitionKey": "k", "Data": record(&installed.shop, "orders/create", "o-1", "{}"),
    })).await?;
    let mapping = stack.aws("lambda", "create_event_source_mapping", mapping).await?;
    let result = eventually("the mapping to say what came of the record", || async {
        let mapping =
            stack.aws("lambda", "get_event_source_mapping", json!({"UUID": mapping["UUID"]})).await?;
        let result = mapping["LastProcessingResult"].as_str().unwrap_or_default().to_owned();
        Ok((result != "No records processed").then_some(result))
    })
    .await?;
    assert!(result.starts_with("OK"), "AWS would say PROBLEM and try again: {result}");
    Ok(())
}
