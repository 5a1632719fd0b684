//! Forwarding: the same request to another URL.
//!
//! The body and the headers are those that came, so its signatures verify there as well. Only what
//! belongs to a connection is made anew (RFC 9110 §7.6.1).

use std::{
    fmt,
    time::{Duration, Instant},
};

use anyhow::Result;
use axum::{
    body::Bytes,
    http::{HeaderMap, StatusCode, header},
};
use reqwest::{Client, Url};
use serde::Serialize;

use crate::http_client::client;

/// How long a forwarded request may take: longer than any delivery.
const LIMIT: Duration = Duration::from_secs(60);

/// The headers that belong to a connection.
const HOP_BY_HOP: [header::HeaderName; 9] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::EXPECT,
    header::HOST,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// Where requests are forwarded to.
#[derive(Debug, Clone)]
pub struct Forward {
    client: Client,
    url: Url,
}

/// What came of a forwarded request.
#[derive(Debug, Clone, Serialize)]
pub struct Forwarded {
    /// The status of the response.
    pub status: Option<u16>,
    /// Why there was none.
    pub error: Option<String>,
    /// How long it took.
    pub milliseconds: u64,
}

/// The response to a forwarded request.
#[derive(Debug)]
pub struct Answer {
    /// Its status; 502 if there was none.
    pub status: StatusCode,
    /// Its content type.
    pub content_type: Option<header::HeaderValue>,
    /// Its body.
    pub body: Bytes,
}

impl Forward {
    /// Forwards to this URL.
    ///
    /// # Errors
    ///
    /// The HTTP client cannot be set up.
    pub fn to(url: Url) -> Result<Self> {
        Ok(Self { client: client(LIMIT)?, url })
    }

    /// Forwards a request.
    pub async fn send(&self, mut headers: HeaderMap, body: Bytes) -> (Forwarded, Answer) {
        for name in HOP_BY_HOP {
            headers.remove(name);
        }
        let began = Instant::now();
        let exchange = async {
            let response = self.client.post(self.url.clone()).headers(headers).body(body).send().await?;
            let (status, headers) = (response.status(), response.headers().clone());
            let content_type = headers.get(header::CONTENT_TYPE).cloned();
            Ok::<_, reqwest::Error>(Answer { status, content_type, body: response.bytes().await? })
        };
        let answer = exchange.await;
        let milliseconds = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        match answer {
            Ok(answer) => {
                (Forwarded { status: Some(answer.status.as_u16()), error: None, milliseconds }, answer)
            }
            Err(error) => {
                let error = Some(storehook_aws::causes(&error.without_url()));
                let answer =
                    Answer { status: StatusCode::BAD_GATEWAY, content_type: None, body: Bytes::new() };
                (Forwarded { status: None, error, milliseconds }, answer)
            }
        }
    }
}

impl fmt::Display for Forwarded {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.status, &self.error) {
            (Some(status), _) => write!(formatter, "{status} here after {} ms", self.milliseconds),
            (None, error) => {
                write!(formatter, "no response here: {}", error.as_deref().unwrap_or("unknown"))
            }
        }
    }
}
