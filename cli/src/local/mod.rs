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
mod env_json;
mod forward;
mod kinesis;
mod port;
mod say;
mod stop;
mod tour;

use std::{
    future::pending,
    net::Ipv4Addr,
    path::{Path, PathBuf},
};

use anyhow::{Result, bail};
use ipnet::IpNet;

use self::{
    demo::{install_demo_app, stack_file},
    deploy::{Deployment, LOOPBACK, deploy},
    emulator::Emulator,
    port::{free_port, keep_port, kept_port},
    say::say,
    stop::told_to_stop,
    tour::Ready,
};
use crate::{
    global::Global,
    output::{self, Form, OutputError},
    panel_link::panel_link,
    stack::{
        connection::Connection,
        local_stack::{LOCAL_STACK, local_sdk},
        lock::{is_running, lock_soon, note_pid},
        project::project_root,
        stack_file::StackFile,
    },
};

const EXAMPLES: &str = "\
Examples:
  storehook local
  storehook local --detach --port 0 --persist
  storehook local --stop";

/// The options of `storehook local`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = EXAMPLES)]
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
    /// A network that deliveries may reach, too: without it, an address such as
    /// http://172.17.0.1:9000/ "is not allowed". May be repeated.
    #[arg(long, value_name = "CIDR", value_delimiter = ',')]
    allow: Vec<IpNet>,
    /// Let others reach the stack at this address of the machine, too. Whoever reaches it can run
    /// programs as you, so choose one that only your containers reach, such as 172.17.0.1.
    #[arg(long, value_name = "ADDRESS", value_parser = one_address)]
    bind: Option<Ipv4Addr>,
    /// Write the settings of the functions to this file, for `sam local invoke --env-vars`.
    #[arg(long, value_name = "FILE")]
    env_json: Option<PathBuf>,
    /// Lead the AWS calls of the functions and of the stream's poller to this URL; for programs that put
    /// something between them and the emulator.
    #[arg(long, hide = true, value_name = "URL")]
    through: Option<String>,
    /// Stop when standard input ends; for programs that start the stack and may die.
    #[arg(long, hide = true)]
    until_stdin_ends: bool,
}

/// What the API says besides where an address is not allowed.
const ADDRESS_HINT: &str = "start the stack with `local --allow CIDR` to open its network";

/// `storehook local`
pub async fn run(args: Args, global: &Global) -> Result<()> {
    let root = project_root(&std::env::current_dir()?)?;
    fs_err::create_dir_all(root.join(&global.stack.local_dir))?;
    let folder = global.stack.local_folder()?;
    if args.stop {
        return detach::stop(&folder, global).await;
    }
    if args.detach {
        if is_running(&folder)? {
            bail!("a local stack is already running: stop it with `cargo run -- local --stop`");
        }
        return detach::detach(&folder, global.form()).await;
    }
    run_until_stopped(&args, &root, &folder, global.form()).await
}

/// Starts everything, waits for the end, and stops everything, however far the start got.
async fn run_until_stopped(args: &Args, root: &Path, folder: &Path, form: Form) -> Result<()> {
    let Some(_lock) = lock_soon(folder, args.until_stdin_ends).await? else {
        bail!("a local stack is already running: stop it with Ctrl-C or `cargo run -- local --stop`");
    };
    note_pid(folder)?;
    StackFile::remove(folder)?;
    emulator::end_orphan(folder).await?;
    let mut emulator = None;
    let result = tokio::select! {
        result = start_and_stay(args, root, folder, form, &mut emulator) => result,
        result = told_to_stop(args.until_stdin_ends) => result,
        () = output::closed() => Err(OutputError::Closed.into()),
    };
    if let Some(emulator) = &mut emulator {
        say("stopping");
        emulator.stop().await;
    }
    StackFile::remove(folder)?;
    result
}

