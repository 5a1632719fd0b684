//! The template and the code agree.

use anyhow::{Context as _, Result, bail};
use storehook_domain::{
    delivery::{lane::Lane, schedule::AGES},
    job::{STEP_TIME, retry::MAX_RECEIVE_COUNT},
    payload::limits::SQS_MESSAGE_LIMIT,
};
use storehook_tests::root;
use yaml_serde::Value;

/// A resource of the template.
pub(crate) fn resource(name: &str) -> Result<Value> {
    template()?["Resources"].get(name).cloned().with_context(|| format!("no resource {name}"))
}

/// The whole template. Functions such as `!Ref` stay tagged values.
pub(crate) fn template() -> Result<Value> {
    Ok(yaml_serde::from_str(&std::fs::read_to_string(root().join("template.yaml"))?)?)
}

#[test]
fn the_queues_redrive_after_the_receives_of_their_lanes() -> Result<()> {
    for (name, lane) in [("DeliveryQueue", Lane::Fast), ("RetryQueue", Lane::Slow)] {
        let count = &resource(name)?["Properties"]["RedrivePolicy"]["maxReceiveCount"];
        assert_eq!(count.as_u64(), Some(lane.max_receive_count() as u64), "{name}");
    }
    // Whether SQS starts the count anew in the second queue or carries it on, there are receives
    // enough for every point, and as many again to lose.
    assert!(Lane::Slow.max_receive_count() >= 2 * AGES.len());
    Ok(())
}

#[test]
fn failed_job_steps_are_ridden_out_for_as_long_as_the_code_says() -> Result<()> {
    let properties = &resource("JobsQueue")?["Properties"];
    let count = properties["RedrivePolicy"]["maxReceiveCount"].as_u64();
    assert_eq!(count, Some(MAX_RECEIVE_COUNT.into()));
    let timeout = resource("FanOutFunction")?["Properties"]["Timeout"].as_u64().context("no timeout")?;
    let visibility = properties["VisibilityTimeout"].as_u64().context("no visibility timeout")?;
    assert!(visibility >= 6 * timeout, "{visibility} s for a timeout of {timeout} s");
    let step = STEP_TIME.as_secs() + 3 * storehook_aws::CALL_TIMEOUT.as_secs() as i64;
    assert_eq!(timeout, fan_out::FUNCTION_TIMEOUT.as_secs(), "its work is cut to it");
    assert!(timeout as i64 >= step + 2, "{timeout} s is too short for steps of {step} s");
    Ok(())
}

#[test]
fn queues_hide_messages_for_six_times_the_functions_timeout() -> Result<()> {
    let timeout = resource("DeliveryFunction")?["Properties"]["Timeout"].as_u64().context("no timeout")?;
    for name in ["DeliveryQueue", "RetryQueue"] {
        let visibility =
            resource(name)?["Properties"]["VisibilityTimeout"].as_u64().context("no visibility timeout")?;
        assert!(visibility >= 6 * timeout, "{name}: {visibility} s for a timeout of {timeout} s");
    }
    assert_eq!(timeout, delivery::FUNCTION_TIMEOUT.as_secs(), "waits for a place are cut to it");
    // The function outlives the longest attempt that can be set.
    let longest =
        template()?["Parameters"]["AttemptTimeoutSeconds"]["MaxValue"].as_u64().context("no maximum")?;
    let longest = longest.max(delivery::INTEGRATION_TIMEOUT.as_secs());
    let calls = 3 * storehook_aws::CALL_TIMEOUT.as_secs();
    assert!(timeout >= longest + calls + 2, "{timeout} s is too short for attempts of {longest} s");
    Ok(())
}

#[test]
fn queues_hold_the_largest_message_for_longer_than_the_schedule() -> Result<()> {
    for name in ["DeliveryQueue", "RetryQueue", "DeadLetterQueue", "RejectedQueue", "JobsQueue"] {
        let properties = &resource(name)?["Properties"];
        assert_eq!(properties["MaximumMessageSize"].as_u64(), Some(SQS_MESSAGE_LIMIT as u64), "{name}");
        let retention = properties["MessageRetentionPeriod"].as_u64().context("no retention")?;
        assert_eq!(retention, 14 * 24 * 60 * 60, "{name}: SQS's longest");
        assert_eq!(properties["SqsManagedSseEnabled"].as_bool(), Some(true), "{name}");
    }
    Ok(())
}

#[test]
fn every_mapping_reports_single_failures_and_the_stream_gives_up_in_time() -> Result<()> {
    for name in ["FanOutMapping", "JobsMapping", "DeliveryMapping", "RetryMapping"] {
        let properties = &resource(name)?["Properties"];
        assert_eq!(
            properties["FunctionResponseTypes"][0].as_str(),
            Some("ReportBatchItemFailures"),
            "{name}"
        );
    }
    let stream = &resource("FanOutMapping")?["Properties"];
    for name in [
        "BisectBatchOnFunctionError",
        "MaximumRetryAttempts",
        "MaximumRecordAgeInSeconds",
        "DestinationConfig",
    ] {
        assert!(!stream[name].is_null(), "{name}");
    }
    for name in ["JobsMapping", "DeliveryMapping", "RetryMapping"] {
        assert!(!resource(name)?["Properties"]["ScalingConfig"]["MaximumConcurrency"].is_null(), "{name}");
    }
    let text = std::fs::read_to_string(root().join("template.yaml"))?;
    assert!(!text.contains("ReservedConcurrentExecutions"), "a throttle would count as a receive");
    Ok(())
}

