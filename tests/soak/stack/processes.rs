//! The functions' processes: whose connection it is, and what befalls a process.
//!
//! It reads `/proc`, so it needs Linux. A process is killed and stopped by a handle of it ("pidfd_open(2)"),
//! never by its number, which another one may have by then.

use std::{fs, net::SocketAddr, os::fd::OwnedFd, path::Path, sync::Arc, time::Duration};

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use storehook_simulator::faults::{Fault, Faults};

/// How long a process is frozen until its time is up. Lambda would wait for the function's timeout, 60 s.
const FROZEN: Duration = Duration::from_secs(8);

/// The longest time for which a process stalls.
const STALLED: Duration = Duration::from_secs(4);

/// A process that a function runs in.
#[derive(Debug)]
pub(super) struct Process {
    /// Its number.
    pub(super) id: u32,
    /// Whether it is the fan-out; otherwise it is the delivery function, or the admin API.
    pub(super) is_fan_out: bool,
    handle: OwnedFd,
}

impl Process {
    /// The process that has this end of a connection, if it is a function's.
    pub(super) fn at(end: SocketAddr) -> Option<Arc<Self>> {
        let socket = socket_at(end)?;
        let mut processes = fs::read_dir("/proc").ok()?.flatten();
        processes.find_map(|entry| Self::with(&entry.path(), &socket)).map(Arc::new)
    }

    /// The process of this folder, if it is a function's and has this socket.
    fn with(folder: &Path, socket: &str) -> Option<Self> {
        let id = folder.file_name()?.to_str()?.parse().ok()?;
        // Processes of others do not let us read, and processes end.
        let environment = fs::read(folder.join("environ")).ok()?;
        let function = environment
            .split(|byte| *byte == 0)
            .find_map(|variable| variable.strip_prefix(b"AWS_LAMBDA_FUNCTION_NAME="))?;
        let mut files = fs::read_dir(folder.join("fd")).ok()?.flatten();
        files.find(|file| fs::read_link(file.path()).is_ok_and(|link| link.as_os_str() == socket))?;
        let handle = pidfd_open(Pid::from_raw(id)?, PidfdFlags::empty()).ok()?;
        Some(Self { id: id.cast_unsigned(), is_fan_out: function.ends_with(b"fan-out"), handle })
    }

    /// This befalls it. A process that freezes or stalls still gets what comes meanwhile, later.
    pub(super) fn befall(self: &Arc<Self>, fault: Fault, faults: &Faults) {
        faults.count(fault);
        let (time, end) = match fault {
            Fault::Frozen => (FROZEN, Signal::KILL),
            Fault::Stalled => (STALLED.mul_f64(faults.part()), Signal::CONT),
            _ => return self.signal(Signal::KILL),
        };
        self.signal(Signal::STOP);
        let process = Arc::clone(self);
        tokio::spawn(async move {
            tokio::time::sleep(time).await;
            process.signal(end);
        });
    }

    fn signal(&self, signal: Signal) {
        // A process that has ended needs no signal.
        _ = pidfd_send_signal(&self.handle, signal);
    }
}

/// The name of the socket that is bound to this address, as `/proc/PID/fd` has it ("proc_pid_net(5)",
/// `/proc/net/tcp`: the second word of a line is the socket's own address, the tenth its inode).
fn socket_at(end: SocketAddr) -> Option<String> {
    let SocketAddr::V4(end) = end else { return None };
    let address = format!("{:08X}:{:04X}", u32::from_le_bytes(end.ip().octets()), end.port());
    let table = fs::read_to_string("/proc/net/tcp").ok()?;
    let line = table.lines().find(|line| line.split_whitespace().nth(1) == Some(&address))?;
    Some(format!("socket:[{}]", line.split_whitespace().nth(9)?))
}
