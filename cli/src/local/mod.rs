//! `storehook local`: the whole system on one machine, with one command.
//!
//! It builds the functions, starts an AWS emulator in a private Python environment,
//! deploys the very `template.yaml` into it, installs a demo app on a demo shop, says how
//! to use it all, and stays until it is told to stop; then it stops everything that it
//! started. No Docker, no AWS account. Everything that it writes is under `target/`.
//!
//! The emulator is MiniStack. What it does differently from AWS, and matters here, is
//! either worked round in one named place (`kinesis/poller.rs`) or listed in the README.

mod deploy;
mod detach;
mod emulator;
mod functions;
mod kinesis;
mod python;
mod tour;

use std::{
    fs::{File, TryLockError},
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};
use storehook_domain::installation::{Scope, secret::SharedSecret};
use tokio::signal::unix::{SignalKind, signal};

pub use deploy::{Deployment, Outputs, deploy};
pub use functions::{build as build_functions, cargo};
pub use python::{EMULATOR, VirtualEnvironment, environment as python_environment};

use self::emulator::Emulator;
use crate::{
    install::{self, Keys, install},
    stack::{
        connection::{Connection, LOCAL_STACK, StackArgs, local_sdk, project_root},
        stack_file::{Functions, Queues, StackFile, Tables},
    },
};

/// How to run the local stack.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// Return when the stack is ready, and leave it running.
    #[arg(long, conflicts_with = "stop")]
    detach: bool,
    /// Stop the stack that runs in the background.
    #[arg(long)]
    stop: bool,
    /// The port that the emulator answers on; 0 takes a free one.
    #[arg(long, default_value_t = 4566)]
    port: u16,
    /// Keep webhooks, queues and tables from one start to the next.
    #[arg(long)]
    persist: bool,
    /// What the retry schedule's waits are multiplied by.
    #[arg(long, default_value = "0.002")]
    retry_time_scale: String,
    /// Stop when standard input ends: for programs that run the stack and may die.
    #[arg(long, hide = true)]
    until_stdin_ends: bool,
}

const DEMO_SHOP: &str = "demo.spiffystores.com";
const DEMO_APP: &str = "demo-app";

// The same on every machine, so that the README and events/ can name them, and worth nothing: the
// local stack answers on loopback alone.
const DEMO_TOKEN: &str = "shtk_local_demo";
const DEMO_SECRET: &str = "storehook-local-demo-secret";

/// Where the process that holds the folder's lock is noted.
const PID_FILE: &str = "pid";

/// Where a kept state's port is noted.
const PORT_FILE: &str = "state/storehook-port";

/// `storehook local`
pub async fn run(args: Args, stack: &StackArgs) -> Result<()> {
    let root = project_root(&std::env::current_dir()?)?;
    fs_err::create_dir_all(root.join(&stack.local_dir))?;
    let folder = stack.local_folder()?;
    if args.stop {
        return detach::stop(&folder).await;
    }
    if args.detach {
        if is_running(&folder)? {
            bail!("a local stack is running already: stop it with `storehook local --stop`");
        }
        return detach::detach(&folder).await;
    }
    run_until_stopped(&args, &root, &folder).await
}

/// Starts everything, stays, and stops everything, whatever ends it and however far it got.
async fn run_until_stopped(args: &Args, root: &Path, folder: &Path) -> Result<()> {
    let Some(_lock) = lock_soon(folder, args.until_stdin_ends).await? else {
        bail!("a local stack is running already: stop it with Ctrl-C, or with `storehook local --stop`");
    };
    fs_err::write(folder.join(PID_FILE), std::process::id().to_string())?;
    StackFile::remove(folder)?;
    emulator::end_orphan(folder).await?;
    let mut emulator = None;
    let result = tokio::select! {
        result = start_and_stay(args, root, folder, &mut emulator) => result,
        result = told_to_stop(args.until_stdin_ends) => result,
    };
    if let Some(emulator) = &mut emulator {
        say("stopping");
        emulator.stop().await;
    }
    StackFile::remove(folder)?;
    result
}

async fn start_and_stay(args: &Args, root: &Path, folder: &Path, slot: &mut Option<Emulator>) -> Result<()> {
    let port = free_port(if args.persist { kept_port(folder, args.port)? } else { args.port })?;
    let interpreter = python::environment(&root.join("target"), &python::EMULATOR).await?;
    say("building the functions");
    let programs = functions::build(root).await?;
    say(&format!("starting the emulator on port {port}"));
    if args.persist {
        fs_err::create_dir_all(folder.join("state"))?;
        fs_err::write(folder.join(PORT_FILE), port.to_string())?;
    }
    let emulator = slot.insert(Emulator::start(&interpreter, folder, port, args.persist).await?);
    say("deploying template.yaml");
    let outputs = deploy(&Deployment {
        interpreter: &interpreter,
        endpoint_url: &emulator.endpoint_url,
        template: root.join("template.yaml"),
        programs: &programs,
        stack_name: LOCAL_STACK,
        parameters: &[("RetryTimeScale", &args.retry_time_scale)],
    })
    .await?;
    let sdk = local_sdk(&emulator.endpoint_url);
    let connection = Connection { sdk: sdk.clone(), stack: LOCAL_STACK.to_owned(), local: None };
    let keys = install_demo_app(&connection).await?;
    let checkpoints = args.persist.then(|| folder.join("state/kinesis-checkpoints.json"));
    let poller = kinesis::poller::run(sdk, checkpoints);
    let file = stack_file(&emulator.endpoint_url, outputs, keys)?;
    println!("{}", tour::text(&file, &args.retry_time_scale));
    file.write(folder)?;
    tokio::select! {
        () = emulator.ended() => bail!("the emulator has ended; its log is {}", folder.join("ministack.log").display()),
        result = poller => result,
    }
}

