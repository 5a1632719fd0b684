//! A receiver on this machine.
//!
//! It verifies both signatures of every delivery and prints one line for each delivery. To watch
//! retries, choose the status and the delay of its responses.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::{Context as _, Result};
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, Uri},
};
use storehook_domain::{
    delivery::signature::{verify_body_signature, verify_standard_signatures},
    installation::secret::SharedSecret,
};
use tokio::net::TcpListener;

use crate::stack::connection::{Connection, StackArgs};

/// The options of `storehook listen`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The port to listen on, on 127.0.0.1.
    #[arg(long, default_value_t = 9000)]
    port: u16,
    /// The installation's shared secret [default on the local stack: the demo app's]
    #[arg(long, env = "STOREHOOK_SECRET", hide_env_values = true)]
    secret: Option<String>,
    /// The status to respond with.
    #[arg(long, default_value = "200")]
    status: StatusCode,
    /// How many seconds to wait before the response.
    #[arg(long, default_value_t = 0.0, value_parser = seconds)]
    delay: f64,
    /// Print the headers and the body of each delivery, too.
    #[arg(long)]
    verbose: bool,
}

/// `storehook listen`
pub async fn run(args: Args, stack: &StackArgs) -> Result<()> {
    let secret = match &args.secret {
        Some(secret) => SharedSecret::parse(secret)?,
        None => {
            let connection = Connection::open(stack)
                .await
                .context("--secret is missing, and no local stack is running")?;
            connection
                .local
                .context("--secret is missing: a deployed stack shows the secret only once")?
                .shared_secret
        }
    };
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], args.port)))
        .await
        .with_context(|| format!("port {} is taken: choose another with --port", args.port))?;
    println!(
        "listening on http://{}/, responding with {} (Ctrl-C stops)",
        listener.local_addr()?,
        args.status
    );
    let router = Router::new().fallback(receive).with_state(Arc::new((args, secret)));
    let stopped = async {
        // Without a handler Ctrl-C still ends the process, only less politely.
        _ = tokio::signal::ctrl_c().await;
    };
    axum::serve(listener, router).with_graceful_shutdown(stopped).await.context("the receiver failed")
}

async fn receive(
    State(state): State<Arc<(Args, SharedSecret)>>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let (args, secret) = &*state;
    println!("{}", summary(secret, &uri, &headers, &body));
    if args.verbose {
        for (name, value) in &headers {
            println!("    {name}: {}", String::from_utf8_lossy(value.as_bytes()));
        }
        println!("    {}", String::from_utf8_lossy(&body));
    }
    tokio::time::sleep(Duration::from_secs_f64(args.delay)).await;
    args.status
}

/// One line about a delivery: when, what, which, how large, and whether its signatures verify.
fn summary(secret: &SharedSecret, uri: &Uri, headers: &HeaderMap, body: &[u8]) -> String {
    // The prefix of the platform's headers is a deploy parameter, so their ends identify them.
    let ending = |ending: &str| {
        let found = headers.iter().find(|(name, _)| name.as_str().ends_with(ending));
        found.and_then(|(_, value)| value.to_str().ok()).unwrap_or("-")
    };
    let named = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("-");
    let verdict = |is_valid| if is_valid { "ok" } else { "WRONG" };
    let body_verdict = verdict(verify_body_signature(secret, body, ending("-hmac-sha256")));
    let (id, timestamp) = (named("webhook-id"), named("webhook-timestamp"));
    let standard_verdict =
        verdict(verify_standard_signatures(secret, id, timestamp, body, named("webhook-signature")));
    let time = storehook_aws::now().strftime("%H:%M:%S%.3f");
    let (topic, size) = (ending("-topic"), body.len());
    format!(
        "{time} {topic} {id} {} {size} bytes, body signature {body_verdict}, standard signature {standard_verdict}",
        uri.path()
    )
}

fn seconds(text: &str) -> Result<f64, String> {
    let seconds: f64 = text.parse().map_err(|error| format!("{error}"))?;
    if (0.0..=3_600.0).contains(&seconds) { Ok(seconds) } else { Err("0 to 3600 seconds".to_owned()) }
}

#[cfg(test)]
mod tests {
    use storehook_domain::delivery::signature::{body_signature, standard_signatures};

    use super::*;

    #[test]
    fn one_line_shows_a_delivery_with_both_verdicts() -> Result<()> {
        let secret = SharedSecret::parse(&"s".repeat(32))?;
        let body = br#"{"id":1}"#;
        let mut headers = HeaderMap::new();
        headers.insert("x-acme-topic", "orders/create".parse()?);
        headers.insert("x-acme-hmac-sha256", body_signature(&secret, body).parse()?);
        headers.insert("webhook-id", "7-e1".parse()?);
        headers.insert("webhook-timestamp", "7".parse()?);
        let standard = standard_signatures(
            std::slice::from_ref(&secret),
            "7-e1",
            jiff::Timestamp::from_second(7)?,
            body,
        );
        headers.insert("webhook-signature", standard.parse()?);
        let line = summary(&secret, &Uri::from_static("/hook"), &headers, body);
        assert!(
            line.ends_with("orders/create 7-e1 /hook 8 bytes, body signature ok, standard signature ok"),
            "{line}"
        );
        let line = summary(&secret, &Uri::from_static("/hook"), &headers, b"{}");
        assert!(line.ends_with("body signature WRONG, standard signature WRONG"), "{line}");
        Ok(())
    }
}
