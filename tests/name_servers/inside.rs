//! What runs inside the network of its own.

use std::{
    ffi::OsStr,
    net::{IpAddr, Ipv6Addr},
    process::{Command, ExitCode},
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::{Context as _, Result, ensure};
use axum::{Router, routing::post, serve::ListenerExt as _};
use clap::Parser as _;
use serde_json::json;
use storehook_tests::bench::{Arguments, Function, Message, Programs, StubAws, messages_event};
use tokio::net::TcpListener;

use super::{
    cases::{self, FORBIDDEN, PUBLIC},
    name_server::{self, DOMAIN},
};

/// How the system asks: the test's name server alone, for a second, and once.
const RESOLVER: &str = "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n";

/// The addresses that connections were made to.
type Reached = Arc<Mutex<Vec<IpAddr>>>;

pub(super) fn run(programs: &OsStr) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let checked = runtime.map_err(anyhow::Error::from).and_then(|runtime| {
        set_up()?;
        runtime.block_on(check(programs))
    });
    match checked {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Gives the machine its addresses and its name server.
fn set_up() -> Result<()> {
    succeed(Command::new("ip").args(["link", "set", "lo", "up"]))?;
    for address in PUBLIC.iter().chain(&FORBIDDEN) {
        let prefix = if address.parse::<Ipv6Addr>().is_ok() { "128" } else { "32" };
        // A machine can have no addresses such as that of everybody: then nothing is behind it.
        let add = ["address", "add", &format!("{address}/{prefix}"), "dev", "lo", "nodad"];
        Command::new("ip").args(&add[..if prefix == "128" { 6 } else { 5 }]).output()?;
    }
    let file = std::env::temp_dir().join(format!("storehook-resolver-{}", std::process::id()));
    std::fs::write(&file, RESOLVER)?;
    let mounted = succeed(Command::new("mount").args(["--bind"]).arg(&file).arg("/etc/resolv.conf"));
    std::fs::remove_file(&file)?;
    mounted
}

fn succeed(command: &mut Command) -> Result<()> {
    let output = command.output()?;
    ensure!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

async fn check(programs: &OsStr) -> Result<()> {
    let arguments = Arguments::try_parse_from([OsStr::new("test"), OsStr::new("--programs"), programs])?;
    let programs = Programs::of_functions(&["delivery"], &arguments).await?;
    let name_server = tokio::spawn(async { name_server::serve(cases::all()?).await });
    let (port, reached) = endpoint().await?;
    for (number, case) in cases::all()?.iter().enumerate() {
        let aws = StubAws::start(1, &format!("http://{number}.{DOMAIN}:{port}/")).await?;
        let settings = [("HISTORY_DELIVERY_DAYS", "0"), ("ALLOWED_CIDRS", "")];
        let mut function = Function::start((&programs, "delivery"), &aws, &settings).await?;
        let event = messages_event(&[Message { number, webhook: 1 }], "{}", false)?;
        let response = function.invoke(&event).await.with_context(|| format!("{case:?}"))?;
        let has_arrived = response == json!({"batchItemFailures": []});
        let reached = std::mem::take(&mut *reached.lock().unwrap_or_else(PoisonError::into_inner));
        ensure!(has_arrived == case.arrives, "{case:?}: {response}, by {reached:?}");
        ensure!(reached.len() == usize::from(case.arrives), "{case:?}: it reached {reached:?}");
        let is_public = |ip: &IpAddr| PUBLIC.iter().any(|public| public.parse() == Ok(ip.to_canonical()));
        ensure!(reached.iter().all(is_public), "{case:?}: it reached {reached:?}");
        ensure!(!name_server.is_finished(), "{case:?}: the name server has ended");
    }
    Ok(())
}

/// An endpoint on all addresses of the machine, and which of them were reached.
async fn endpoint() -> Result<(u16, Reached)> {
    let listener = TcpListener::bind((Ipv6Addr::UNSPECIFIED, 0)).await?;
    let port = listener.local_addr()?.port();
    let reached = Reached::default();
    let noted = Arc::clone(&reached);
    let listener = listener.tap_io(move |stream| {
        let address = stream.local_addr().map(|address| address.ip());
        noted.lock().unwrap_or_else(PoisonError::into_inner).extend(address);
    });
    let router = Router::new().route("/", post(async || "ok"));
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok((port, reached))
}
