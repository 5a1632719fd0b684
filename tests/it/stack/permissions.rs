//! Least privilege: what the roles grant is what the code needs, no less and no more.
//!
//! That nothing is missing, every other test shows, because IAM is enforced. That nothing
//! is too much, the test here shows: it takes each granted action away and sees the
//! function fail. What Lambda itself does with a role, outside our code, the emulator does
//! without asking; those actions are compared with what AWS documents.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};
use jiff::ToSpan as _;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use storehook_tests::{Api, Receiver, Stack};
use yaml_serde::Value as Yaml;

use super::template::{resource, template};
use crate::deliveries::{
    arrival::{record, stream_event},
    lifecycle::{deliver, deliver_queued_at},
};

/// What Lambda's own pollers and log writer do with a function's role: "Event source mapping
/// permissions" for Kinesis and SQS, and "Function logs", in the AWS Lambda Developer Guide.
const OF_LAMBDA_ITSELF: [&str; 10] = [
    "kinesis:DescribeStream",
    "kinesis:DescribeStreamSummary",
    "kinesis:GetRecords",
    "kinesis:GetShardIterator",
    "kinesis:ListShards",
    "logs:CreateLogStream",
    "logs:PutLogEvents",
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
    "sqs:ReceiveMessage",
];

#[tokio::test]
async fn every_granted_action_is_needed() -> Result<()> {
    let stack = Stack::deploy("storehook-denied", &[]).await?;
    let mut granted = granted_actions()?;
    for actions in granted.values_mut() {
        actions.retain(|action| !OF_LAMBDA_ITSELF.contains(&action.as_str()));
    }
    let [admin_api, fan_out, delivery] =
        ["AdminApiRole", "FanOutRole", "DeliveryRole"].map(|role| needs_all(&stack, role, &granted[role]));
    // The other two are tried at the same time, but by calls of the admin API.
    tokio::try_join!(fan_out, delivery)?;
    admin_api.await
}

/// Takes each action away from a role in turn, sees that what needs it fails, and gives it back.
async fn needs_all(stack: &Stack, role: &str, actions: &BTreeSet<String>) -> Result<()> {
    let policy = Policy::of(stack, role).await?;
    for action in actions {
        assert!(works_in_the_end(stack, role, action).await?, "{role} works before {action} is taken away");
        policy.take_away(stack, action).await?;
        assert!(!works(stack, role, action).await?, "{role} works without {action}, so it is too wide");
        policy.restore(stack).await?;
    }
    Ok(())
}

#[test]
fn every_action_is_granted_on_named_resources() -> Result<()> {
    for (name, resource) in template()?["Resources"].as_mapping().context("no resources")? {
        for policy in resource["Properties"]["Policies"].as_sequence().into_iter().flatten() {
            for statement in policy["PolicyDocument"]["Statement"].as_sequence().into_iter().flatten() {
                assert_ne!(statement["Resource"].as_str(), Some("*"), "{name:?}");
                assert!(actions_of(statement).iter().all(|action| !action.contains('*')), "{name:?}");
            }
        }
    }
    Ok(())
}

#[test]
fn lambda_itself_may_read_the_sources_and_write_the_logs() -> Result<()> {
    let granted: BTreeSet<_> = granted_actions()?.into_values().flatten().collect();
    for action in OF_LAMBDA_ITSELF {
        assert!(granted.contains(action), "{action}");
    }
    Ok(())
}

/// The actions that the template grants, by the role's name in it.
fn granted_actions() -> Result<BTreeMap<&'static str, BTreeSet<String>>> {
    let mut granted = BTreeMap::new();
    for role in ["AdminApiRole", "FanOutRole", "DeliveryRole"] {
        let policies = resource(role)?["Properties"]["Policies"].as_sequence().cloned().unwrap_or_default();
        let statements = policies
            .iter()
            .flat_map(|policy| policy["PolicyDocument"]["Statement"].as_sequence().into_iter().flatten());
        granted.insert(role, statements.flat_map(actions_of).collect());
    }
    Ok(granted)
}

fn actions_of(statement: &Yaml) -> Vec<String> {
    match &statement["Action"] {
        Yaml::Sequence(actions) => {
            actions.iter().filter_map(|action| action.as_str().map(str::to_owned)).collect()
        }
        action => action.as_str().map(str::to_owned).into_iter().collect(),
    }
}

