//! `storehook local`: the whole system on one machine, with one command.
//!
//! It builds the functions, starts an AWS emulator in a private Python environment, deploys the
//! same `template.yaml` that AWS gets, installs a demo app on a demo shop, and prints how to use
//! all this. Then it runs until somebody stops it, and stops everything that it started. It needs
//! no Docker and no AWS account, and writes only below `target/`.
//!
//! The emulator is MiniStack. Where it differs from AWS in a way that matters here, one place works
//! around it (`kinesis/poller.rs` or `deploy.py`), or the documents list the difference.

pub mod deploy;
pub mod functions;
pub mod python;

mod demo;
mod detach;
mod emulator;
mod kinesis;
mod port;
mod say;
mod stop;
mod tour;

use std::path::Path;

use anyhow::{Result, bail};

use self::{
    demo::{install_demo_app, stack_file},
    deploy::{Deployment, deploy},
    emulator::Emulator,
    port::{free_port, keep_port, kept_port},
    say::say,
    stop::told_to_stop,
};
use crate::{
    panel_link::panel_link,
    stack::{
        connection::{Connection, StackArgs},
        local_stack::{LOCAL_STACK, local_sdk},
        lock::{is_running, lock_soon, note_pid},
        project::project_root,
        stack_file::StackFile,
    },
};

/// The options of `storehook local`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// Run the stack in the background, and return when it is ready.
    #[arg(long, conflicts_with = "stop")]
    detach: bool,
    /// Stop the stack that runs in the background.
    #[arg(long)]
    stop: bool,
    /// The emulator's port; 0 takes any free port.
    #[arg(long, default_value_t = 4566)]
    port: u16,
    /// Keep webhooks, queues and tables from one start to the next.
    #[arg(long)]
    persist: bool,
    /// Multiply every wait of the retry schedule by this number.
    #[arg(long, default_value = "0.002")]
    retry_time_scale: String,
    /// Stop when standard input ends; for programs that start the stack and may die.
    #[arg(long, hide = true)]
    until_stdin_ends: bool,
}

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
            bail!("a local stack is already running: stop it with `cargo run -- local --stop`");
        }
        return detach::detach(&folder).await;
    }
    run_until_stopped(&args, &root, &folder).await
}

/// Starts everything, waits for the end, and stops everything, however far the start got.
async fn run_until_stopped(args: &Args, root: &Path, folder: &Path) -> Result<()> {
    let Some(_lock) = lock_soon(folder, args.until_stdin_ends).await? else {
        bail!("a local stack is already running: stop it with Ctrl-C or `cargo run -- local --stop`");
    };
    note_pid(folder)?;
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
        keep_port(folder, port)?;
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
    let panel_link = panel_link(&connection, &file.shop, &file.app, &file.panel_url).await?;
    println!("{}", tour::text(&file, &panel_link, &args.retry_time_scale));
    file.write(folder)?;
    tokio::select! {
        () = emulator.ended() => bail!("the emulator has ended: see its log, {}", folder.join("ministack.log").display()),
        result = poller => result,
    }
}
