//! The calls that deployed functions make, from the emulator's CloudTrail.
//!
//! A call is told apart as IAM does it: by the action, the resource, and for DynamoDB the partition
//! keys. The emulator enforces actions and resources, but knows no `dynamodb:LeadingKeys`. So it is
//! here that the conditions on keys are tried.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};
use storehook::stack::local_stack::LOCAL_CREDENTIALS;
use storehook_tests::{Receiver, Stack, deliver, record, stream_event};

/// A call, as IAM sees it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Call {
    /// The action: `dynamodb:PutItem`.
    pub(crate) action: String,
    /// The end of the resource's ARN: `table/local-registry`, `local-delivery`.
    pub(crate) resource: String,
    /// The partition keys of this resource.
    pub(crate) keys: BTreeSet<String>,
    /// The partition keys of all resources of the same request.
    pub(crate) keys_of_request: BTreeSet<String>,
}

/// The access keys of a stack's functions, by the names of their roles in the template.
pub(crate) struct Recorder<'a> {
    stack: &'a Stack,
    roles: BTreeMap<&'static str, String>,
    calls: BTreeMap<&'static str, BTreeSet<Call>>,
}

impl<'a> Recorder<'a> {
    /// Turns the recording on. It finds out which access key is whose by using one function after
    /// the other.
    pub(crate) async fn start(stack: &'a Stack) -> Result<Self> {
        let url = format!("{}/_ministack/config", stack.endpoint_url);
        let on = json!({"cloudtrail._recording_enabled": "true"}).to_string();
        let response = storehook_tests::client_builder()?.build()?.post(url).body(on).send().await?;
        ensure!(response.status().is_success(), "the recording is not on: {}", response.status());
        let mut recorder = Self { stack, roles: BTreeMap::new(), calls: BTreeMap::new() };
        let installed = stack.install().await?;
        installed.api.call(reqwest::Method::GET, "/admin/webhooks.json", None).await?;
        recorder.learn("AdminApiRole").await?;
        stack
            .invoke("fan-out", &stream_event(&record(&installed.shop, "orders/create", "o-1", "{}")))
            .await?;
        recorder.learn("FanOutRole").await?;
        let failing = Receiver::responding(reqwest::StatusCode::INTERNAL_SERVER_ERROR).await?;
        let id = installed.api.create_webhook("orders/create", &failing.url).await?;
        deliver(stack, &installed, id, "o-1").await?;
        recorder.learn("DeliveryRole").await?;
        Ok(recorder)
    }

    async fn learn(&mut self, role: &'static str) -> Result<()> {
        let table = self.stack.resource("registry");
        let events = self.look_up("ResourceName", &table).await?;
        let known = |key: &str| key == LOCAL_CREDENTIALS.0 || self.roles.values().any(|known| known == key);
        let mut keys = events.iter().filter_map(|event| event["userIdentity"]["accessKeyId"].as_str());
        let key = keys.find(|key| !known(key)).with_context(|| format!("{role} made no call"))?;
        self.roles.insert(role, key.to_owned());
        Ok(())
    }

    /// Notes the calls since the last time, or the last 50 of them for each function.
    pub(crate) async fn note(&mut self) -> Result<()> {
        for (role, key) in self.roles.clone() {
            for event in self.look_up("AccessKeyId", &key).await? {
                self.calls.entry(role).or_default().extend(calls(&event)?);
            }
        }
        Ok(())
    }

    /// What each function called.
    pub(crate) fn calls(self) -> BTreeMap<&'static str, BTreeSet<Call>> {
        self.calls
    }

    async fn look_up(&self, attribute: &str, value: &str) -> Result<Vec<Value>> {
        let attributes = json!([{"AttributeKey": attribute, "AttributeValue": value}]);
        let events = json!({"LookupAttributes": attributes, "MaxResults": 50});
        let found = self.stack.aws("cloudtrail", "lookup_events", events).await?;
        let events = found["Events"].as_array().cloned().unwrap_or_default();
        let event =
            |event: &Value| Ok(serde_json::from_str(event["CloudTrailEvent"].as_str().unwrap_or("{}"))?);
        events.iter().map(event).collect()
    }
}

