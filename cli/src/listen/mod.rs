//! Receiving deliveries on this machine: verifying and printing them.
//!
//! Without `--webhook` a [`receiver`] listens on a port. To watch retries, choose the status and the
//! delay of its responses. With `--webhook` nothing listens: the deliveries of a webhook are followed
//! through the admin API ([`follow`](mod@follow)). Either way one line tells of each delivery ([`verified`]), and
//! `--forward-to` makes the same request at another URL ([`forward`]).
//!
//! It ends as soon as nobody reads its output any more.

pub mod api;
pub mod follow;
pub mod forward;
pub mod printer;
pub mod receiver;
pub mod verified;

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};

use anyhow::{Context as _, Result};
use axum::http::StatusCode;
use reqwest::Url;
use serde_json::json;
use storehook_domain::webhook::WebhookId;
use tokio::net::TcpListener;

use self::{api::AdminApi, follow::Follow, forward::Forward, printer::Printer, receiver::Receiver};
use crate::{
    global::Global,
    output::{self, OutputError},
    secret::receivers_secret,
    socket,
};

const EXAMPLES: &str = "\
Examples:
  storehook listen
  storehook listen --status 500 --delay 2
  STOREHOOK_SECRET=... storehook listen --port 9001 --verbose
  STOREHOOK_TOKEN=... storehook --stack storehook listen --webhook 7 --forward-to http://127.0.0.1:3000/hooks";

/// The options of `storehook listen`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The port to listen on; 0 takes any free one.
    #[arg(long, default_value_t = 9000, conflicts_with = "webhook")]
    port: u16,
    /// The address to listen on. One that is not loopback lets others on the network send to it.
    #[arg(long, default_value_t = Ipv4Addr::LOCALHOST.into(), value_name = "ADDRESS", conflicts_with = "webhook")]
    bind: IpAddr,
    /// The installation's shared secret; - reads it from standard input [default on the local stack: the demo app's]
    #[arg(long, env = "STOREHOOK_SECRET", hide_env_values = true)]
    secret: Option<String>,
    /// The status to respond with.
    #[arg(long, default_value = "200", conflicts_with_all = ["webhook", "forward_to"])]
    status: StatusCode,
    /// How many seconds to wait before the response.
    #[arg(long, default_value_t = 0.0, value_parser = seconds, conflicts_with = "webhook")]
    delay: f64,
    /// Make the same request at this URL, and respond as it does.
    #[arg(long, value_name = "URL")]
    forward_to: Option<Url>,
    /// Follow the deliveries of this webhook through the admin API, and listen on no port.
    #[arg(long, value_name = "ID")]
    webhook: Option<WebhookId>,
    /// With --webhook: the app's access token [default on the local stack: the demo app's]
    #[arg(long, env = "STOREHOOK_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// With --webhook: where the admin API is [default: the stack's output ApiUrl]
    #[arg(long, value_name = "URL", requires = "webhook")]
    api_url: Option<String>,
    /// Print the headers and the body of each delivery, too.
    #[arg(long)]
    verbose: bool,
}

/// `storehook listen`
///
/// # Errors
///
/// The port is taken, the secret or the token is missing, the API refuses, or the output fails.
pub async fn run(args: Args, global: &Global) -> Result<()> {
    let forward = args.forward_to.clone().map(Forward::to).transpose()?;
    let printer = Printer { form: global.form(), is_verbose: args.verbose };
    match args.webhook {
        Some(webhook) => follow(args, webhook, forward, printer, global).await,
        None => receive(args, forward, printer, global).await,
    }
}

async fn receive(args: Args, forward: Option<Forward>, printer: Printer, global: &Global) -> Result<()> {
    let secret = receivers_secret(args.secret.as_deref(), global).await?;
    let listener = socket::listen(SocketAddr::from((args.bind, args.port)))?;
    listener.set_nonblocking(true)?;
    let listener = TcpListener::from_std(listener)?;
    let url = format!("http://{}/", listener.local_addr()?);
    let responds = match &args.forward_to {
        Some(to) => format!("forwarding to {to}"),
        None => format!("responding with {}", args.status),
    };
    let facts = json!({"listening": url, "status": args.status.as_u16(), "forward_to": args.forward_to});
    printer.print_beginning(facts, &format!("listening on {url}, {responds} (Ctrl-C stops)"))?;
    let (status, delay) = (args.status, Duration::from_secs_f64(args.delay));
    Receiver { secret, status, delay, forward, printer }.serve(listener).await
}

async fn follow(
    args: Args,
    webhook: WebhookId,
    forward: Option<Forward>,
    printer: Printer,
    global: &Global,
) -> Result<()> {
    let (url, token, secret) = match (args.api_url, args.token) {
        // Whoever has a token and the API's address needs no AWS credentials.
        (Some(url), Some(token)) => (url, token, None),
        (url, token) => {
            let connection = global.connect().await?;
            let url = match url {
                Some(url) => url,
                None => connection.api_url().await?,
            };
            let local = connection.local.filter(|_| token.is_none());
            let (own_token, secret) = local.map(|local| (local.token, local.shared_secret)).unzip();
            let token = token
                .or(own_token)
                .context("the token is missing: set STOREHOOK_TOKEN to the app's access token")?;
            (url, token, secret)
        }
    };
    let secret = match &args.secret {
        Some(given) => Some(receivers_secret(Some(given), global).await?),
        None => secret,
    };
    let follow = Follow { api: AdminApi::new(&url, token)?, webhook, secret, forward, printer };
    let facts = json!({"following": webhook, "forward_to": args.forward_to});
    let to = args.forward_to.map_or_else(String::new, |to| format!(", forwarding to {to}"));
    tokio::select! {
        result = follow.run(|| printer.print_beginning(facts, &format!("following webhook {webhook}{to} (Ctrl-C stops)"))) => result,
        _ = tokio::signal::ctrl_c() => Ok(()),
        () = output::closed() => Err(OutputError::Closed.into()),
    }
}

fn seconds(text: &str) -> Result<f64, String> {
    let seconds: f64 = text.parse().map_err(|error| format!("{error}"))?;
    if (0.0..=3_600.0).contains(&seconds) { Ok(seconds) } else { Err("0 to 3600 seconds".to_owned()) }
}
