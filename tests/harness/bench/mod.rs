//! Benches of the functions' own programs.
//!
//! A [`Function`] is the program as it is deployed, in a process of its own. Everything around it is in the
//! bench's process: Lambda's Runtime API, which hands it invocations ([`Function::invoke`]); AWS over HTTP
//! ([`StubAws`]); the endpoints ([`Endpoint`]). So the CPU time of the function's process is what the code
//! costs, and nothing else.
//!
//! A machine that others use as well is faster at one time than at another. So a bench measures [`Limit`]
//! loops in the same run, and tells ratios to them. Whatever is measured comes several times, in turn, and
//! the [`median`] counts.
//!
//! All of it reads `/proc`, so it needs Linux.

mod aws;
mod cpu;
mod endpoint;
mod events;
mod function;
mod limits;
mod programs;
mod report;
mod runtime_api;

pub use aws::StubAws;
pub use cpu::cpu_of;
pub use endpoint::Endpoint;
pub use events::{Message, jobs_event, messages_event, order, records_event};
pub use function::Function;
pub use limits::Limit;
pub use programs::Programs;
pub use report::{Arguments, Report, median, percentile_ms, rounded};
