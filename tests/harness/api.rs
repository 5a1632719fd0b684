//! A client of the admin API.

use anyhow::{Context as _, Result};
use reqwest::{
    Body, Client, Method, RequestBuilder, StatusCode,
    header::{CONTENT_TYPE, HeaderMap},
};
use serde_json::{Value, json};

/// The admin API, as one installation's token sees it.
#[derive(Debug, Clone)]
pub struct Api {
    client: Client,
    url: String,
    token: String,
}

/// A response of the API.
#[derive(Debug, Clone)]
pub struct ApiResponse {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its JSON.
    pub json: Value,
}

impl ApiResponse {
    /// A header's value, or "".
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
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

    /// The same token, at another URL.
    pub fn at(&self, url: &str) -> Self {
        Self { url: url.to_owned(), ..self.clone() }
    }

    /// Sends a request with JSON, or none.
    pub async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Result<ApiResponse> {
        self.call_raw(method, path, body.map(|body| body.to_string())).await
    }

    /// Sends a request with any body, as JSON.
    pub async fn call_raw(
        &self,
        method: Method,
        path: &str,
        body: Option<impl Into<Body>>,
    ) -> Result<ApiResponse> {
        let mut request = self.request(method, path).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.header(CONTENT_TYPE, "application/json").body(body);
        }
        self.send(request).await
    }

    /// A request without a token, a body or any header of its own.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url))
    }

    /// Sends a request and reads its response.
    pub async fn send(&self, request: RequestBuilder) -> Result<ApiResponse> {
        let response = request.send().await?;
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await?;
        let json = serde_json::from_str(&text).with_context(|| format!("{status} is no JSON: {text}"))?;
        Ok(ApiResponse { status, headers, json })
    }

    /// Creates a webhook and returns its id.
    pub async fn create_webhook(&self, topic: &str, address: &str) -> Result<u64> {
        self.create_webhook_with(json!({ "topic": topic, "address": address })).await
    }

    /// Creates a webhook with these attributes and returns its id.
    pub async fn create_webhook_with(&self, attributes: Value) -> Result<u64> {
        let response =
            self.call(Method::POST, "/admin/webhooks.json", Some(json!({ "webhook": attributes }))).await?;
        let id = response.json["webhook"]["id"].as_u64();
        id.with_context(|| format!("no webhook was created: {} {}", response.status, response.json))
    }
}

/// An HTTP client for this machine. It is given its TLS, which it never uses, because it would
/// otherwise look for one.
pub(crate) fn http_client() -> Result<Client> {
    Ok(client_builder()?.build()?)
}

/// The builder of such a client.
pub fn client_builder() -> Result<reqwest::ClientBuilder> {
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    Ok(Client::builder().tls_backend_preconfigured(tls).no_proxy())
}
