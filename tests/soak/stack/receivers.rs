//! The endpoints on sockets: each tenant has a server of its own on loopback.

use std::sync::Arc;

use anyhow::Result;
use axum::{
    body::{Body, Bytes},
    http::{Response, StatusCode, header, request::Parts},
};
use delivery::Scripted;
use storehook_domain::{delivery::outcome::BodyEnd, webhook::address::Address};
use storehook_simulator::soak::{Endpoints, Reply, Tenant, subjects_in};
use tokio::net::TcpListener;

use super::{
    invocations::{Invocations, Met},
    processes::Process,
    server::{Handled, cut, serve},
};

/// All endpoints.
#[derive(Clone)]
pub(super) struct Receivers {
    pub(super) endpoints: Endpoints,
    pub(super) invocations: Arc<Invocations>,
}

impl Receivers {
    /// Starts the server of a tenant's endpoints, and tells the tenant where it is.
    pub(super) async fn start(&self, tenant: &mut Tenant) -> Result<()> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        tenant.url = Some(url.clone());
        let receivers = self.clone();
        serve(listener, move |caller, parts, body| {
            let (receivers, url) = (receivers.clone(), url.clone());
            async move { receivers.receive(&url, caller, parts, body).await }
        });
        Ok(())
    }

    /// Receives a POST. Something may befall the process that sent it before it has the response.
    async fn receive(&self, url: &str, caller: Option<Arc<Process>>, parts: Parts, body: Bytes) -> Handled {
        let webhook = parts.uri.path().strip_prefix("/w").and_then(|number| number.parse().ok());
        let id = parts.headers.get("webhook-id").and_then(|id| id.to_str().ok()).unwrap_or_default();
        let own = subjects_in(id);
        let request = Scripted {
            address: Address::parse(&format!("{url}{}", parts.uri.path())).ok()?,
            protocol: self.endpoints.protocol_of(webhook.unwrap_or_default()),
            headers: parts.headers,
            body: String::from_utf8_lossy(&body).into_owned(),
        };
        let faults = &self.endpoints.faults;
        let reply = faults.observed(own.clone(), self.endpoints.reply(webhook, &request)).await;
        let met = caller.and_then(|process| Some((self.invocations.posted(&process)?, process)));
        if let Some((Met { mut subjects, fault: Some(fault) }, process)) = met {
            subjects.extend(own);
            faults.observed(subjects, async { process.befall(fault, faults) }).await;
        }
        let Reply::Responded(response) = reply else { return None };
        let whole = Bytes::from(response.body.clone());
        let length = whole.len();
        let body = match response.end {
            BodyEnd::Cut => cut(whole.slice(..length / 2)),
            _ => Body::from(whole),
        };
        let mut builder = Response::builder()
            .status(StatusCode::from_u16(response.status).ok()?)
            .header(header::CONTENT_LENGTH, length);
        if let Some(retry_after) = response.retry_after {
            builder = builder.header(header::RETRY_AFTER, retry_after);
        }
        builder.body(body).ok()
    }
}
