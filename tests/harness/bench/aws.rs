//! AWS over HTTP on loopback: the calls that fan-out and delivery make when all goes well, or an attempt fails.
//!
//! It responds at once. It knows one installation with as many webhooks as a bench wants, keeps the records
//! of shares, which a step reads again, and keeps no deliveries: each one of a bench is new.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use anyhow::Result;
use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State},
    http::HeaderMap,
    response::IntoResponse,
};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use storehook_aws::{
    registry::{InstallationItem, WebhookItem},
    stand_in::json_of,
};
use storehook_domain::{
    event::topic::TopicPattern,
    installation::{
        Installation, Scope, app::AppId, secret::SharedSecret, shop::ShopDomain, token::TokenHash,
    },
    webhook::{Webhook, WebhookId, WebhookKey, address::Address},
};
use tokio::net::TcpListener;

/// The shop of all events.
pub(super) const SHOP: &str = "mynewstore.spiffystores.com";

/// The app of all webhooks.
pub(super) const APP: &str = "fulfilment-app";

/// AWS. It ends with the bench's runtime.
pub struct StubAws {
    /// Where it answers.
    pub url: String,
    world: Arc<Mutex<World>>,
}

#[derive(Default)]
struct World {
    installation: Value,
    /// By id, from 1.
    webhooks: Vec<Value>,
    shares: HashMap<String, Value>,
    calls: HashMap<String, usize>,
    messages: usize,
    jobs: Vec<String>,
}

impl StubAws {
    /// The URL of the jobs queue.
    pub const JOBS_QUEUE_URL: &str = "https://sqs.us-east-1.amazonaws.com/000000000000/storehook-jobs";

    /// AWS with an installation that has so many webhooks at this address.
    pub async fn start(webhooks: usize, address: &str) -> Result<Self> {
        let world = Arc::new(Mutex::new(World {
            installation: installation()?,
            webhooks: (1..=webhooks as u64).map(|id| webhook(id, address)).collect::<Result<_>>()?,
            ..World::default()
        }));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let router = Router::new().fallback(respond).layer(DefaultBodyLimit::disable());
        let router = router.with_state(Arc::clone(&world));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { url, world })
    }

    /// How many calls of an operation were made.
    pub fn calls(&self, operation: &str) -> usize {
        lock(&self.world).calls.get(operation).copied().unwrap_or_default()
    }

    /// How many messages were sent to the queues of deliveries.
    pub fn messages(&self) -> usize {
        lock(&self.world).messages
    }

    /// Takes the jobs that were queued.
    pub fn take_jobs(&self) -> Vec<String> {
        std::mem::take(&mut lock(&self.world).jobs)
    }
}

fn lock(world: &Mutex<World>) -> MutexGuard<'_, World> {
    world.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn respond(
    State(world): State<Arc<Mutex<World>>>,
    headers: HeaderMap,
    body: Bytes,
) -> impl IntoResponse {
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    let operation = target.rsplit('.').next().unwrap_or_default();
    let call = serde_json::from_slice(&body).unwrap_or_default();
    let response = lock(&world).respond(operation, &call).to_string();
    ([("content-type", "application/x-amz-json-1.0"), ("x-amzn-requestid", "0")], response)
}

impl World {
    fn respond(&mut self, operation: &str, call: &Value) -> Value {
        *self.calls.entry(operation.to_owned()).or_default() += 1;
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        match operation {
            "BatchGetItem" => {
                let tables = call["RequestItems"].as_object().into_iter().flatten();
                let found =
                    |keys: &Value| list(keys).iter().filter_map(|key| self.item(key)).collect::<Value>();
                let tables = tables.map(|(table, wanted)| (table.clone(), found(&wanted["Keys"])));
                json!({"Responses": tables.collect::<Map<_, _>>(), "UnprocessedKeys": {}})
            }
            "Query" => {
                let id =
                    |name: &str| call["ExpressionAttributeValues"][name]["N"].as_str()?.parse::<usize>().ok();
                let to = id(":to").unwrap_or(usize::MAX).min(self.webhooks.len());
                let from = id(":from").unwrap_or(1).clamp(1, to + 1);
                let found: Value = self.webhooks[from - 1..to].iter().map(projected).collect();
                json!({"Count": to + 1 - from, "Items": found})
            }
            "GetItem" => match self.shares.get(&key_of(&call["Key"])) {
                Some(item) => json!({ "Item": item }),
                None => json!({}),
            },
            "PutItem" => {
                if call["Item"]["pk"]["S"].as_str().is_some_and(|pk| pk.starts_with("SHARE#")) {
                    self.shares.insert(key_of(&call["Item"]), call["Item"].clone());
                }
                json!({})
            }
            // The health of a webhook whose attempt has failed.
            "UpdateItem" => json!({"Attributes": call["Key"]}),
            "SendMessageBatch" => {
                let entries = list(&call["Entries"]);
                self.messages += entries.len();
                let sent = |entry: &Value| {
                    json!({
                        "Id": entry["Id"], "MD5OfMessageBody": "e4e68fb7bd0e697a0ae8f1bb342846b3",
                        "MessageId": "059f36b4-87a3-44ab-83d2-661975830a7d",
                    })
                };
                json!({"Successful": entries.iter().map(sent).collect::<Value>()})
            }
            "SendMessage" => {
                if call["QueueUrl"] == StubAws::JOBS_QUEUE_URL {
                    self.jobs.extend(call["MessageBody"].as_str().map(str::to_owned));
                }
                json!({"MD5OfMessageBody": "e4e68fb7bd0e697a0ae8f1bb342846b3", "MessageId": "m"})
            }
            "BatchWriteItem" => json!({"UnprocessedItems": {}}),
            _ => json!({}),
        }
    }

    /// The registry's item with this key.
    fn item(&self, key: &Value) -> Option<Value> {
        let sort_key = key["sk"]["S"].as_str()?;
        if sort_key == "INSTALLATION" {
            return Some(self.installation.clone());
        }
        let id: usize = sort_key.strip_prefix("WEBHOOK#")?.parse().ok()?;
        self.webhooks.get(id.checked_sub(1)?).cloned()
    }
}

fn key_of(item: &Value) -> String {
    format!("{} {}", item["pk"], item["sk"])
}

/// A webhook as the index of subscribers has it.
fn projected(webhook: &Value) -> Value {
    let attributes = ["pk", "sk", "shop", "id", "app", "subscription"];
    attributes.into_iter().map(|name| (name.to_owned(), webhook[name].clone())).collect::<Map<_, _>>().into()
}

fn installation() -> Result<Value> {
    let installation = Installation {
        shop: ShopDomain::parse(SHOP)?,
        app: AppId::parse(APP)?,
        store_id: "0c1c9920-5c9c-012d-bd34-000c295ec56b".to_owned(),
        time_zone: "America/New_York".to_owned(),
        scopes: vec![Scope::Webhooks],
        secrets: vec![SharedSecret::parse("0123456789abcdef0123456789abcdef")?.into()],
        uninstalled_at: None,
    };
    Ok(json_of(InstallationItem::of(installation, &TokenHash::of("token"), Timestamp::UNIX_EPOCH))?)
}

fn webhook(id: u64, address: &str) -> Result<Value> {
    let key = WebhookKey { id: WebhookId::new(id), shop: ShopDomain::parse(SHOP)?, app: AppId::parse(APP)? };
    let topic = TopicPattern::parse("orders/create")?;
    let webhook = Webhook::new(key, topic, Address::parse(address)?, Timestamp::UNIX_EPOCH);
    Ok(json_of(WebhookItem::of(webhook))?)
}
