//! The API on a stand-in for AWS.

use std::ops::Deref;

use axum::{
    body::{Body, to_bytes},
    extract::Request,
    http::{HeaderMap, StatusCode},
};
use serde_json::{Value, json};
use storehook_aws::{
    registry::{InstallationItem, TokenItem, WebhookItem},
    stand_in::StandIn,
};
use storehook_domain::{
    installation::{
        Installation, Scope, secret::SharedSecret, secret_rotation::InstallationSecret, token::TokenHash,
    },
    webhook::Webhook,
};
use tower::ServiceExt as _;

use crate::{App, Settings, service};

pub(crate) type TestResult = Result<(), Box<dyn std::error::Error>>;

/// The token that requests carry.
const TOKEN: &str = "shtk_t";

/// The response of the API: its status, its headers, and its JSON.
pub(crate) type Answer = (StatusCode, HeaderMap, Value);

/// The API on a stand-in for AWS.
pub(crate) struct Api {
    aws: StandIn,
    pub(crate) app: App,
}

impl Deref for Api {
    type Target = StandIn;

    fn deref(&self) -> &StandIn {
        &self.aws
    }
}

impl Api {
    /// An API with one installation, which has both scopes and the webhook 7. Calls are not
    /// limited.
    pub(crate) async fn start() -> Result<Self, Box<dyn std::error::Error>> {
        Self::with(&[("RATE_LIMIT_BURST", "0")]).await
    }

    /// The same with these settings.
    pub(crate) async fn with(settings: &[(&str, &str)]) -> Result<Self, Box<dyn std::error::Error>> {
        let aws = StandIn::start().await?;
        let names = [
            ("REGISTRY_TABLE", "registry"),
            ("HISTORY_TABLE", "history"),
            ("STREAM_NAME", "events"),
            ("DELIVERY_QUEUE_URL", "https://sqs/delivery"),
            ("JOBS_QUEUE_URL", "https://sqs/jobs"),
        ];
        let environment = aws.environment(&[&names, settings].concat());
        let sdk = storehook_aws::lambda_sdk_config(&environment)?;
        let api = Self { aws, app: App::new(&sdk, Settings::read(&environment)?) };
        let installation = installation()?;
        api.put(TokenItem::of(&TokenHash::of(TOKEN), &installation))?;
        api.put(InstallationItem::of(installation, &TokenHash::of(TOKEN), jiff::Timestamp::UNIX_EPOCH))?;
        api.put(WebhookItem::of(webhook(json!({}))?))?;
        Ok(api)
    }

    /// Sends a request of the app.
    pub(crate) async fn send(
        &self,
        request: &str,
        body: Value,
    ) -> Result<Answer, Box<dyn std::error::Error>> {
        let body = if body.is_null() { Body::empty() } else { body.to_string().into() };
        self.send_with(request, &[("x-shopify-access-token", TOKEN)], body).await
    }

    /// Sends a request with these headers.
    pub(crate) async fn send_with(
        &self,
        request: &str,
        headers: &[(&str, &str)],
        body: Body,
    ) -> Result<Answer, Box<dyn std::error::Error>> {
        let (method, path) = request.split_once(' ').ok_or("a request is a method and a path")?;
        let mut builder = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            builder = builder.header(*name, *value);
        }
        let (head, body) = service(self.app.clone()).oneshot(builder.body(body)?).await?.into_parts();
        let json = serde_json::from_slice(&to_bytes(body, usize::MAX).await?).unwrap_or_default();
        Ok((head.status, head.headers, json))
    }
}

/// The installation of the app `demo` on the shop `a.example`.
pub(crate) fn installation() -> Result<Installation, Box<dyn std::error::Error>> {
    Ok(Installation {
        shop: "a.example".parse()?,
        app: "demo".parse()?,
        store_id: "s".to_owned(),
        time_zone: "Asia/Kolkata".to_owned(),
        scopes: vec![Scope::Webhooks, Scope::EventsPush],
        secrets: vec![InstallationSecret {
            secret: SharedSecret::parse("storehook-local-demo-secret")?,
            retires_at: None,
        }],
        uninstalled_at: None,
    })
}

/// The webhook 7 of the installation, with these members.
pub(crate) fn webhook(members: Value) -> Result<Webhook, serde_json::Error> {
    let mut webhook = json!({
        "id": 7, "shop": "a.example", "app": "demo", "topic": "orders/create", "address": "https://b.example/",
        "format": "json", "protocol": "webhook", "status": "active", "fields": [], "metafield_namespaces": [],
        "custom_headers": {}, "created_at": "2026-11-21T15:00:00Z", "updated_at": "2026-11-21T15:00:00Z", "version": 3,
    });
    for (name, value) in members.as_object().into_iter().flatten() {
        webhook[name] = value.clone();
    }
    serde_json::from_value(webhook)
}