/// The calls of one recorded request.
fn calls(event: &Value) -> Result<Vec<Call>> {
    let (name, parameters) = (event["eventName"].as_str().unwrap_or_default(), &event["requestParameters"]);
    let last = |name: &str| name.rsplit('/').next().unwrap_or_default().to_owned();
    let text = |field: &str| last(parameters[field].as_str().unwrap_or_default());
    let mut of_tables: Vec<(String, String, BTreeSet<String>)> = Vec::new();
    match event["eventSource"].as_str().unwrap_or_default() {
        "sqs.amazonaws.com" => {
            let action = format!("sqs:{}", name.trim_end_matches("Batch"));
            return Ok(vec![Call {
                action,
                resource: text("QueueUrl"),
                keys: BTreeSet::new(),
                keys_of_request: BTreeSet::new(),
            }]);
        }
        "kinesis.amazonaws.com" => {
            let (action, resource) = (format!("kinesis:{name}"), format!("stream/{}", text("StreamName")));
            return Ok(vec![Call {
                action,
                resource,
                keys: BTreeSet::new(),
                keys_of_request: BTreeSet::new(),
            }]);
        }
        "dynamodb.amazonaws.com" => {
            let tables = parameters["RequestItems"].as_object().into_iter().flatten();
            for (table, request) in tables {
                let keys = match name {
                    "BatchGetItem" => {
                        request["Keys"].as_array().into_iter().flatten().map(partition).collect()
                    }
                    _ => request
                        .as_array()
                        .into_iter()
                        .flatten()
                        .map(|write| partition(&write["PutRequest"]["Item"]))
                        .collect(),
                };
                of_tables.push((name.to_owned(), format!("table/{table}"), keys));
            }
            for write in parameters["TransactItems"].as_array().into_iter().flatten() {
                let (kind, write) =
                    write.as_object().and_then(|write| write.iter().next()).context("an empty write")?;
                let action = if kind == "ConditionCheck" {
                    "ConditionCheckItem".to_owned()
                } else {
                    format!("{kind}Item")
                };
                let key = if kind == "Put" { partition(&write["Item"]) } else { partition(&write["Key"]) };
                of_tables.push((
                    action,
                    format!("table/{}", write["TableName"].as_str().unwrap_or_default()),
                    [key].into(),
                ));
            }
            if let Some(table) = parameters["TableName"].as_str() {
                let key = match name {
                    "Query" => queried(parameters)?,
                    "PutItem" => partition(&parameters["Item"]),
                    _ => partition(&parameters["Key"]),
                };
                let index = parameters["IndexName"].as_str().map(|index| format!("/index/{index}"));
                of_tables.push((
                    name.to_owned(),
                    format!("table/{table}{}", index.unwrap_or_default()),
                    [key].into(),
                ));
            }
        }
        other => bail!("a call of {other}"),
    }
    let keys_of_request: BTreeSet<_> = of_tables.iter().flat_map(|(.., keys)| keys.clone()).collect();
    let call = |(action, resource, keys)| Call {
        action: format!("dynamodb:{action}"),
        resource,
        keys,
        keys_of_request: keys_of_request.clone(),
    };
    Ok(of_tables.into_iter().map(call).collect())
}

fn partition(key: &Value) -> String {
    key["pk"]["S"].as_str().unwrap_or_default().to_owned()
}

/// The partition key of a query: what its condition begins with.
fn queried(parameters: &Value) -> Result<String> {
    let condition = parameters["KeyConditionExpression"].as_str().unwrap_or_default();
    let (_, rest) = condition.split_once("= ").with_context(|| format!("no key in {condition}"))?;
    let name = rest.split(' ').next().unwrap_or_default();
    Ok(parameters["ExpressionAttributeValues"][name]["S"].as_str().unwrap_or_default().to_owned())
}
