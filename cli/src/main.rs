//! `storehook`: reads the command line and runs one command.

use std::process::ExitCode;

use clap::Parser as _;
use storehook::{command_line::CommandLine, exit};

#[tokio::main]
async fn main() -> ExitCode {
    exit::code_of(CommandLine::parse().run().await)
}
