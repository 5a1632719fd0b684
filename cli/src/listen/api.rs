//! The admin API, as an app's developer sees it: with the app's token.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use reqwest::{Client, StatusCode, header::RETRY_AFTER};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use storehook_domain::webhook::WebhookId;

use crate::http_client::client;

/// How long a call may take.
const CALL_LIMIT: Duration = Duration::from_secs(30);

/// How often a call is made that the call limit refuses.
const TRIES: u32 = 10;

/// The admin API with a token.
pub struct AdminApi {
    client: Client,
    url: String,
    token: String,
}

/// A page of a webhook's deliveries.
#[derive(Debug, Deserialize)]
pub struct Page {
    /// The deliveries, the newest first.
    pub deliveries: Vec<Listed>,
    /// What asks for the next page.
    pub page_info: Option<String>,
}

/// A delivery as lists show it.
#[derive(Debug, Clone, Deserialize)]
pub struct Listed {
    /// Its id.
    pub id: String,
    /// The number of its attempts.
    pub attempt_count: u64,
}

/// A delivery in full.
#[derive(Debug, Deserialize)]
pub struct Delivery {
    /// Its id.
    pub id: String,
    /// The event's topic.
    pub topic: String,
    /// The number of its attempts.
    pub attempt_count: u64,
    /// The last attempt.
    pub last_attempt: Option<Attempt>,
    /// The request of the last attempt.
    pub request: Option<Request>,
}

/// An attempt.
#[derive(Debug, Deserialize)]
pub struct Attempt {
    /// The status of the response.
    pub status: Option<u16>,
    /// Why it failed.
    pub error: Option<String>,
}

/// A request as it was sent.
#[derive(Debug, Deserialize)]
pub struct Request {
    /// The headers.
    pub headers: Map<String, Value>,
    /// The body; `None` if the payload has expired.
    pub body: Option<String>,
    /// Whether the body was longer.
    pub body_truncated: bool,
}

#[derive(Deserialize)]
struct Shown {
    delivery: Delivery,
}

impl AdminApi {
    /// The API at this URL.
    ///
    /// # Errors
    ///
    /// The HTTP client cannot be set up.
    pub fn new(url: &str, token: String) -> Result<Self> {
        Ok(Self { client: client(CALL_LIMIT)?, url: url.trim_end_matches('/').to_owned(), token })
    }

    /// A page of the deliveries that were first queued at this time or later.
    ///
    /// # Errors
    ///
    /// The API does not respond, or refuses.
    pub async fn deliveries(&self, webhook: WebhookId, since: &str, page_info: Option<&str>) -> Result<Page> {
        let mut query = vec![("since", since), ("limit", "250")];
        query.extend(page_info.map(|page_info| ("page_info", page_info)));
        self.get(&format!("/admin/webhooks/{webhook}/deliveries.json"), &query).await
    }

    /// A delivery.
    ///
    /// # Errors
    ///
    /// As for [`Self::deliveries`].
    pub async fn delivery(&self, id: &str) -> Result<Delivery> {
        let Shown { delivery } = self.get(&format!("/admin/deliveries/{id}.json"), &[]).await?;
        Ok(delivery)
    }

    async fn get<T: DeserializeOwned>(&self, path: &str, query: &[(&str, &str)]) -> Result<T> {
        for _ in 0..TRIES {
            let mut url =
                reqwest::Url::parse(&format!("{}{path}", self.url)).context("the API's URL is malformed")?;
            url.query_pairs_mut().extend_pairs(query);
            let response = self.client.get(url).bearer_auth(&self.token).send().await;
            let response = response.with_context(|| format!("the API at {} does not respond", self.url))?;
            match response.status() {
                StatusCode::OK => {
                    let body = response.bytes().await.context("the API's response was cut")?;
                    return serde_json::from_slice(&body)
                        .context("the API's response is not one of this release");
                }
                StatusCode::TOO_MANY_REQUESTS => {
                    let wait = response.headers().get(RETRY_AFTER);
                    let wait = wait.and_then(|wait| wait.to_str().ok()?.parse().ok()).unwrap_or(1.0_f64);
                    tokio::time::sleep(Duration::from_secs_f64(wait.clamp(0.1, 30.0))).await;
                }
                StatusCode::UNAUTHORIZED => {
                    bail!("the API does not know the token: set STOREHOOK_TOKEN to the app's access token")
                }
                StatusCode::FORBIDDEN => bail!("the token is not granted `webhooks`: use one that is"),
                StatusCode::NOT_FOUND => {
                    bail!("the token's app has no such webhook, or no such delivery any more")
                }
                status => bail!("the API at {} responded with {status}", self.url),
            }
        }
        bail!("the API still refuses more calls: is another program using the token?")
    }
}
