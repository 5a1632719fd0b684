//! The program `soak`: nothing is lost, under faults.

fn main() -> anyhow::Result<()> {
    storehook_simulator::soak::run()
}
