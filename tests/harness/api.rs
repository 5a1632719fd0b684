//! A client of the admin API.

use anyhow::{Context as _, Result};
use reqwest::{
    Client, Method, StatusCode,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap},
};
use serde_json::{Value, json};

/// The admin API, as one installation's token sees it.
#[derive(Debug, Clone)]
pub struct Api {
    client: Client,
    url: String,
    token: String,
}

/// What the API answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its JSON.
    pub json: Value,
}

impl Api {
    /// The API at this URL, with this token.
    pub fn new(url: &str, token: &str) -> Result<Self> {
        Ok(Self { client: http_client()?, url: url.to_owned(), token: token.to_owned() })
    }

    /// The same API, with another token.
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: token.to_owned(), ..self.clone() }
    }

    /// Sends a request with JSON, or none.
    pub async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Result<Answer> {
        self.call_raw(method, path, body.map(|body| body.to_string())).await
    }

    /// Sends a request with any body.
    pub async fn call_raw(&self, method: Method, path: &str, body: Option<String>) -> Result<Answer> {
        let mut request = self.client.request(method, format!("{}{path}", self.url));
        request = request.header(AUTHORIZATION, format!("Bearer {}", self.token));
        if let Some(body) = body {
            request = request.header(CONTENT_TYPE, "application/json").body(body);
        }
        let answer = request.send().await?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let text = answer.text().await?;
        let json = serde_json::from_str(&text).with_context(|| format!("{status} is no JSON: {text}"))?;
        Ok(Answer { status, headers, json })
    }

    /// Creates a webhook and returns its id.
    pub async fn create_webhook(&self, topic: &str, address: &str) -> Result<u64> {
        self.create_webhook_with(json!({ "topic": topic, "address": address })).await
    }

    /// Creates a webhook with these attributes and returns its id.
    pub async fn create_webhook_with(&self, attributes: Value) -> Result<u64> {
        let answer =
            self.call(Method::POST, "/admin/webhooks.json", Some(json!({ "webhook": attributes }))).await?;
        let id = answer.json["webhook"]["id"].as_u64();
        id.with_context(|| format!("no webhook was created: {} {}", answer.status, answer.json))
    }
}

/// An HTTP client for this machine. It is given its TLS, which it never uses, because it would
/// otherwise look for one.
fn http_client() -> Result<Client> {
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    Ok(Client::builder().tls_backend_preconfigured(tls).no_proxy().build()?)
}
