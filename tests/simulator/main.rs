//! The program `simulator`: the queues' limits, scenario by scenario.

fn main() -> anyhow::Result<()> {
    storehook_simulator::program::run()
}