/// Installs the demo app, unless a kept state holds it already.
async fn install_demo_app(connection: &Connection) -> Result<Keys> {
    let keys = Keys { token: DEMO_TOKEN.to_owned(), secret: SharedSecret::parse(DEMO_SECRET)? };
    let args = install::Args {
        shop: DEMO_SHOP.parse()?,
        app: DEMO_APP.parse()?,
        time_zone: "America/New_York".to_owned(),
        scopes: vec![Scope::Webhooks, Scope::EventsPush],
    };
    install(connection, &args, &keys).await?;
    Ok(keys)
}

fn stack_file(endpoint_url: &str, outputs: Outputs, keys: Keys) -> Result<StackFile> {
    let api_url = outputs.local_api_url(endpoint_url);
    Ok(StackFile {
        endpoint_url: endpoint_url.to_owned(),
        panel_url: format!("{api_url}/panel"),
        api_url,
        shop: DEMO_SHOP.parse()?,
        app: DEMO_APP.parse()?,
        token: keys.token,
        shared_secret: keys.secret,
        stream_name: outputs.stream_name,
        queues: Queues {
            delivery: outputs.delivery_queue_url,
            retry: outputs.retry_queue_url,
            dead_letter: outputs.dead_letter_queue_url,
            rejected: outputs.rejected_queue_url,
        },
        tables: Tables { registry: outputs.registry_table, history: outputs.history_table },
        functions: Functions {
            admin_api: outputs.admin_api_function,
            fan_out: outputs.fan_out_function,
            delivery: outputs.delivery_function,
        },
        region: crate::stack::connection::LOCAL_REGION.to_owned(),
        pid: std::process::id(),
    })
}

/// Returns on Ctrl-C, on SIGTERM and, if asked, when standard input ends.
async fn told_to_stop(until_stdin_ends: bool) -> Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    let stdin_ends = async {
        if until_stdin_ends {
            stdin_end().await;
        } else {
            std::future::pending().await
        }
    };
    tokio::select! {
        result = tokio::signal::ctrl_c() => result?,
        _ = terminate.recv() => {}
        _ = hang_up.recv() => {}
        () = stdin_ends => {}
    }
    Ok(())
}

/// The port of a kept state, or the one that is asked for where there is none: the state's queues are
/// known by URLs that hold it.
fn kept_port(folder: &Path, port: u16) -> Result<u16> {
    let Ok(text) = fs_err::read_to_string(folder.join(PORT_FILE)) else { return Ok(port) };
    let kept: u16 = text.trim().parse().context("the kept state's port does not read")?;
    if ![0, kept].contains(&port) {
        bail!(
            "the kept state is of port {kept}: use --port {kept}, or remove {}",
            folder.join("state").display()
        );
    }
    Ok(kept)
}

/// Returns when standard input ends. A thread of its own reads it, because a read that waits inside
/// the runtime would keep a stack that failed to start from ending.
async fn stdin_end() {
    let (ended, end) = tokio::sync::oneshot::channel::<()>();
    std::thread::spawn(move || {
        // An input that cannot be read has ended too, and nobody may be waiting any more.
        _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        drop(ended);
    });
    _ = end.await;
}

/// The port if it is free, or a free one for 0.
fn free_port(port: u16) -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .with_context(|| format!("port {port} is taken: choose another with --port, or 0 for any"))?;
    Ok(listener.local_addr()?.port())
}

/// Takes the folder's lock, which lasts as long as the process: `None` if another has it.
fn lock(folder: &Path) -> Result<Option<File>> {
    let file = File::create(lock_path(folder))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error).context("the local stack's folder cannot be locked"),
    }
}

/// Takes the lock; a program that has just started another stack and died is given time to be gone.
async fn lock_soon(folder: &Path, wait: bool) -> Result<Option<File>> {
    let tries = if wait { 200 } else { 1 };
    for _ in 1..tries {
        if let Some(lock) = lock(folder)? {
            return Ok(Some(lock));
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    lock(folder)
}

/// Whether a local stack runs in this folder.
pub(crate) fn is_running(folder: &Path) -> Result<bool> {
    Ok(lock(folder)?.is_none())
}

/// The process that runs the stack, or starts it.
fn running_pid(folder: &Path) -> Result<u32> {
    fs_err::read_to_string(folder.join(PID_FILE))?.trim().parse().context("the noted process does not read")
}

fn lock_path(folder: &Path) -> PathBuf {
    folder.join("lock")
}

/// Tells the user how far it is.
fn say(text: &str) {
    eprintln!("storehook: {text}");
}
