//! The limit loops: what the same POSTs cost without Storehook.
//!
//! A loop signs each body by HMAC and POSTs it, as many at the same time as a batch has, one batch after the
//! other, on kept connections. It runs in a process of its own: the bench's program again, with other
//! arguments. So it is measured as a function is.

use std::{process::Stdio, time::Duration};

use anyhow::{Context as _, Result, bail, ensure};
use futures::future;
use http_body_util::{BodyExt as _, Full};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use reqwest::Method;
use storehook_domain::{delivery::signature::body_signature, installation::secret::SharedSecret};
use tokio::process::Command;

use super::{cpu::cpu_of, endpoint::Endpoint, events::order};
use crate::api::client_builder;

/// What the program is started with to be a loop.
const ARGUMENT: &str = "--limit-loop";

/// How many batches are sent before the time counts.
const WARM_UP: usize = 20;

/// The client of a loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// reqwest, the client that most programs use.
    Reqwest,
    /// hyper-util's client, which reqwest is made of.
    Hyper,
}

impl Limit {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Reqwest, Self::Hyper];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Reqwest => "reqwest",
            Self::Hyper => "hyper",
        }
    }

    /// Runs a loop if this process was started to be one. A bench calls it first, and ends after it.
    #[expect(clippy::print_stdout, reason = "the process that started this one reads it")]
    pub fn runs() -> Result<bool> {
        let mut arguments = std::env::args().skip_while(|argument| argument != ARGUMENT).skip(1);
        let Some(name) = arguments.next() else { return Ok(false) };
        let mut next = || arguments.next().context("a loop needs five arguments");
        let limit = Self::ALL.into_iter().find(|limit| limit.name() == name).context("no such loop")?;
        let (url, bytes, batch, posts) = (next()?, next()?.parse()?, next()?.parse()?, next()?.parse()?);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let cpu = runtime.block_on(limit.run(&url, &order(bytes), batch, posts))?;
        println!("{}", cpu.as_micros());
        Ok(true)
    }

    /// The CPU time of so many POSTs with bodies of so many bytes, in batches of this size.
    pub async fn measure(
        self,
        endpoint: &Endpoint,
        bytes: usize,
        batch: usize,
        posts: usize,
    ) -> Result<Duration> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args([ARGUMENT, self.name(), &endpoint.url]);
        command.args([bytes, batch, posts].map(|number| number.to_string()));
        let before = endpoint.posts();
        let output =
            command.stdin(Stdio::null()).stderr(Stdio::inherit()).kill_on_drop(true).output().await?;
        ensure!(output.status.success(), "the loop of {} failed", self.name());
        let came = endpoint.posts() - before;
        ensure!(came == posts + WARM_UP * batch, "{came} POSTs of {} came", self.name());
        Ok(Duration::from_micros(String::from_utf8(output.stdout)?.trim().parse()?))
    }

    async fn run(self, url: &str, body: &str, batch: usize, posts: usize) -> Result<Duration> {
        match self {
            Self::Reqwest => {
                let client = client_builder()?.build()?;
                let post = async || {
                    let request = client.request(Method::POST, url).header("x-hmac-sha256", signed(body)?);
                    let request = request.header("content-type", "application/json").body(body.to_owned());
                    let response = request.send().await?.error_for_status()?;
                    response.bytes().await?;
                    anyhow::Ok(())
                };
                timed(post, batch, posts).await
            }
            Self::Hyper => {
                let client: Client<_, Full<axum::body::Bytes>> =
                    Client::builder(TokioExecutor::new()).build(HttpConnector::new());
                let post = async || {
                    let request = axum::http::Request::post(url).header("x-hmac-sha256", signed(body)?);
                    let request = request.header("content-type", "application/json");
                    let response = client.request(request.body(Full::from(body.to_owned()))?).await?;
                    if !response.status().is_success() {
                        bail!("{}", response.status());
                    }
                    response.into_body().collect().await?;
                    anyhow::Ok(())
                };
                timed(post, batch, posts).await
            }
        }
    }
}

/// The CPU time of these POSTs.
async fn timed(post: impl AsyncFn() -> Result<()>, batch: usize, posts: usize) -> Result<Duration> {
    let mut began = Duration::ZERO;
    for number in 0..WARM_UP + posts / batch {
        if number == WARM_UP {
            began = cpu_of("self")?;
        }
        future::try_join_all((0..batch).map(|_| post())).await?;
    }
    Ok(cpu_of("self")? - began)
}

fn signed(body: &str) -> Result<String> {
    let secret = SharedSecret::parse("0123456789abcdef0123456789abcdef")?;
    Ok(body_signature(&secret, body.as_bytes()))
}
