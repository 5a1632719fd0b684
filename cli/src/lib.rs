//! `storehook`: the operator's program, and the whole system on one machine.
//!
//! Without `--stack` a command works on the local stack that `storehook local` runs. With `--stack`
//! it works on a deployed stack, with the AWS credentials that the user already has. Secrets are
//! shown once, when they are made, and never kept.
//!
//! Each command has a file or a folder. `command_line` lists them, and `global` holds the options that
//! all of them take. `stack` leads the commands to a stack, and `output` is where they all write:
//! a result is either text or JSON, by `--json`.

pub mod http_client;
pub mod output;
pub mod progress;
pub mod socket;
pub mod table;
pub mod time;

pub mod consent;
pub mod stack;

pub mod global;

pub mod secret;

pub mod local;

pub mod input;
pub mod install;
pub mod installation;
pub mod panel_link;
pub mod publish;

pub mod deliveries;
pub mod list;
pub mod rotate;
pub mod token;
pub mod uninstall;
pub mod webhook_now;
pub mod webhooks;

pub mod doctor;
pub mod listen;

pub mod drain;

pub mod redrive;
pub mod replay;
pub mod republish;

pub mod explain;

pub mod cost;
pub mod status;

pub mod completions;

pub mod command_line;
pub mod exit;
