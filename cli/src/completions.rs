//! Completions of the command line, for a shell.

use anyhow::Result;
use clap_complete::Shell;

use crate::output;

const EXAMPLES: &str = "\
Examples:
  storehook completions bash > ~/.local/share/bash-completion/completions/storehook
  storehook completions zsh > \"${fpath[1]}/_storehook\"
  storehook completions fish > ~/.config/fish/completions/storehook.fish";

/// The options of `storehook completions`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The shell.
    shell: Shell,
}

/// `storehook completions`: prints the script for this command line.
pub fn run(args: &Args, command_line: &mut clap::Command) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, command_line, "storehook", &mut script);
    Ok(output::write(&script)?)
}