/// Lambda stops what it takes for an endless loop after about 16 rounds, by the trace header that
/// the SDK passes on: an integration that says `delay` would lose its delivery there.
#[test]
fn lambda_does_not_stop_functions_that_send_to_their_own_queue() -> Result<()> {
    let functions = template()?["Resources"].as_mapping().context("no resources")?.clone();
    let allowed: Vec<_> = functions
        .iter()
        .filter(|(_, resource)| resource["Properties"]["RecursiveLoop"].as_str() == Some("Allow"))
        .filter_map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(allowed, ["FanOutFunction", "DeliveryFunction"]);
    Ok(())
}

/// A function that was taken over must not be able to write itself a token, or a session or link of
/// the panel.
#[test]
fn only_the_admin_api_writes_more_of_the_registry_than_the_items_of_shops() -> Result<()> {
    let fan_out = ["SHOP#*", "RECOVERIES", "QUEUED", "TOKEN#*"];
    for (role, prefixes) in [("FanOutRole", &fan_out[..]), ("DeliveryRole", &["SHOP#*", "RECOVERIES"])] {
        let statements = resource(role)?["Properties"]["Policies"][0]["PolicyDocument"]["Statement"].clone();
        let mut found = Vec::new();
        for statement in statements.as_sequence().context("no statements")? {
            let text = yaml_serde::to_string(statement)?;
            let writes = ["DeleteItem", "PutItem", "UpdateItem"].iter().any(|action| text.contains(action));
            if !writes || !text.contains("RegistryTable") {
                continue;
            }
            let keys = &statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"];
            let keys = keys.as_sequence().with_context(|| format!("{role} writes any item: {text}"))?;
            found.extend(keys.iter().filter_map(|key| key.as_str().map(str::to_owned)));
            let creates = text.contains("PutItem") || text.contains("UpdateItem");
            let is_harmless =
                keys.len() == 1 && matches!(keys[0].as_str(), Some("SHOP#*" | "RECOVERIES" | "QUEUED"));
            assert!(!creates || is_harmless, "{role}: {text}");
        }
        assert_eq!(found, prefixes, "{role}");
    }
    Ok(())
}

#[test]
fn the_api_responds_before_the_function_times_out() -> Result<()> {
    let timeout = resource("AdminApiFunction")?["Properties"]["Timeout"].as_u64().context("no timeout")?;
    assert!(timeout >= admin_api::REQUEST_TIMEOUT.as_secs() + 2);
    Ok(())
}

/// `sam local start-api` reads the routes in the way that fits the first API or function, and finds
/// this API's only if the API comes first. It cannot resolve the `!GetAtt` of a function whose name is
/// a `!Sub`.
#[test]
fn sam_local_finds_the_route_and_its_function() -> Result<()> {
    let resources = template()?["Resources"].as_mapping().context("no resources")?.clone();
    let kinds = ["AWS::ApiGatewayV2::Api", "AWS::Serverless::Function"];
    let first = resources
        .iter()
        .find(|(_, resource)| resource["Type"].as_str().is_some_and(|kind| kinds.contains(&kind)));
    assert_eq!(first.and_then(|(name, _)| name.as_str()), Some("Api"));
    let Value::Tagged(uri) = resource("ApiIntegration")?["Properties"]["IntegrationUri"].clone() else {
        bail!("the integration's URI is no function of CloudFormation");
    };
    assert_eq!(
        (uri.tag.to_string().as_str(), uri.value.as_str()),
        (
            "!Sub",
            Some(
                "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:${AdminApiFunction}"
            )
        )
    );
    Ok(())
}

#[test]
fn tables_are_encrypted_recoverable_protected_and_expire_items() -> Result<()> {
    for name in ["RegistryTable", "HistoryTable"] {
        let properties = &resource(name)?["Properties"];
        assert_eq!(properties["SSESpecification"]["SSEEnabled"].as_bool(), Some(true), "{name}");
        let recovery = &properties["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"];
        assert_eq!(recovery.as_bool(), Some(true), "{name}");
        assert_eq!(
            properties["TimeToLiveSpecification"]["AttributeName"].as_str(),
            Some("expires_at"),
            "{name}"
        );
        assert!(!properties["DeletionProtectionEnabled"].is_null(), "{name}");
    }
    Ok(())
}

/// DynamoDB refuses another key or projection under a known name, and CloudFormation then rolls the
/// upgrade back: `docs/operating.md`, "Upgrading". A new need gets an index with a new name.
#[test]
fn no_release_changes_an_index_in_place() -> Result<()> {
    for (table, name, keys, projected) in [
        ("RegistryTable", "subscribers", ["shop", "id"], &["app", "lane", "subscription"][..]),
        (
            "HistoryTable",
            "deliveries",
            ["webhook_shard", "position"],
            &["state", "latency_ms", "expires_at", "held_for"],
        ),
    ] {
        let indexes = resource(table)?["Properties"]["GlobalSecondaryIndexes"].clone();
        assert_eq!(indexes.as_sequence().map(Vec::len), Some(1), "{table}");
        let index = &indexes[0];
        let key = |place: usize| index["KeySchema"][place]["AttributeName"].as_str();
        assert_eq!((index["IndexName"].as_str(), [key(0), key(1)]), (Some(name), keys.map(Some)));
        let attributes = index["Projection"]["NonKeyAttributes"].as_sequence().into_iter().flatten();
        assert_eq!(attributes.filter_map(Value::as_str).collect::<Vec<_>>(), projected, "{name}");
    }
    Ok(())
}
