//! The command line: every command, and the options that all of them take.

use anyhow::Result;
use clap::{CommandFactory as _, Parser, Subcommand};

use crate::{
    completions, cost, deliveries, doctor, exit, explain, global::Global, install, list, listen, local,
    panel_link, publish, redrive, replay, republish, rotate, status, token, uninstall, webhooks,
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
    /// Uninstall an app from a shop: its token stops working, its webhooks go.
    Uninstall(uninstall::Args),
    /// List which apps are installed on which shops.
    List(list::Args),
    /// Make a new token for an installation, or make its token stop working.
    Token(token::Args),
    /// Rotate the shared secret of an installation, and show the new one once.
    Rotate(rotate::Args),
    /// Make a link that signs one person in to the control panel, once.
    PanelLink(panel_link::Args),
    /// Publish one event, or a file of events.
    Publish(publish::Args),
    /// Show the webhooks of an installation, with the health of their endpoints.
    Webhooks(webhooks::Args),
    /// Show the deliveries of a webhook.
    Deliveries(deliveries::Args),
    /// Explain what became of an event at each webhook, and why.
    Explain(explain::Args),
    /// Receive deliveries on this machine: verify their signatures and print them.
    Listen(listen::Args),
    /// Find out whether an endpoint is a good receiver.
    Doctor(Box<doctor::Args>),
    /// Send dead letters again.
    Redrive(redrive::selection::Args),
    /// Publish rejected and given-up records again, mended or not.
    Republish(republish::Args),
    /// Send deliveries of an installation again: the dead, the held, or all.
    Replay(replay::Args),
    /// Show what is wrong with the stack, why it matters, and what to do.
    #[command(after_help = status::EXAMPLES)]
    Status,
    /// Compute what a month costs.
    Cost(cost::Args),
    /// Print the completions of this command line for a shell.
    Completions(completions::Args),
}

impl CommandLine {
    /// The names of all commands, such as `list` and `token rotate`.
    pub fn names() -> Vec<String> {
        let own = |command: &clap::Command| command.get_name().to_owned();
        let names = |command: &clap::Command| -> Vec<String> {
            match command.get_subcommands().map(|inner| format!("{} {}", own(command), own(inner))).collect()
            {
                names if Vec::is_empty(&names) => vec![own(command)],
                names => names,
            }
        };
        Self::command().get_subcommands().flat_map(names).collect()
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
            Command::Uninstall(args) => uninstall::run(args, &global).await,
            Command::List(args) => list::run(args, &global).await,
            Command::Token(args) => token::run(args, &global).await,
            Command::Rotate(args) => rotate::run(args, &global).await,
            Command::PanelLink(args) => panel_link::run(args, &global).await,
            Command::Publish(args) => publish::run(args, &global).await,
            Command::Webhooks(args) => webhooks::run(args, &global).await,
            Command::Deliveries(args) => deliveries::run(args, &global).await,
            Command::Explain(args) => explain::run(args, &global).await,
            Command::Listen(args) => listen::run(args, &global).await,
            Command::Doctor(args) => doctor::run(*args, &global).await,
            Command::Redrive(args) => redrive::run(args, &global).await,
            Command::Republish(args) => republish::run(args, &global).await,
            Command::Replay(args) => replay::run(args, &global).await,
            Command::Cost(args) => cost::run(&args, &global).await,
            Command::Status => status::run(&global).await,
            Command::Completions(args) => completions::run(&args, &mut Self::command()),
        }
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    /// The commands that nothing is under, each with its name.
    fn leaves(command: &clap::Command) -> Vec<clap::Command> {
        let inner: Vec<_> = command.get_subcommands().flat_map(leaves).collect();
        if inner.is_empty() { vec![command.clone()] } else { inner }
    }

    /// The words of each example: what stands before a pipe, a redirection or a comment.
    fn examples(help: &str) -> Vec<Vec<String>> {
        let lines = help.replace("\\\n", " ");
        let commands = lines.lines().filter_map(|line| line.split_once("storehook ")).map(|(_, rest)| {
            let ends = [" | ", " >", " < ", " #"];
            let end = ends.iter().filter_map(|end| rest.find(end)).min().unwrap_or(rest.len());
            let words = rest[..end].split_whitespace().map(str::to_owned);
            ["storehook".to_owned()].into_iter().chain(words).collect()
        });
        commands.collect()
    }

    #[test]
    fn every_command_shows_examples_that_it_understands() -> Result<()> {
        let commands = leaves(&CommandLine::command());
        assert_eq!(commands.len(), CommandLine::names().len());
        for command in commands {
            let name = command.get_name();
            let help =
                command.get_after_help().with_context(|| format!("{name} shows no examples"))?.to_string();
            assert!(help.starts_with("Examples:\n  "), "{name}: {help}");
            let examples = examples(&help);
            assert!(examples.iter().flatten().any(|word| word == name), "{name}: {help}");
            for words in examples {
                CommandLine::try_parse_from(&words).with_context(|| format!("{words:?}"))?;
            }
        }
        Ok(())
    }
}
