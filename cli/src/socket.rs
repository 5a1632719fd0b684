//! Listening on an address of this machine.

use std::{
    io::ErrorKind,
    net::{SocketAddr, TcpListener},
};

use anyhow::{Error, Result};

/// Listens on this address; port 0 is any free one.
///
/// # Errors
///
/// The address cannot be had. The error says why, and which option to change.
pub fn listen(address: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(address).map_err(|error| {
        let (host, port) = (address.ip(), address.port());
        let words = match error.kind() {
            ErrorKind::AddrInUse => {
                format!("port {port} of {host} is taken: choose another with --port, or 0 for any free one")
            }
            ErrorKind::AddrNotAvailable => {
                format!("{host} is not an address of this machine: choose another with --bind")
            }
            ErrorKind::PermissionDenied => {
                format!("you may not listen on port {port}: choose one over 1023 with --port")
            }
            _ => format!("cannot listen on {address}"),
        };
        Error::new(error).context(words)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_cannot_be_had_is_refused_in_words() -> Result<()> {
        let taken = listen("127.0.0.1:0".parse()?)?;
        let port = taken.local_addr()?.port();
        let cases = [
            (format!("127.0.0.1:{port}"), format!("port {port} of 127.0.0.1 is taken: choose another with")),
            // TEST-NET-3: no machine has it (RFC 5737).
            ("203.0.113.1:0".to_owned(), "203.0.113.1 is not an address of this machine".to_owned()),
        ];
        for (address, words) in cases {
            let refused = listen(address.parse()?).map_err(|error| error.to_string());
            let told = refused.err().unwrap_or_default();
            assert!(told.starts_with(&words), "{address}: {told}");
        }
        Ok(())
    }
}
