//! The command line: every command, and the options that all of them take.

use anyhow::Result;
use clap::{CommandFactory as _, Parser, Subcommand};

use crate::{
    completions, exit, global::Global, install, listen, local, panel_link, publish, redrive, status,
};

/// What the user has typed.
#[derive(Debug, Parser)]
#[command(name = "storehook", version, about = "Serverless webhooks for stores", after_help = exit::HELP)]
pub struct CommandLine {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
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
    /// Print the completions of this command line for a shell.
    Completions(completions::Args),
}

impl CommandLine {
    /// The names of all commands.
    pub fn names() -> Vec<String> {
        Self::command().get_subcommands().map(|command| command.get_name().to_owned()).collect()
    }

    /// Runs the command.
    ///
    /// # Errors
    ///
    /// The command failed, or found something wrong.
    pub async fn run(self) -> Result<()> {
        let Self { global, command } = self;
        match command {
            Command::Local(args) => local::run(args, &global).await,
            Command::Install(args) => install::run(args, &global).await,
            Command::PanelLink(args) => panel_link::run(args, &global).await,
            Command::Publish(args) => publish::run(args, &global).await,
            Command::Listen(args) => listen::run(args, &global).await,
            Command::Redrive(args) => redrive::run(args, &global).await,
            Command::Status => status::run(&global).await,
            Command::Completions(args) => completions::run(&args, &mut Self::command()),
        }
    }
}
