//! The programs that the tests need, and `chromedriver` as a process.

use std::{path::PathBuf, process::Stdio};

use anyhow::{Context as _, Result, bail};
use storehook_tests::root;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
};

/// The programs that the tests need.
const PROGRAMS: [&str; 2] = ["chromium", "chromedriver"];

/// Which of them are not in the path.
pub(crate) fn missing_programs() -> Vec<&'static str> {
    let is_missing = |program: &&str| {
        let version = std::process::Command::new(program).arg("--version").stderr(Stdio::null()).output();
        !version.is_ok_and(|output| output.status.success())
    };
    PROGRAMS.into_iter().filter(is_missing).collect()
}

/// Starts a `chromedriver` on a port of its choice. It chooses a free port of IPv4 and then wants the
/// same one of IPv6; if somebody has that, it ends, and another one may choose better.
pub(crate) async fn start() -> Result<(Child, u16)> {
    let mut last = None;
    for _ in 0..5 {
        match start_once().await {
            Ok(started) => return Ok(started),
            Err(error) => last = Some(error),
        }
    }
    Err(last.context("it was never started")?)
}

async fn start_once() -> Result<(Child, u16)> {
    let log: PathBuf = root().join("target/it/chromedriver.log");
    std::fs::create_dir_all(log.parent().context("a folder")?)?;
    let mut child = Command::new("chromedriver")
        .arg("--port=0")
        .stdout(Stdio::piped())
        .stderr(std::fs::File::create(log)?)
        .kill_on_drop(true)
        .spawn()
        .context("chromedriver did not start")?;
    let mut lines = BufReader::new(child.stdout.take().context("no output")?).lines();
    while let Some(line) = lines.next_line().await? {
        if let Some((_, port)) = line.split_once("started successfully on port ") {
            let port = port.trim_end_matches('.').trim().parse()?;
            // Nobody reads what it says later, but it must not block on a full pipe.
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return Ok((child, port));
        }
    }
    bail!("chromedriver ended without telling its port")
}
