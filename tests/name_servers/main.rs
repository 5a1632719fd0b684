//! The delivery function's own program, and name servers that are hostile.
//!
//! The program looks names up as it does on Lambda, by the system. So the test starts itself again in a
//! network of its own, by Linux' namespaces (unshare(1)): there the only name server is the test's, and
//! every address of the tables is one of the machine's own, with an endpoint behind it. Nothing but the
//! guard keeps a delivery from a forbidden one.
//!
//! Where the system allows no namespaces the test is skipped, and says so; with
//! `STOREHOOK_NAMESPACES=required` that is a failure.

#[cfg(target_os = "linux")]
mod cases;
#[cfg(target_os = "linux")]
mod inside;
#[cfg(target_os = "linux")]
mod name_server;

use std::process::{Command, ExitCode, Stdio};

use libtest_mimic::{Arguments, Failed, Trial};

/// What the process inside finds the folder of the functions' programs in.
const PROGRAMS: &str = "STOREHOOK_TEST_PROGRAMS";

fn main() -> ExitCode {
    #[cfg(target_os = "linux")]
    if let Some(programs) = setting(PROGRAMS) {
        return inside::run(&programs);
    }
    let is_possible =
        namespaces().arg("true").stderr(Stdio::null()).status().is_ok_and(|status| status.success());
    if !is_possible {
        eprintln!("The test of hostile name servers is skipped: the system allows no namespaces (unshare).");
        if setting("STOREHOOK_NAMESPACES").is_some_and(|value| value == "required") {
            eprintln!("STOREHOOK_NAMESPACES=required makes that a failure.");
            return ExitCode::FAILURE;
        }
    }
    let name = "no_name_server_leads_a_delivery_to_a_forbidden_address";
    let trial = Trial::test(name, test).with_ignored_flag(!is_possible);
    libtest_mimic::run(&Arguments::from_args(), vec![trial]).exit_code()
}

/// A program in a network and a mount table of its own.
fn namespaces() -> Command {
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--net", "--mount", "--"]);
    command
}

fn test() -> Result<(), Failed> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let root = storehook_tests::root();
    let programs = runtime.block_on(storehook::local::functions::build_these(&root, &["delivery"]));
    let programs = programs.map_err(|error| Failed::from(format!("{error:#}")))?;
    let folder = programs.get("delivery").and_then(|program| program.parent()).ok_or("no program")?;
    let inside = namespaces().arg(std::env::current_exe()?).env(PROGRAMS, folder).output()?;
    if inside.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&inside.stderr).into_owned().into())
}

#[expect(clippy::disallowed_methods, reason = "a test's own switches, and no settings of a function")]
fn setting(name: &str) -> Option<std::ffi::OsString> {
    std::env::var_os(name)
}
