//! A receiver on this machine.
//!
//! It verifies both signatures of every delivery and prints one line for each delivery. To watch
//! retries, choose the status and the delay of its responses.
//!
//! It takes every body that Storehook can send. A request that it cannot read gets the status that
//! says so, and a line, too. It ends as soon as nobody reads its output any more.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, Result};
use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State, rejection::BytesRejection},
    http::{HeaderMap, StatusCode, Uri},
};
use storehook_domain::{
    delivery::signature::{verify_body_signature, verify_standard_signatures},
    installation::secret::SharedSecret,
    payload::limits::BODY_LIMIT,
};
use tokio::{net::TcpListener, sync::mpsc};

use crate::{
    global::Global,
    output::{self, OutputError},
    socket,
};

const EXAMPLES: &str = "\
Examples:
  storehook listen
  storehook listen --status 500 --delay 2
  STOREHOOK_SECRET=... storehook listen --port 9001 --verbose";

/// The options of `storehook listen`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The port to listen on; 0 takes any free one.
    #[arg(long, default_value_t = 9000)]
    port: u16,
    /// The address to listen on. One that is not loopback lets others on the network send to it.
    #[arg(long, default_value_t = Ipv4Addr::LOCALHOST.into(), value_name = "ADDRESS")]
    bind: IpAddr,
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
pub async fn run(args: Args, global: &Global) -> Result<()> {
    let secret = match &args.secret {
        Some(secret) => SharedSecret::parse(secret)?,
        None => {
            let connection =
                global.connect().await.context("--secret is missing, and no local stack is running")?;
            connection
                .local
                .context("--secret is missing: a deployed stack shows the secret only once")?
                .shared_secret
        }
    };
    let listener = socket::listen(SocketAddr::from((args.bind, args.port)))?;
    listener.set_nonblocking(true)?;
    let listener = TcpListener::from_std(listener)?;
    output::line(format_args!(
        "listening on http://{}/, responding with {} (Ctrl-C stops)",
        listener.local_addr()?,
        args.status
    ))?;
    let (output_failed, mut failure) = mpsc::channel(1);
    let server = axum::serve(listener, router(Receiver { args, secret, output_failed }));
    let stopped = async {
        // Without a handler Ctrl-C still ends the process, only less politely.
        _ = tokio::signal::ctrl_c().await;
    };
    tokio::select! {
        result = server.with_graceful_shutdown(stopped).into_future() => result.context("the receiver failed"),
        Some(error) = failure.recv() => Err(OutputError::into(error)),
        () = output::closed() => Err(OutputError::Closed.into()),
    }
}

/// What the receiver needs for each request.
struct Receiver {
    args: Args,
    secret: SharedSecret,
    /// Where a failure to print goes. The first one ends the receiver.
    output_failed: mpsc::Sender<OutputError>,
}

fn router(receiver: Receiver) -> Router {
    let limit = DefaultBodyLimit::max(BODY_LIMIT);
    Router::new().fallback(receive).layer(limit).with_state(Arc::new(receiver))
}

async fn receive(
    State(receiver): State<Arc<Receiver>>,
    uri: Uri,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> StatusCode {
    let Receiver { args, secret, output_failed } = &*receiver;
    let (status, told) = match &body {
        Ok(body) => (args.status, summary(secret, &uri, &headers, body)),
        Err(unread) => (unread.status(), refusal(&uri, &headers, unread)),
    };
    let details =
        if args.verbose { details(&headers, body.as_deref().unwrap_or_default()) } else { String::new() };
    if let Err(error) = output::line(told + &details) {
        // A second failure tells nothing new.
        _ = output_failed.try_send(error);
    }
    tokio::time::sleep(Duration::from_secs_f64(args.delay)).await;
    status
}

/// The headers and the body, for `--verbose`.
fn details(headers: &HeaderMap, body: &[u8]) -> String {
    let lines = headers.iter().map(|(name, value)| format!("{name}: {}", printable(value.as_bytes())));
    lines.chain([printable(body)]).map(|line| format!("\n    {line}")).collect()
}

/// The text of these bytes. What could steer a terminal is escaped.
fn printable(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let escaped = |character: char| match character {
        '\n' | '\t' => character.to_string(),
        control if control.is_control() => control.escape_default().to_string(),
        other => other.to_string(),
    };
    text.chars().map(escaped).collect()
}

/// The value of this header.
fn named<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("-")
}

/// The value of the header that ends like this. The prefix of the platform's headers is a deploy
/// parameter, so their ends identify them.
fn ending<'a>(headers: &'a HeaderMap, ending: &str) -> &'a str {
    let found = headers.iter().find(|(name, _)| name.as_str().ends_with(ending));
    found.and_then(|(_, value)| value.to_str().ok()).unwrap_or("-")
}

/// When a request came, its topic, its id and its path.
fn beginning(uri: &Uri, headers: &HeaderMap) -> String {
    let time = storehook_aws::now().strftime("%H:%M:%S%.3f");
    format!(
        "{time} {} {} {}",
        ending(headers, "-topic"),
        named(headers, "webhook-id"),
        printable(uri.path().as_bytes())
    )
}

/// One line about a request whose body cannot be read.
fn refusal(uri: &Uri, headers: &HeaderMap, unread: &BytesRejection) -> String {
    let beginning = beginning(uri, headers);
    if unread.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return format!("{beginning} refused: over {BODY_LIMIT} bytes, which Storehook never sends");
    }
    format!("{beginning} refused: {}", unread.body_text())
}

/// One line about a delivery: when, what, which, how large, and whether its signatures verify.
fn summary(secret: &SharedSecret, uri: &Uri, headers: &HeaderMap, body: &[u8]) -> String {
    let verdict = |is_valid| if is_valid { "ok" } else { "WRONG" };
    let body_verdict = verdict(verify_body_signature(secret, body, ending(headers, "-hmac-sha256")));
    let (id, timestamp) = (named(headers, "webhook-id"), named(headers, "webhook-timestamp"));
    let signature = named(headers, "webhook-signature");
    let standard_verdict = verdict(verify_standard_signatures(secret, id, timestamp, body, signature));
    format!(
        "{} {} bytes, body signature {body_verdict}, standard signature {standard_verdict}",
        beginning(uri, headers),
        body.len()
    )
}

fn seconds(text: &str) -> Result<f64, String> {
    let seconds: f64 = text.parse().map_err(|error| format!("{error}"))?;
    if (0.0..=3_600.0).contains(&seconds) { Ok(seconds) } else { Err("0 to 3600 seconds".to_owned()) }
}

#[cfg(test)]
mod tests;