async fn start_and_stay(
    args: &Args,
    root: &Path,
    folder: &Path,
    form: Form,
    slot: &mut Option<Emulator>,
) -> Result<()> {
    let port = free_port(if args.persist { kept_port(folder, args.port)? } else { args.port })?;
    let other = args.bind.filter(|address| *address != Ipv4Addr::LOCALHOST);
    let other = other.map(|address| forward::listen(address, port)).transpose()?;
    let interpreter = python::environment(&root.join("target"), &python::EMULATOR).await?;
    say("building the functions");
    let programs = functions::build(root).await?;
    say(&format!("starting the emulator on port {port}"));
    if args.persist {
        keep_port(folder, port)?;
    }
    let emulator = slot
        .insert(Emulator::start(&interpreter, folder, port, args.persist, args.through.as_deref()).await?);
    say("deploying template.yaml");
    let outputs = deploy(&Deployment {
        interpreter: &interpreter,
        endpoint_url: &emulator.endpoint_url,
        template: root.join("template.yaml"),
        programs: &programs,
        stack_name: LOCAL_STACK,
        parameters: &[
            ("RetryTimeScale", &args.retry_time_scale),
            ("AllowedCidrs", &allowed_cidrs(&args.allow)),
            ("AddressHint", ADDRESS_HINT),
        ],
    })
    .await?;
    let sdk = local_sdk(&emulator.endpoint_url);
    let connection = Connection::new(sdk.clone(), LOCAL_STACK);
    let keys = install_demo_app(&connection).await?;
    let checkpoints = args.persist.then(|| folder.join("state/kinesis-checkpoints.json"));
    let polled = args.through.as_deref().map_or(sdk, local_sdk);
    let poller = kinesis::poller::run(polled, interpreter.clone(), checkpoints);
    let file = stack_file(&emulator.endpoint_url, outputs, keys)?;
    let panel_link = panel_link(&connection, &file.shop, &file.app, &file.panel_url).await?;
    if let Some(path) = &args.env_json {
        env_json::write(path, &connection.sdk, &file.functions, port).await?;
    }
    let retry_time_scale = &args.retry_time_scale;
    output::show(form, &Ready { file: &file, panel_link: &panel_link, retry_time_scale })?;
    file.write(folder)?;
    let forwarded = async {
        match other {
            Some(listener) => forward::run(listener, port).await,
            None => pending().await,
        }
    };
    tokio::select! {
        () = forwarded => Ok(()),
        () = emulator.ended() => bail!("the emulator has ended: see its log, {}", folder.join("ministack.log").display()),
        result = poller => result,
    }
}

/// The networks that deliveries may reach: this machine's loopback, and these.
fn allowed_cidrs(more: &[IpNet]) -> String {
    let more = more.iter().map(IpNet::to_string);
    [LOOPBACK.to_owned()].into_iter().chain(more).collect::<Vec<_>>().join(",")
}

/// One address of this machine, and not all of them.
fn one_address(text: &str) -> Result<Ipv4Addr, String> {
    let address: Ipv4Addr = text.parse().map_err(|error| format!("{error}"))?;
    if address.is_unspecified() {
        return Err("it would open the stack to everybody on your network: name one address".to_owned());
    }
    Ok(address)
}

#[cfg(test)]
mod tests {
    use storehook_domain::webhook::address_policy::AddressPolicy;

    use super::*;

    #[test]
    fn allowed_networks_are_opened_besides_loopback() -> Result<()> {
        let policy =
            AddressPolicy::opening(&allowed_cidrs(&["172.17.0.0/16".parse()?, "fd00::/8".parse()?]))?;
        for (address, is_open) in [
            ("127.0.0.1", true),
            ("::1", true),
            ("172.17.0.1", true),
            ("fd00::1", true),
            ("172.18.0.1", false),
            ("169.254.169.254", false),
        ] {
            assert_eq!(policy.permits(address.parse()?), is_open, "{address}");
        }
        Ok(())
    }

    #[test]
    fn the_stack_is_opened_at_one_address_only() {
        assert_eq!(one_address("172.17.0.1"), Ok(Ipv4Addr::new(172, 17, 0, 1)));
        for refused in ["0.0.0.0", "::", "localhost"] {
            assert!(one_address(refused).is_err(), "{refused}");
        }
    }
}
