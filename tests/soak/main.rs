//! The program `soak`: nothing is lost, under faults. `docs/reliability.md` tells of its two forms.

#[cfg(target_os = "linux")]
mod stack;

use clap::Parser as _;
use storehook_simulator::soak::{self, Args};

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let plan = args.plan()?;
    if !args.stack {
        return soak::run(&plan);
    }
    #[cfg(target_os = "linux")]
    return stack::run(&plan);
    #[cfg(not(target_os = "linux"))]
    anyhow::bail!("whose process a connection is, only Linux tells (`/proc`)")
}