/// On a busy machine a call may run into its own clock, which says nothing about permissions.
async fn works_in_the_end(stack: &Stack, role: &str, action: &str) -> Result<bool> {
    for _ in 0..5 {
        if works(stack, role, action).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Does what needs this action, and says whether it worked.
async fn works(stack: &Stack, role: &str, action: &str) -> Result<bool> {
    match (role, action) {
        ("FanOutRole", "dynamodb:BatchWriteItem") => keeping_payloads_works(stack).await,
        ("FanOutRole", _) => fan_out_works(stack).await,
        ("DeliveryRole", "sqs:ChangeMessageVisibility") => backing_off_works(stack).await,
        ("DeliveryRole", "sqs:SendMessage") => delaying_works(stack).await,
        ("DeliveryRole", "dynamodb:BatchGetItem") => delivering_works(stack).await,
        ("DeliveryRole", "dynamodb:BatchWriteItem") => holding_works(stack).await,
        ("DeliveryRole", "dynamodb:GetItem") => giving_up_works(stack).await,
        ("DeliveryRole", _) => recording_works(stack).await,
        ("AdminApiRole", "kinesis:PutRecords") => pushing_works(stack).await,
        ("AdminApiRole", "sqs:SendMessage" | "dynamodb:BatchGetItem" | "dynamodb:BatchWriteItem") => {
            replaying_works(stack).await
        }
        ("AdminApiRole", _) => managing_works(stack).await,
        _ => anyhow::bail!("no test needs {action} of {role}"),
    }
}

async fn fan_out_works(stack: &Stack) -> Result<bool> {
    let installed = stack.install().await?;
    installed.api.create_webhook("orders/create", "http://127.0.0.1:9/").await?;
    let event = stream_event(&record(&installed.shop, "orders/create", "o-1", "{}"));
    let (answer, _) = stack.invoke("fan-out", &event).await?;
    let uninstalled = format!(
        r#"{{"shop": "{}", "topic": "app/uninstalled", "event_id": "u-1", "payload": {{}}, "app": "{}"}}"#,
        installed.shop, installed.app
    );
    let (ended, _) = stack.invoke("fan-out", &stream_event_of_now(&uninstalled)).await?;
    Ok(answer == json!({"batchItemFailures": []}) && ended == answer)
}

/// A record that has just arrived: an app is uninstalled by what happened after it was installed.
fn stream_event_of_now(record: &str) -> Value {
    let mut event = stream_event(record);
    let now = storehook_aws::now().as_second() as f64 + 1.0;
    event["Records"][0]["kinesis"]["approximateArrivalTimestamp"] = json!(now);
    event
}

/// A delay that could not be sent as a message comes back as a failure.
async fn delaying_works(stack: &Stack) -> Result<bool> {
    let hesitant = Receiver::deciding(&["delay"]).await?;
    let installed = stack.install().await?;
    let webhook = json!({"topic": "orders/create", "address": hesitant.url, "protocol": "integration"});
    let id = installed.api.create_webhook_with(webhook).await?;
    let (answer, _) = deliver(stack, &installed, id, "o-1").await?;
    installed.api.call(Method::DELETE, &format!("/admin/webhooks/{id}.json"), None).await?;
    Ok(answer == json!({"batchItemFailures": []}))
}

/// A failure, a success after it and the end of an endpoint are all recorded; what is not is in the
/// log.
async fn recording_works(stack: &Stack) -> Result<bool> {
    let receiver = Receiver::answering_with(|before| async move {
        [StatusCode::INTERNAL_SERVER_ERROR, StatusCode::OK, StatusCode::GONE][before.min(2)]
    })
    .await?;
    let installed = stack.install().await?;
    let id = installed.api.create_webhook("orders/create", &receiver.url).await?;
    let mut logs = String::new();
    for event in ["o-1", "o-2", "o-3"] {
        logs += &deliver(stack, &installed, id, event).await?.1;
    }
    Ok(receiver.so_far().len() == 3 && !logs.contains("not recorded") && !logs.contains("not written"))
}

/// A payload that could not be kept is in the log.
async fn keeping_payloads_works(stack: &Stack) -> Result<bool> {
    let installed = stack.install().await?;
    installed.api.create_webhook("orders/create", "http://127.0.0.1:9/").await?;
    let event = stream_event(&record(&installed.shop, "orders/create", "o-1", "{}"));
    Ok(!stack.invoke("fan-out", &event).await?.1.contains("history not written"))
}

/// A delivery that could not be held comes again.
async fn holding_works(stack: &Stack) -> Result<bool> {
    let installed = stack.install().await?;
    let webhook = json!({"topic": "orders/create", "address": "http://127.0.0.1:9/", "status": "paused"});
    let id = installed.api.create_webhook_with(webhook).await?;
    Ok(deliver(stack, &installed, id, "o-1").await?.0 == json!({"batchItemFailures": []}))
}

/// A delivery whose end could not be read or kept says so in the log.
async fn giving_up_works(stack: &Stack) -> Result<bool> {
    let installed = stack.install().await?;
    let long_ago = storehook_aws::now() - (50 * 24).hours();
    let (_, log) = deliver_queued_at(stack, &installed, 1, "o-1", long_ago).await?;
    Ok(!log.contains("history not"))
}

async fn pushing_works(stack: &Stack) -> Result<bool> {
    let event = json!({"topic": "orders/create", "payload": {}});
    let answer = stack.install().await?.api.call(Method::POST, "/events", Some(event)).await?;
    Ok(answer.status.is_success())
}

/// A test event, the list that it stands in, and its delivery again.
async fn replaying_works(stack: &Stack) -> Result<bool> {
    let receiver = Receiver::answering(StatusCode::OK).await?;
    let installed = stack.install().await?;
    let api = &installed.api;
    let id = api.create_webhook("orders/create", &receiver.url).await?;
    let tested = api.call(Method::POST, &format!("/admin/webhooks/{id}/test.json"), None).await?;
    let listed = api.call(Method::GET, &format!("/admin/webhooks/{id}/deliveries.json"), None).await?;
    if !(tested.status.is_success() && listed.status.is_success()) {
        return Ok(false);
    }
    let delivery = tested.json["delivery"]["id"].as_str().context("no delivery")?.to_owned();
    let again = api.call(Method::POST, &format!("/admin/deliveries/{delivery}/redeliver.json"), None).await?;
    Ok(again.status.is_success())
}

async fn delivering_works(stack: &Stack) -> Result<bool> {
    let receiver = Receiver::answering(StatusCode::OK).await?;
    let (answer, _) = deliver_to(stack, &receiver.url).await?;
    Ok(answer == json!({"batchItemFailures": []}) && receiver.so_far().len() == 1)
}

/// A failed attempt that could not hide its message says so in the log.
async fn backing_off_works(stack: &Stack) -> Result<bool> {
    let receiver = Receiver::answering(StatusCode::INTERNAL_SERVER_ERROR).await?;
    let (answer, log) = deliver_to(stack, &receiver.url).await?;
    assert_eq!(answer, json!({"batchItemFailures": [{"itemIdentifier": "m-1"}]}), "failed, in either case");
    Ok(!log.contains("AccessDenied"))
}

/// Hands a delivery to an address to the function.
async fn deliver_to(stack: &Stack, address: &str) -> Result<(Value, String)> {
    let installed = stack.install().await?;
    let id = installed.api.create_webhook("orders/create", address).await?;
    deliver(stack, &installed, id, "o-1").await
}

/// Every call of the admin API, as one installation.
async fn managing_works(stack: &Stack) -> Result<bool> {
    let installed = stack.install().await?;
    let api: &Api = &installed.api;
    let new = json!({"webhook": {"topic": "orders/create", "address": "https://a.example/"}});
    let created = api.call(Method::POST, "/admin/webhooks.json", Some(new)).await?;
    let path = format!("/admin/webhooks/{}.json", created.json["webhook"]["id"]);
    let listed = api.call(Method::GET, "/admin/webhooks.json", None).await?;
    let deleted = api.call(Method::DELETE, &path, None).await?;
    Ok([created.status, listed.status, deleted.status].iter().all(StatusCode::is_success))
}

/// The policy of a deployed role.
pub(crate) struct Policy {
    role_name: String,
    policy_name: String,
    document: Value,
}

impl Policy {
    pub(crate) async fn of(stack: &Stack, role: &str) -> Result<Self> {
        let prefix = format!("{}-{role}", stack.name);
        let roles = stack.aws("iam", "list_roles", json!({})).await?;
        let names =
            roles["Roles"].as_array().into_iter().flatten().filter_map(|role| role["RoleName"].as_str());
        let role_name =
            names.into_iter().find(|name| name.starts_with(&prefix)).context("no such role")?.to_owned();
        let policies = stack.aws("iam", "list_role_policies", json!({"RoleName": role_name})).await?;
        let policy_name = policies["PolicyNames"][0].as_str().context("the role has no policy")?.to_owned();
        let names = json!({"RoleName": role_name, "PolicyName": policy_name});
        let document = stack.aws("iam", "get_role_policy", names).await?["PolicyDocument"].clone();
        Ok(Self { role_name, policy_name, document })
    }

    /// Leaves all but one action; the batch form of `sqs:SendMessage` is the emulator's own.
    pub(crate) async fn take_away(&self, stack: &Stack, action: &str) -> Result<()> {
        let mut document = self.document.clone();
        for statement in document["Statement"].as_array_mut().into_iter().flatten() {
            let actions = match &statement["Action"] {
                Value::Array(actions) => actions.clone(),
                action => vec![action.clone()],
            };
            let is_kept = |granted: &&Value| {
                granted.as_str().is_some_and(|granted| granted.trim_end_matches("Batch") != action)
            };
            let kept: Vec<_> = actions.iter().filter(is_kept).cloned().collect();
            // A statement needs an action; this one is none of the code's.
            statement["Action"] = if kept.is_empty() { json!("sts:GetCallerIdentity") } else { json!(kept) };
        }
        self.put(stack, &document).await
    }

    async fn restore(&self, stack: &Stack) -> Result<()> {
        self.put(stack, &self.document).await
    }

    async fn put(&self, stack: &Stack, document: &Value) -> Result<()> {
        let policy = json!({
            "RoleName": self.role_name, "PolicyName": self.policy_name, "PolicyDocument": document.to_string(),
        });
        stack.aws("iam", "put_role_policy", policy).await?;
        Ok(())
    }
}
