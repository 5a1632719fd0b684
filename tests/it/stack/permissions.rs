//! Least privilege: what the roles grant is what the code needs, no less and no more.
//!
//! That nothing is missing, every other test shows, because IAM is enforced. That nothing
//! is too much, the test here shows: it takes each granted action away and sees the
//! function fail. What Lambda itself does with a role, outside our code, the emulator does
//! without asking; those actions are compared with what AWS documents.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};
use storehook_tests::Stack;
use yaml_serde::Value as Yaml;

use super::{
    breakers::SOON,
    needed_actions::works,
    policy::Policy,
    template::{resource, template},
};

/// What Lambda's own pollers and log writer do with a function's role: "Event source mapping
/// permissions" for Kinesis and SQS, the destination of a Kinesis mapping, and "Function logs", in the AWS Lambda Developer Guide.
pub(crate) const OF_LAMBDA_ITSELF: [&str; 12] = [
    "kinesis:DescribeStream",
    "kinesis:DescribeStreamSummary",
    "kinesis:GetRecords",
    "kinesis:GetShardIterator",
    "kinesis:ListShards",
    "logs:CreateLogStream",
    "logs:PutLogEvents",
    "s3:ListBucket",
    "s3:PutObject",
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
    "sqs:ReceiveMessage",
];

#[tokio::test]
async fn every_granted_action_is_needed() -> Result<()> {
    let stack = Stack::deploy("storehook-denied", &SOON).await?;
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
