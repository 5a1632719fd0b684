//! `storehook`: reads the command line and runs one command.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use storehook::{
    install, listen, local, output, panel_link, publish, redrive,
    stack::{connection::StackArgs, credentials::advice},
    status,
};

/// Serverless webhooks for stores.
#[derive(Parser)]
#[command(version, about)]
struct Cli {
    #[command(flatten)]
    stack: StackArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the whole system on this machine, without AWS and without Docker.
    Local(local::Args),
    /// Install an app on a shop, and show its token and secret once.
    Install(install::Args),
    /// Make a link that signs one person in to the control panel, once.
    PanelLink(panel_link::Args),
    /// Publish one event, or a file of events.
    Publish(publish::Args),
    /// Receive deliveries on this machine: verify their signatures and print them.
    Listen(listen::Args),
    /// Send dead letters again.
    Redrive(redrive::selection::Args),
    /// Show how many messages are in each queue.
    Status,
}

#[tokio::main]
async fn main() -> ExitCode {
    let Cli { stack, command } = Cli::parse();
    let result = match command {
        Command::Local(args) => local::run(args, &stack).await,
        Command::Install(args) => install::run(args, &stack).await,
        Command::PanelLink(args) => panel_link::run(args, &stack).await,
        Command::Publish(args) => publish::run(args, &stack).await,
        Command::Listen(args) => listen::run(args, &stack).await,
        Command::Redrive(args) => redrive::run(args, &stack).await,
        Command::Status => status::run(&stack).await,
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if output::is_closed(&error) => ExitCode::SUCCESS,
        Err(error) => {
            let told = advice(&error).unwrap_or_else(|| format!("{error:#}"));
            output::note(format_args!("error: {told}"));
            ExitCode::FAILURE
        }
    }
}
