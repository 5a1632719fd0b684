//! The stack: its template, its permissions, and the emulator's gaps.

pub(crate) mod template;

mod alarms;
mod breakers;
mod containers;
mod deployments;
mod every_call;
mod gaps;
mod grants;
mod limits;
mod made_again;
mod metric_lines;
mod needed_actions;
mod observed;
mod parameters;
mod permissions;
mod policy;
mod recorded;
mod restored;
mod upgraded;
mod writers;
